// compileRules: from the xDS message of role based access control to Rules. Called at load on the main thread; every
// error goes to the diagnostics, under the path of the field it is about.
#pragma once

#include <memory>
#include <string>

#include "source/base/diagnostics.h"
#include "source/extensions/rbac/rules.h"
#include "source/stats/stats.h"

namespace envoy::config::rbac::v3 {
class RBAC;
}

namespace weir::extensions::rbac {

struct RulesContext {
  stats::Registry& stats;
  base::Diagnostics& diagnostics;
  // Where it counts: GROUP.INSTANCE.rbac.PREFIXallowed and ...denied; the instance may be empty.
  std::string group;
  std::string instance;
  std::string prefix;
  bool per_policy = false;       // counters for each policy too
  bool connection_only = false;  // there are no requests: conditions on them are errors
};

// `path` is that of the message. Null after an error was reported.
std::unique_ptr<const Rules> compileRules(const envoy::config::rbac::v3::RBAC& message, const RulesContext& context,
                                          const base::FieldPath& path);

}  // namespace weir::extensions::rbac
