#include "source/extensions/rate_limits/compile_rate_limits.h"

#include <optional>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "envoy/config/route/v3/route.pb.h"
#include "envoy/type/matcher/v3/matcher.pb.h"
#include "source/extensions/matchers/compile_matchers.h"
#include "source/net/address.h"
#include "xds/core/v3/core.pb.h"

namespace weir::extensions {
namespace {

using Form = envoy::config::route::v3::RateLimit;
using Action = filter::RateLimitAction;
using Kind = Action::Kind;

std::string orDefault(const std::string& key, const char* fallback) { return key.empty() ? fallback : key; }

Action queryMatch(const Form::Action::QueryParameterValueMatch& message, base::Diagnostics& diagnostics,
                  const base::FieldPath& path) {
  Action action{.kind = Kind::kQueryParameterMatch,
                .key = orDefault(message.descriptor_key(), "query_match"),
                .value = message.descriptor_value()};
  for (int i = 0; i < message.query_parameters_size(); ++i) {
    const auto& parameter = message.query_parameters(i);
    filter::QueryCondition condition{.name = parameter.name()};
    if (parameter.has_string_match()) {
      condition.value = compileStringMatcher(parameter.string_match(), diagnostics,
                                             path.at("query_parameters", static_cast<size_t>(i)).at("string_match"));
    } else if (parameter.query_parameter_match_specifier_case() != parameter.QUERY_PARAMETER_MATCH_SPECIFIER_NOT_SET) {
      condition.present = parameter.present_match();
    }
    action.query.push_back(std::move(condition));
  }
  if (message.has_expect_match()) action.expect_match = message.expect_match().value();
  return action;
}

Action addressMatch(const Form::Action::RemoteAddressMatch& message, base::Diagnostics& diagnostics,
                    const base::FieldPath& path) {
  Action action{.kind = Kind::kRemoteAddressMatch,
                .key = orDefault(message.descriptor_key(), "remote_address_match"),
                .value = message.descriptor_value()};
  const auto& matcher = message.address_matcher();
  for (int i = 0; i < matcher.ranges_size(); ++i) {
    auto range = net::CidrRange::parse(matcher.ranges(i).address_prefix(), matcher.ranges(i).prefix_len().value());
    if (range.ok()) {
      action.ranges.push_back(*std::move(range));
    } else {
      diagnostics.error(path.at("address_matcher").at("ranges", static_cast<size_t>(i)),
                        std::string(range.status().message()));
    }
  }
  action.expect_match = !matcher.invert_match();
  return action;
}

std::optional<Action> compileAction(const Form::Action& message, base::Diagnostics& diagnostics,
                                    const base::FieldPath& path) {
  switch (message.action_specifier_case()) {
    case Form::Action::kGenericKey:
      return Action{.kind = Kind::kGenericKey,
                    .key = orDefault(message.generic_key().descriptor_key(), "generic_key"),
                    .value = message.generic_key().descriptor_value()};
    case Form::Action::kRemoteAddress:
      return Action{.kind = Kind::kRemoteAddress, .key = "remote_address"};
    case Form::Action::kMaskedRemoteAddress: {
      const auto& form = message.masked_remote_address();
      Action action{.kind = Kind::kMaskedRemoteAddress, .key = "masked_remote_address"};
      if (form.has_v4_prefix_mask_len()) action.v4_bits = form.v4_prefix_mask_len().value();
      if (form.has_v6_prefix_mask_len()) action.v6_bits = form.v6_prefix_mask_len().value();
      return action;
    }
    case Form::Action::kRequestHeaders:
      return Action{.kind = Kind::kRequestHeader,
                    .key = message.request_headers().descriptor_key(),
                    .header = absl::AsciiStrToLower(message.request_headers().header_name()),
                    .skip_if_absent = message.request_headers().skip_if_absent()};
    case Form::Action::kHeaderValueMatch: {
      const auto& form = message.header_value_match();
      Action action{.kind = Kind::kHeaderValueMatch,
                    .key = orDefault(form.descriptor_key(), "header_match"),
                    .value = form.descriptor_value()};
      action.conditions = compileHeaderMatchers(form.headers(), diagnostics, path.at("header_value_match"), "headers");
      if (form.has_expect_match()) action.expect_match = form.expect_match().value();
      return action;
    }
    case Form::Action::kQueryParameterValueMatch:
      return queryMatch(message.query_parameter_value_match(), diagnostics, path.at("query_parameter_value_match"));
    case Form::Action::kRemoteAddressMatch:
      return addressMatch(message.remote_address_match(), diagnostics, path.at("remote_address_match"));
    case Form::Action::kDestinationCluster:
      return Action{.kind = Kind::kDestinationCluster, .key = "destination_cluster"};
    case Form::Action::ACTION_SPECIFIER_NOT_SET:
      break;
  }
  diagnostics.error(path,
                    "no action is given; allowed: generic_key, remote_address, masked_remote_address, "
                    "request_headers, header_value_match, query_parameter_value_match, remote_address_match, "
                    "destination_cluster");
  return std::nullopt;
}

void compileHits(const Form::HitsAddend& message, base::Diagnostics& diagnostics, const base::FieldPath& path,
                 filter::RateLimitRule& rule) {
  if (message.has_number()) rule.hits = message.number().value();
  if (message.format().empty()) return;
  if (message.has_number()) diagnostics.error(path, "has number and format; allowed: one of them");
  auto format = filter::SubstitutionFormat::parse(message.format(), false);
  if (!format.ok()) return diagnostics.error(path.at("format"), std::string(format.status().message()));
  rule.hits_format = *std::move(format);
}

}  // namespace

filter::RateLimitRules compileRateLimits(const google::protobuf::RepeatedPtrField<Form>& messages,
                                         base::Diagnostics& diagnostics, const base::FieldPath& path) {
  filter::RateLimitRules rules;
  for (int i = 0; i < messages.size(); ++i) {
    const base::FieldPath rule_path = path.at("rate_limits", static_cast<size_t>(i));
    filter::RateLimitRule rule;
    rule.stage = messages.Get(i).stage().value();
    rule.when_done = messages.Get(i).apply_on_stream_done();
    if (messages.Get(i).x_ratelimit_option() != Form::UNSPECIFIED) {
      rule.told = messages.Get(i).x_ratelimit_option() == Form::DRAFT_VERSION_03;
    }
    compileHits(messages.Get(i).hits_addend(), diagnostics, rule_path.at("hits_addend"), rule);
    for (int k = 0; k < messages.Get(i).actions_size(); ++k) {
      auto action =
          compileAction(messages.Get(i).actions(k), diagnostics, rule_path.at("actions", static_cast<size_t>(k)));
      if (action) rule.actions.push_back(*std::move(action));
    }
    rules.push_back(std::move(rule));
  }
  return rules;
}

}  // namespace weir::extensions
