#include "source/proxy/routes/hash_policy.h"

#include "absl/strings/str_cat.h"
#include "source/base/strings.h"
#include "source/http/cookie.h"
#include "source/http/path.h"
#include "source/proxy/routes/path_rewrite.h"
#include "source/upstream/lb/stable_hash.h"

namespace weir::proxy {
namespace {

using upstream::lb::stableHash;
using Rule = HashPolicy::Rule;

std::optional<uint64_t> hashHeader(const Rule& rule, const http::Head& request) {
  const std::optional<std::string_view> value = request.value(rule.name);
  if (!value) return std::nullopt;
  return rule.rewrite == nullptr ? stableHash(*value) : stableHash(rule.rewrite->apply(*value));
}

std::optional<uint64_t> hashParameter(const Rule& rule, const http::Head& request) {
  std::optional<uint64_t> hash;
  http::forEachQueryParameter(http::queryOf(request.path), [&](std::string_view name, std::string_view value) {
    if (name != rule.name) return true;
    hash = stableHash(value);
    return false;
  });
  return hash;
}

std::optional<uint64_t> hashSourceIp(const filter::StreamInfo& info) {
  if (!info.downstream_remote.isIp()) return std::nullopt;
  return stableHash(info.downstream_remote.ipBytes());
}

// Unlike that of any other exchange, and the same for this one whenever it is asked for.
std::string makeCookieValue(const Rule& rule, const filter::StreamInfo& info) {
  uint64_t seed = stableHash(info.request_id, static_cast<uint64_t>(absl::ToUnixNanos(info.start_wall)));
  seed = stableHash(rule.name, seed ^ info.connection_id);
  if (info.downstream_direct_remote.isIp()) seed = stableHash(info.downstream_direct_remote.text(), seed);
  return absl::StrCat(absl::Hex(seed, absl::kZeroPad16));
}

const SetCookie* makeSetCookie(const Rule& rule, std::string_view value, const SetCookie* next, base::Arena& arena) {
  std::string text = absl::StrCat(rule.name, "=", base::av(value));
  if (*rule.ttl > absl::ZeroDuration()) absl::StrAppend(&text, "; Max-Age=", absl::ToInt64Seconds(*rule.ttl));
  if (!rule.path.empty()) absl::StrAppend(&text, "; Path=", rule.path);
  for (const auto& [name, attribute] : rule.attributes) {
    absl::StrAppend(&text, "; ", name, attribute.empty() ? "" : "=", attribute);
  }
  absl::StrAppend(&text, "; HttpOnly");
  return arena.make<SetCookie>(SetCookie{arena.copy(text), next});
}

}  // namespace

HashPolicy::HashPolicy(std::vector<Rule> rules) : rules_(std::move(rules)) {}
HashPolicy::~HashPolicy() = default;

HashPolicy::Outcome HashPolicy::apply(const http::Head& request, const filter::StreamInfo& info) const {
  Outcome outcome;
  for (const Rule& rule : rules_) {
    std::optional<uint64_t> hash;
    switch (rule.kind) {
      case Rule::Kind::kHeader:
        hash = hashHeader(rule, request);
        break;
      case Rule::Kind::kSourceIp:
        hash = hashSourceIp(info);
        break;
      case Rule::Kind::kQueryParameter:
        hash = hashParameter(rule, request);
        break;
      case Rule::Kind::kCookie:
        if (const auto value = http::cookieValue(request.headers, rule.name)) {
          hash = stableHash(*value);
        } else if (rule.ttl) {
          const std::string made = makeCookieValue(rule, info);
          hash = stableHash(made);
          outcome.cookies = makeSetCookie(rule, made, outcome.cookies, request.arena());
        }
        break;
    }
    if (!hash) continue;
    // Rotated, so that two rules with the same value do not cancel each other out.
    outcome.hash = outcome.hash ? ((*outcome.hash << 1) | (*outcome.hash >> 63)) ^ *hash : *hash;
    if (rule.terminal) break;
  }
  return outcome;
}

}  // namespace weir::proxy
