// PathRewrite: a regular expression and what every match of it in a path becomes. Compiled at load, immutable, shared
// by workers. The query is never part of the path here.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "source/http/head.h"
#include "source/proxy/routes/route.h"

namespace re2 {
class RE2;
}

namespace weir::proxy {

class PathRewrite {
 public:
  // The error says what is wrong with the expression, or with the number of groups in the substitution.
  static absl::StatusOr<std::shared_ptr<const PathRewrite>> make(std::string_view pattern,
                                                                 std::string_view substitution);
  ~PathRewrite();
  // `path` without its query, all matches replaced.
  std::string apply(std::string_view path) const;

 private:
  PathRewrite(std::unique_ptr<re2::RE2> pattern, std::string substitution);
  std::unique_ptr<re2::RE2> pattern_;
  std::string substitution_;
};

// The path (with the query of `head.path`) that a rewrite makes of it: `prefix_rewrite` for what the route matched, or
// the regex, or the path as it is when both are absent. A text of the head's arena or head.path itself.
std::string_view rewrittenPath(const http::Head& head, const Route& route, std::string_view prefix_rewrite,
                               const PathRewrite* regex_rewrite);

// The Location of a redirect: an absolute URI in the head's arena.
std::string_view redirectLocation(const http::Head& head, const Route& route, const RedirectAction& redirect);

}  // namespace weir::proxy
