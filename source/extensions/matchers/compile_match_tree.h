// compileMatchTree: from the xDS message of a tree of conditions to a MatchTree. Called at load on the main thread;
// every error goes to the diagnostics, under the path of the field it is about.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "source/base/diagnostics.h"
#include "source/extensions/matchers/match_tree.h"
#include "source/stats/stats.h"

namespace google::protobuf {
class Message;
}
namespace xds::type::matcher::v3 {
class Matcher;
}

namespace weir::extensions {

struct MatchTreeContext {
  stats::Registry& stats;
  base::Diagnostics& diagnostics;
  bool connection_only = false;  // there are no requests: conditions on them are errors
  // The number of an action, of any message type; none after an error was reported at that path.
  std::function<std::optional<size_t>(const google::protobuf::Message&, const base::FieldPath&)> action;
};

// `path` is that of the message. Null after an error was reported.
std::unique_ptr<const MatchTree> compileMatchTree(const xds::type::matcher::v3::Matcher& message,
                                                  const MatchTreeContext& context, const base::FieldPath& path);

}  // namespace weir::extensions
