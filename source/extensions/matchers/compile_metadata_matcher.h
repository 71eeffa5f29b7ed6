// From the metadata matchers of the xDS API to the plain ones. Called at load on the main thread; every error goes to
// the diagnostics, under the path of the field it is about.
#pragma once

#include <optional>

#include "source/base/diagnostics.h"
#include "source/filter/metadata_matcher.h"

namespace envoy::type::matcher::v3 {
class MetadataMatcher;
class ValueMatcher;
}  // namespace envoy::type::matcher::v3

namespace weir::extensions {

// None after an error was reported. `path` is that of the message.
std::optional<filter::MetadataMatcher> compileMetadataMatcher(const envoy::type::matcher::v3::MetadataMatcher& message,
                                                              base::Diagnostics& diagnostics,
                                                              const base::FieldPath& path);
std::optional<filter::ValueMatcher> compileValueMatcher(const envoy::type::matcher::v3::ValueMatcher& message,
                                                        base::Diagnostics& diagnostics, const base::FieldPath& path);

}  // namespace weir::extensions
