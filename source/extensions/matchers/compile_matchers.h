// From the matcher messages of the xDS API to the plain matchers that routes and filters keep. Called at load on the
// main thread; every error goes to the diagnostics, under the path of the field it is about.
#pragma once

#include <optional>
#include <vector>

#include "source/base/diagnostics.h"
#include "source/filter/fraction.h"
#include "source/filter/matchers.h"

namespace google::protobuf {
template <typename Element>
class RepeatedPtrField;
}
namespace envoy::config::core::v3 {
class RuntimeFractionalPercent;
}
namespace envoy::config::route::v3 {
class HeaderMatcher;
}
namespace envoy::type::matcher::v3 {
class RegexMatcher;
class StringMatcher;
}  // namespace envoy::type::matcher::v3
namespace envoy::type::v3 {
class FractionalPercent;
}

namespace weir::extensions {

// None after an error was reported. `path` is that of the message.
std::optional<filter::StringMatcher> compileStringMatcher(const envoy::type::matcher::v3::StringMatcher& message,
                                                          base::Diagnostics& diagnostics, const base::FieldPath& path);
std::optional<filter::StringMatcher> compileRegexMatcher(const envoy::type::matcher::v3::RegexMatcher& message,
                                                         base::Diagnostics& diagnostics, const base::FieldPath& path);
std::optional<filter::HeaderMatcher> compileHeaderMatcher(const envoy::config::route::v3::HeaderMatcher& message,
                                                          base::Diagnostics& diagnostics, const base::FieldPath& path);
// `path` is that of the message that has the list, `field` the name of the list. Leaves out what has an error.
std::vector<filter::HeaderMatcher> compileHeaderMatchers(
    const google::protobuf::RepeatedPtrField<envoy::config::route::v3::HeaderMatcher>& messages,
    base::Diagnostics& diagnostics, const base::FieldPath& path, const char* field);

filter::Fraction compileFraction(const envoy::type::v3::FractionalPercent& message);
// There is no runtime layer: the default value is the value.
filter::Fraction compileFraction(const envoy::config::core::v3::RuntimeFractionalPercent& message);

}  // namespace weir::extensions
