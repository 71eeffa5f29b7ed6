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
namespace xds::type::matcher::v3 {
class Matcher;
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
// The same of a tree of conditions.
std::unique_ptr<const Rules> compileRules(const xds::type::matcher::v3::Matcher& message, const RulesContext& context,
                                          const base::FieldPath& path);

// What a filter has: `message` with rules and matcher, of which the matcher is taken where both are given; null where
// neither is, and after an error.
template <typename Message>
std::unique_ptr<const Rules> compileEnforced(const Message& message, const RulesContext& context,
                                             const base::FieldPath& path) {
  if (message.has_matcher()) {
    if (message.has_rules()) context.diagnostics.warning(path.at("rules"), "not looked at where a matcher is given");
    return compileRules(message.matcher(), context, path.at("matcher"));
  }
  return message.has_rules() ? compileRules(message.rules(), context, path.at("rules")) : nullptr;
}
// And what it only counts.
template <typename Message>
std::unique_ptr<const Rules> compileShadow(const Message& message, const RulesContext& context,
                                           const base::FieldPath& path) {
  if (message.has_shadow_matcher()) {
    if (message.has_shadow_rules()) {
      context.diagnostics.warning(path.at("shadow_rules"), "not looked at where a shadow_matcher is given");
    }
    return compileRules(message.shadow_matcher(), context, path.at("shadow_matcher"));
  }
  return message.has_shadow_rules() ? compileRules(message.shadow_rules(), context, path.at("shadow_rules")) : nullptr;
}

}  // namespace weir::extensions::rbac
