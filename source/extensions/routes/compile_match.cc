#include "source/extensions/routes/compile_match.h"

#include "absl/strings/str_cat.h"
#include "envoy/config/core/v3/core.pb.h"
#include "envoy/config/route/v3/route.pb.h"
#include "envoy/type/matcher/v3/matcher.pb.h"
#include "source/extensions/matchers/compile_matchers.h"

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
      match.regex = compileRegexMatcher(message.safe_regex(), diagnostics, path.at("safe_regex"));
      break;
    case Message::PATH_SPECIFIER_NOT_SET:
      diagnostics.error(path, "no path is given; allowed: one of prefix, path, safe_regex, path_separated_prefix");
      break;
  }
  if (message.has_case_sensitive()) match.case_sensitive = message.case_sensitive().value();
  if (match.path_kind == PathKind::kRegex && !match.case_sensitive) {
    diagnostics.error(path.at("case_sensitive"), "does not apply to safe_regex; begin the expression with (?i)");
  }
}

}  // namespace

std::optional<proxy::RouteMatch> compileRouteMatch(const Message& message, base::Diagnostics& diagnostics,
                                                   const base::FieldPath& path) {
  const size_t errors = diagnostics.errors();
  proxy::RouteMatch match;
  compilePath(message, match, diagnostics, path);
  match.headers = compileHeaderMatchers(message.headers(), diagnostics, path, "headers");
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
    match.query.push_back(std::move(query));
  }
  match.grpc = message.has_grpc();
  if (message.has_runtime_fraction()) match.fraction = compileFraction(message.runtime_fraction());
  if (diagnostics.errors() != errors) return std::nullopt;
  return match;
}

}  // namespace weir::extensions
