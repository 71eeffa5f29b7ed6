#include "source/extensions/routes/compile_hash_policy.h"

#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "envoy/type/matcher/v3/matcher.pb.h"
#include "source/extensions/messages/duration.h"
#include "source/proxy/routes/path_rewrite.h"

namespace weir::extensions {
namespace {

using Message = envoy::config::route::v3::RouteAction::HashPolicy;
using Rule = proxy::HashPolicy::Rule;

void compileHeader(const Message::Header& message, Rule& rule, base::Diagnostics& diagnostics,
                   const base::FieldPath& path) {
  rule.kind = Rule::Kind::kHeader;
  rule.name = absl::AsciiStrToLower(message.header_name());
  if (!message.has_regex_rewrite()) return;
  const auto& rewrite = message.regex_rewrite();
  auto compiled = proxy::PathRewrite::make(rewrite.pattern().regex(), rewrite.substitution());
  if (!compiled.ok()) return diagnostics.error(path.at("regex_rewrite"), std::string(compiled.status().message()));
  rule.rewrite = *std::move(compiled);
}

void compileCookie(const Message::Cookie& message, Rule& rule, base::Diagnostics& diagnostics,
                   const base::FieldPath& path) {
  rule.kind = Rule::Kind::kCookie;
  rule.name = message.name();
  rule.path = message.path();
  if (message.has_ttl()) {
    rule.ttl = durationOf(message.ttl());
    if (*rule.ttl < absl::ZeroDuration()) {
      diagnostics.error(path.at("ttl"), "below zero; allowed: 0s, for as long as the browser runs, or more");
    }
  } else if (!message.path().empty() || message.attributes_size() > 0) {
    diagnostics.warning(path, "has no ttl, so that weir sets no cookie, and path and attributes have no effect");
  }
  for (const auto& attribute : message.attributes()) rule.attributes.emplace_back(attribute.name(), attribute.value());
}

std::optional<Rule> compileRule(const Message& message, base::Diagnostics& diagnostics, const base::FieldPath& path) {
  Rule rule;
  rule.terminal = message.terminal();
  switch (message.policy_specifier_case()) {
    case Message::kHeader:
      compileHeader(message.header(), rule, diagnostics, path.at("header"));
      return rule;
    case Message::kCookie:
      compileCookie(message.cookie(), rule, diagnostics, path.at("cookie"));
      return rule;
    case Message::kConnectionProperties:
      if (message.connection_properties().source_ip()) {
        rule.kind = Rule::Kind::kSourceIp;
        return rule;
      }
      diagnostics.error(path.at("connection_properties"), "names no property; allowed: source_ip: true");
      return std::nullopt;
    case Message::kQueryParameter:
      rule.kind = Rule::Kind::kQueryParameter;
      rule.name = message.query_parameter().name();
      return rule;
    case Message::POLICY_SPECIFIER_NOT_SET:
      break;
  }
  diagnostics.error(path,
                    "names nothing to hash; allowed: one of header, cookie, connection_properties, "
                    "query_parameter");
  return std::nullopt;
}

}  // namespace

std::shared_ptr<const proxy::HashPolicy> compileHashPolicy(const HashPolicyMessages& messages,
                                                           base::Diagnostics& diagnostics,
                                                           const base::FieldPath& path) {
  std::vector<Rule> rules;
  for (int i = 0; i < messages.size(); ++i) {
    if (auto rule = compileRule(messages[i], diagnostics, path.at("hash_policy", static_cast<size_t>(i)))) {
      rules.push_back(*std::move(rule));
    }
  }
  return rules.empty() ? nullptr : std::make_shared<const proxy::HashPolicy>(std::move(rules));
}

}  // namespace weir::extensions
