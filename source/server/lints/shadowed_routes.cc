// A route covers another if each request that the other takes meets it as well: its path takes all of the other's
// paths, and each of its further conditions is also one of the other's.
#include "source/server/lints/shadowed_routes.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "envoy/config/core/v3/core.pb.h"
#include "envoy/config/route/v3/route.pb.h"
#include "envoy/type/matcher/v3/matcher.pb.h"
#include "envoy/type/v3/type.pb.h"
#include "source/proxy/routes/path_index.h"
#include "source/proxy/routes/regex_index.h"

namespace weir::server {
namespace {

namespace api = envoy::config::route::v3;
using PathKind = proxy::PathIndex::Kind;

// What is compared of a route.
struct Shape {
  enum class Kind { kExact, kPrefix, kSeparated, kRegex, kConnect };
  Kind kind = Kind::kPrefix;
  std::string text;
  bool folded = false;                  // letters compare without regard to case; the text is in lower case
  std::vector<std::string> conditions;  // sorted
};

bool hasLetters(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) { return absl::ascii_isalpha(c); });
}

Shape::Kind kindOf(const api::RouteMatch& match, std::string& text) {
  switch (match.path_specifier_case()) {
    case api::RouteMatch::kPath:
      text = match.path();
      return Shape::Kind::kExact;
    case api::RouteMatch::kPathSeparatedPrefix:
      text = match.path_separated_prefix();
      return Shape::Kind::kSeparated;
    case api::RouteMatch::kSafeRegex:
      text = match.safe_regex().regex();
      break;
    case api::RouteMatch::kConnectMatcher:
      return Shape::Kind::kConnect;
    case api::RouteMatch::kPathMatchPolicy:
      text = absl::StrCat("template ", match.path_match_policy().typed_config().value());
      return Shape::Kind::kRegex;
    default:
      text = match.prefix();
      return Shape::Kind::kPrefix;
  }
  if (text != ".*" && text != "/.*") return Shape::Kind::kRegex;
  text.resize(text.size() - 2);  // the same as a prefix
  return Shape::Kind::kPrefix;
}

bool takesAll(const api::RouteMatch& match) {
  const auto& share = match.runtime_fraction().default_value();
  const uint64_t whole = share.denominator() == envoy::type::v3::FractionalPercent::HUNDRED        ? 100
                         : share.denominator() == envoy::type::v3::FractionalPercent::TEN_THOUSAND ? 10'000
                                                                                                   : 1'000'000;
  return !match.has_runtime_fraction() || share.numerator() >= whole;
}

Shape shapeOf(const api::RouteMatch& match) {
  Shape shape;
  shape.kind = kindOf(match, shape.text);
  shape.folded = match.has_case_sensitive() && !match.case_sensitive().value() && shape.kind != Shape::Kind::kRegex;
  if (shape.folded) shape.text = absl::AsciiStrToLower(shape.text);
  const auto add = [&shape](const char* kind, const auto& message) {
    shape.conditions.push_back(kind + message.SerializeAsString());
  };
  for (const auto& header : match.headers()) add("h", header);
  for (const auto& query : match.query_parameters()) add("q", query);
  for (const auto& cookie : match.cookies()) add("c", cookie);
  if (match.has_tls_context()) add("t", match.tls_context());
  if (match.has_grpc()) shape.conditions.emplace_back("g");
  std::sort(shape.conditions.begin(), shape.conditions.end());
  return shape;
}

bool covers(const Shape& first, const Shape& second) {
  if ((first.kind == Shape::Kind::kConnect) != (second.kind == Shape::Kind::kConnect)) return false;
  // Which case the other's letters come in, this one would have to take any.
  if (!first.folded && second.folded && hasLetters(first.text)) return false;
  if (!std::includes(second.conditions.begin(), second.conditions.end(), first.conditions.begin(),
                     first.conditions.end())) {
    return false;
  }
  if (first.kind == Shape::Kind::kConnect) return true;
  if (first.kind == Shape::Kind::kRegex) return second.kind == first.kind && second.text == first.text;
  // What each path that the second takes begins with.
  std::string begin = second.kind == Shape::Kind::kRegex ? proxy::requiredPrefix(second.text) : second.text;
  if (first.folded) begin = absl::AsciiStrToLower(begin);
  const bool exact = second.kind == Shape::Kind::kExact;
  switch (first.kind) {
    case Shape::Kind::kExact:
      return exact && begin == first.text;
    case Shape::Kind::kPrefix:
      return begin.starts_with(first.text);
    default:
      break;
  }
  const bool whole = exact || second.kind == Shape::Kind::kSeparated;
  return (whole && begin == first.text) || begin.starts_with(first.text + "/");
}

class Shadows {
 public:
  explicit Shadows(const api::VirtualHost& host) {
    proxy::PathIndex::Builder sensitive, folded;
    for (int i = 0; i < host.routes_size(); ++i) {
      shapes_.push_back(shapeOf(host.routes(i).match()));
      const Shape& shape = shapes_.back();
      const auto entry = static_cast<uint32_t>(i);
      if (!takesAll(host.routes(i).match())) continue;
      if (shape.kind == Shape::Kind::kConnect || shape.kind == Shape::Kind::kRegex) {
        others_[shape.text].push_back(entry);
      } else {
        // As a prefix, whatever it is: covers() looks closer.
        (shape.folded ? folded : sensitive).add(shape.text, PathKind::kPrefix, entry);
      }
    }
    sensitive_ = std::move(sensitive).build();
    folded_ = std::move(folded).build();
  }

  // The first route that covers that one.
  std::optional<uint32_t> shadowOf(uint32_t route) const {
    const Shape& shape = shapes_[route];
    if (const auto same = others_.find(shape.text); same != others_.end()) {
      for (const uint32_t i : same->second) {
        if (i < route && covers(shapes_[i], shape)) return i;
      }
    }
    const std::string begin = shape.kind == Shape::Kind::kRegex ? proxy::requiredPrefix(shape.text) : shape.text;
    const std::string lower = absl::AsciiStrToLower(begin);
    proxy::PathCandidates candidates;
    sensitive_.collect(begin, candidates);
    folded_.collect(lower, candidates);
    uint32_t i;
    while (candidates.next(i) && i < route) {
      if (covers(shapes_[i], shape)) return i;
    }
    return std::nullopt;
  }

 private:
  std::vector<Shape> shapes_;
  proxy::PathIndex sensitive_, folded_;
  std::map<std::string, std::vector<uint32_t>> others_;
};

}  // namespace

void lintShadowedRoutes(const api::VirtualHost& host, base::Diagnostics& diagnostics, const base::FieldPath& path) {
  const Shadows shadows(host);
  for (int i = 0; i < host.routes_size(); ++i) {
    const std::optional<uint32_t> first = shadows.shadowOf(static_cast<uint32_t>(i));
    if (!first) continue;
    const std::string& name = host.routes(static_cast<int>(*first)).name();
    diagnostics.warning(path.at("routes", static_cast<size_t>(i)),
                        absl::StrCat("never matches: routes[", *first, "]", name.empty() ? "" : " ", name,
                                     ", which stands before it, takes every such request"));
  }
}

}  // namespace weir::server
