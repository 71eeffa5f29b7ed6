// compileRateLimits: from the rate_limits of a filter, route or virtual host to rules. Called at load on the main
// thread; errors go to the diagnostics, under the path of the field that they are about.
#pragma once

#include "source/base/diagnostics.h"
#include "source/filter/rate_limit_rules.h"

namespace google::protobuf {
template <typename Element>
class RepeatedPtrField;
}
namespace envoy::config::route::v3 {
class RateLimit;
}

namespace weir::extensions {

// `path` is that of the message that has the list in its field rate_limits.
filter::RateLimitRules compileRateLimits(
    const google::protobuf::RepeatedPtrField<envoy::config::route::v3::RateLimit>& messages,
    base::Diagnostics& diagnostics, const base::FieldPath& path);

}  // namespace weir::extensions
