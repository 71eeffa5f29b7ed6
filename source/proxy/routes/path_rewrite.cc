#include "source/proxy/routes/path_rewrite.h"

#include <re2/re2.h>

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "source/base/arena.h"
#include "source/base/strings.h"

namespace weir::proxy {

namespace {

struct Target {
  std::string_view path;
  std::string_view query;  // with its "?", or empty
};

Target split(std::string_view target) {
  const size_t query = target.find('?');
  if (query == std::string_view::npos) return {target, {}};
  return {target.substr(0, query), target.substr(query)};
}

std::string_view withoutDefaultPort(std::string_view authority, std::string_view scheme) {
  const std::string_view suffix = scheme == "https" ? ":443" : ":80";
  if (authority.ends_with(suffix)) authority.remove_suffix(suffix.size());
  return authority;
}

std::string_view withoutPort(std::string_view authority) {
  const size_t colon = authority.rfind(':');
  const size_t bracket = authority.rfind(']');
  if (colon == std::string_view::npos || (bracket != std::string_view::npos && colon < bracket)) return authority;
  return authority.substr(0, colon);
}

// The path and query of a redirect.
std::string redirectTarget(const http::Head& head, const Route& route, const RedirectAction& redirect) {
  const Target old = split(head.path);
  if (!redirect.path.empty()) {
    const bool brings_query = redirect.path.find('?') != std::string::npos;
    if (redirect.strip_query || brings_query) return redirect.path;
    return redirect.path + std::string(old.query);
  }
  const std::string_view whole = rewrittenPath(head, route, redirect.prefix_rewrite, redirect.regex_rewrite.get());
  return std::string(redirect.strip_query ? split(whole).path : whole);
}

}  // namespace

absl::StatusOr<std::shared_ptr<const PathRewrite>> PathRewrite::make(std::string_view pattern,
                                                                     std::string_view substitution) {
  RE2::Options options;
  options.set_log_errors(false);
  auto regex = std::make_unique<RE2>(re2::StringPiece(pattern.data(), pattern.size()), options);
  if (!regex->ok()) return absl::InvalidArgumentError(absl::StrCat("invalid regular expression: ", regex->error()));
  std::string why;
  if (!regex->CheckRewriteString(re2::StringPiece(substitution.data(), substitution.size()), &why)) {
    return absl::InvalidArgumentError(absl::StrCat("invalid substitution: ", why));
  }
  return std::shared_ptr<const PathRewrite>(new PathRewrite(std::move(regex), std::string(substitution)));
}

PathRewrite::PathRewrite(std::unique_ptr<re2::RE2> pattern, std::string substitution)
    : pattern_(std::move(pattern)), substitution_(std::move(substitution)) {}

PathRewrite::~PathRewrite() = default;

std::string PathRewrite::apply(std::string_view path) const {
  std::string out(path);
  RE2::GlobalReplace(&out, *pattern_, substitution_);
  return out;
}

std::string_view rewrittenPath(const http::Head& head, const Route& route, std::string_view prefix_rewrite,
                               const PathRewrite* regex_rewrite) {
  base::Arena& arena = head.arena();
  const Target old = split(head.path);
  if (regex_rewrite != nullptr) {
    const std::string path = regex_rewrite->apply(old.path);
    return arena.join(path, old.query);
  }
  if (prefix_rewrite.empty()) return head.path;
  const size_t matched = route.whole_path ? old.path.size() : std::min<size_t>(route.matched_bytes, old.path.size());
  return arena.join(prefix_rewrite, head.path.substr(matched));
}

std::string_view redirectLocation(const http::Head& head, const Route& route, const RedirectAction& redirect) {
  std::string_view scheme = head.scheme;
  if (redirect.https) scheme = "https";
  if (!redirect.scheme.empty()) scheme = redirect.scheme;
  std::string_view host = redirect.host.empty() ? head.authority : std::string_view(redirect.host);
  std::string port;
  if (redirect.port) {
    host = withoutPort(host);
    port = absl::StrCat(":", *redirect.port);
  } else if (redirect.host.empty() && scheme != head.scheme) {
    // The port of the old scheme says nothing about the new one.
    host = withoutDefaultPort(host, head.scheme);
  }
  return head.arena().copy(
      absl::StrCat(base::av(scheme), "://", base::av(host), port, redirectTarget(head, route, redirect)));
}

}  // namespace weir::proxy
