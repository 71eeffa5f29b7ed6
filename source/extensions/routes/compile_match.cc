#include "source/extensions/routes/compile_match.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "envoy/config/core/v3/core.pb.h"
#include "envoy/config/route/v3/route.pb.h"
#include "envoy/type/matcher/v3/matcher.pb.h"
#include "source/extensions/matchers/compile_matchers.h"
#include "source/extensions/routes/compile_template.h"

namespace weir::extensions {

namespace {

using Message = envoy::config::route::v3::RouteMatch;
using PathKind = proxy::RouteMatch::PathKind;

// A request's path starts with a slash, so that a literal without one can never match; "" as a prefix matches all.
void checkLiteral(const std::string& literal, PathKind kind, const char* field, base::Diagnostics& diagnostics,
                  const base::FieldPath& path) {
  if (literal.find('?') != std::string::npos) {
    diagnostics.error(path.at(field), absl::StrCat("'", literal,
                                                   "' has a query; paths are matched without it, query_parameters "
                                                   "match the query"));
  } else if (!literal.empty() && literal[0] != '/' && literal != "*") {
    diagnostics.warning(path.at(field), absl::StrCat("'", literal, "' can never match: paths begin with '/'"));
  } else if (literal.empty() && kind == PathKind::kExact) {
    diagnostics.error(path.at(field), "empty; paths begin with '/'");
  }
}

void compileTemplate(const Message& message, proxy::RouteMatch& match, base::Diagnostics& diagnostics,
                     const base::FieldPath& path) {
  const auto parsed = compilePathTemplate(message.path_match_policy(), diagnostics, path);
  if (!parsed) return;
  const bool sensitive = !message.has_case_sensitive() || message.case_sensitive().value();
  auto regex = filter::StringMatcher::regex(sensitive ? parsed->expression : "(?i)" + parsed->expression);
  if (!regex.ok()) return diagnostics.error(path, std::string(regex.status().message()));
  match.regex = std::make_unique<const filter::StringMatcher>(*std::move(regex));
}

void compilePath(const Message& message, proxy::RouteMatch& match, base::Diagnostics& diagnostics,
                 const base::FieldPath& path) {
  switch (message.path_specifier_case()) {
    case Message::kPrefix:
      match.path_kind = PathKind::kPrefix;
      match.literal = message.prefix();
      checkLiteral(match.literal, match.path_kind, "prefix", diagnostics, path);
      break;
    case Message::kPath:
      match.path_kind = PathKind::kExact;
      match.literal = message.path();
      checkLiteral(match.literal, match.path_kind, "path", diagnostics, path);
      break;
    case Message::kPathSeparatedPrefix:
      match.path_kind = PathKind::kSeparatedPrefix;
      match.literal = message.path_separated_prefix();
      checkLiteral(match.literal, match.path_kind, "path_separated_prefix", diagnostics, path);
      break;
    case Message::kSafeRegex:
      match.path_kind = PathKind::kRegex;
      if (auto regex = compileRegexMatcher(message.safe_regex(), diagnostics, path.at("safe_regex"))) {
        match.regex = std::make_unique<const filter::StringMatcher>(*std::move(regex));
      }
      break;
    case Message::kConnectMatcher:
      match.path_kind = PathKind::kConnect;
      break;
    case Message::kPathMatchPolicy:
      match.path_kind = PathKind::kRegex;
      compileTemplate(message, match, diagnostics, path.at("path_match_policy"));
      break;
    case Message::PATH_SPECIFIER_NOT_SET:
      diagnostics.error(path,
                        "no path is given; allowed: one of prefix, path, safe_regex, path_separated_prefix, "
                        "connect_matcher, path_match_policy");
      break;
  }
  if (message.has_case_sensitive()) match.case_sensitive = message.case_sensitive().value();
  if (message.has_safe_regex() && !match.case_sensitive) {
    diagnostics.error(path.at("case_sensitive"), "does not apply to safe_regex; begin the expression with (?i)");
  }
}

void compileQuery(const Message& message, proxy::RouteConditions& conditions, base::Diagnostics& diagnostics,
                  const base::FieldPath& path) {
  for (int i = 0; i < message.query_parameters_size(); ++i) {
    const auto& parameter = message.query_parameters(i);
    proxy::QueryMatch query;
    query.name = parameter.name();
    if (parameter.has_string_match()) {
      query.value = compileStringMatcher(parameter.string_match(), diagnostics,
                                         path.at("query_parameters", static_cast<size_t>(i)).at("string_match"));
    } else if (parameter.has_present_match()) {
      query.present = parameter.present_match();
    }
    conditions.query.push_back(std::move(query));
  }
}

void compileCookies(const Message& message, proxy::RouteConditions& conditions, base::Diagnostics& diagnostics,
                    const base::FieldPath& path) {
  for (int i = 0; i < message.cookies_size(); ++i) {
    const auto& cookie = message.cookies(i);
    auto value = compileStringMatcher(cookie.string_match(), diagnostics,
                                      path.at("cookies", static_cast<size_t>(i)).at("string_match"));
    if (value) conditions.cookies.push_back({cookie.name(), *std::move(value), cookie.invert_match()});
  }
}

// The conditions besides the path, which most routes have none of.
void compileConditions(const Message& message, proxy::RouteMatch& match, base::Diagnostics& diagnostics,
                       const base::FieldPath& path) {
  const bool any = message.headers_size() > 0 || message.query_parameters_size() > 0 || message.cookies_size() > 0 ||
                   message.has_grpc() || message.has_runtime_fraction() || message.has_tls_context();
  if (!any) return;
  proxy::RouteConditions& conditions = match.more();
  conditions.headers = compileHeaderMatchers(message.headers(), diagnostics, path, "headers");
  compileQuery(message, conditions, diagnostics, path);
  compileCookies(message, conditions, diagnostics, path);
  conditions.grpc = message.has_grpc();
  if (message.has_runtime_fraction()) conditions.fraction = compileFraction(message.runtime_fraction());
  if (!message.has_tls_context()) return;
  const auto& tls = message.tls_context();
  proxy::TlsMatch& condition = conditions.tls.emplace();
  if (tls.has_presented()) condition.presented = tls.presented().value();
  if (tls.has_validated()) condition.validated = tls.validated().value();
}

}  // namespace

std::optional<proxy::RouteMatch> compileRouteMatch(const Message& message, base::Diagnostics& diagnostics,
                                                   const base::FieldPath& path) {
  const size_t errors = diagnostics.errors();
  proxy::RouteMatch match;
  compilePath(message, match, diagnostics, path);
  compileConditions(message, match, diagnostics, path);
  if (diagnostics.errors() != errors) return std::nullopt;
  return match;
}

}  // namespace weir::extensions
