// From the hash policies of a route or of a cluster to a HashPolicy. Called at load on the main thread.
#pragma once

#include <memory>

#include "envoy/config/route/v3/route.pb.h"
#include "source/base/diagnostics.h"
#include "source/proxy/routes/hash_policy.h"

namespace weir::extensions {

using HashPolicyMessages = google::protobuf::RepeatedPtrField<envoy::config::route::v3::RouteAction::HashPolicy>;

// `hash_policy` of the message at `path`. Null when there is none, and after errors.
std::shared_ptr<const proxy::HashPolicy> compileHashPolicy(const HashPolicyMessages& messages,
                                                           base::Diagnostics& diagnostics, const base::FieldPath& path);

}  // namespace weir::extensions
