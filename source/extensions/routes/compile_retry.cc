#include "source/extensions/routes/compile_retry.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "envoy/config/core/v3/core.pb.h"
#include "envoy/config/route/v3/route.pb.h"
#include "envoy/extensions/internal_redirect/allow_listed_routes/v3/allow_listed_routes_config.pb.h"
#include "envoy/extensions/internal_redirect/previous_routes/v3/previous_routes_config.pb.h"
#include "envoy/extensions/internal_redirect/safe_cross_scheme/v3/safe_cross_scheme_config.pb.h"
#include "envoy/extensions/retry/host/omit_host_metadata/v3/omit_host_metadata_config.pb.h"
#include "envoy/extensions/retry/host/previous_hosts/v3/previous_hosts.pb.h"
#include "envoy/extensions/retry/priority/previous_priorities/v3/previous_priorities_config.pb.h"
#include "source/base/strings.h"
#include "source/extensions/matchers/compile_matchers.h"
#include "source/extensions/messages/duration.h"
#include "source/extensions/messages/metadata.h"
#include "source/extensions/messages/unpack_any.h"
#include "source/proxy/routes/retry_conditions.h"

namespace weir::extensions {
namespace {

namespace api = envoy::config::route::v3;
using envoy::extensions::internal_redirect::allow_listed_routes::v3::AllowListedRoutesConfig;
using envoy::extensions::internal_redirect::previous_routes::v3::PreviousRoutesConfig;
using envoy::extensions::internal_redirect::safe_cross_scheme::v3::SafeCrossSchemeConfig;
using envoy::extensions::retry::host::omit_host_metadata::v3::OmitHostMetadataConfig;
using envoy::extensions::retry::host::previous_hosts::v3::PreviousHostsPredicate;
using envoy::extensions::retry::priority::previous_priorities::v3::PreviousPrioritiesConfig;
using google::protobuf::Message;

// The message as the type that it is, or null.
template <typename T>
const T* as(const Message& message) {
  return google::protobuf::DynamicCastToGenerated<const T>(&message);
}

class PolicyCompiler {
 public:
  explicit PolicyCompiler(const RouteContext& context) : context_(context) {}

  proxy::RetryPolicy retry(const api::RetryPolicy& message, const base::FieldPath& path);
  std::vector<proxy::MirrorPolicy> mirrors(
      const google::protobuf::RepeatedPtrField<api::RouteAction::RequestMirrorPolicy>& messages,
      const base::FieldPath& path);
  proxy::InternalRedirectPolicy redirects(const api::InternalRedirectPolicy& message, const base::FieldPath& path);

 private:
  void conditions(const api::RetryPolicy& message, const base::FieldPath& path, proxy::RetryPolicy& policy);
  void backOff(const api::RetryPolicy& message, const base::FieldPath& path, proxy::RetryPolicy& policy);
  void resetHeaders(const api::RetryPolicy& message, proxy::RetryPolicy& policy);
  void hosts(const api::RetryPolicy& message, const base::FieldPath& path, proxy::RetryPolicy& policy);
  void hostPredicate(const api::RetryPolicy::RetryHostPredicate& message, const base::FieldPath& path,
                     proxy::RetryPolicy& policy);
  void priority(const api::RetryPolicy::RetryPriority& message, const base::FieldPath& path,
                proxy::RetryPolicy& policy);
  void predicate(const envoy::config::core::v3::TypedExtensionConfig& message, const base::FieldPath& path,
                 proxy::InternalRedirectPolicy& policy);
  void error(const base::FieldPath& path, const std::string& text) { context_.diagnostics.error(path, text); }
  absl::Duration timeout(const google::protobuf::Duration& message, const base::FieldPath& path) {
    const absl::Duration duration = durationOf(message);
    if (duration < absl::ZeroDuration()) error(path, "below zero; allowed: a duration of 0s or more");
    return duration;
  }

  const RouteContext& context_;
};

void PolicyCompiler::conditions(const api::RetryPolicy& message, const base::FieldPath& path,
                                proxy::RetryPolicy& policy) {
  proxy::forEachListItem(message.retry_on(), [&](std::string_view word) {
    const std::optional<uint32_t> bit = proxy::retryCondition(word);
    if (bit) {
      policy.on |= *bit;
      return;
    }
    // A plain number is taken for one of retriable_status_codes, as users of meshes write it.
    if (word.size() == 3 && std::all_of(word.begin(), word.end(), [](char c) { return c >= '0' && c <= '9'; })) {
      policy.on |= proxy::kRetryOnRetriableStatusCodes;
      policy.status_codes.push_back(static_cast<uint32_t>(std::stoul(std::string(word))));
      return;
    }
    error(path.at("retry_on"),
          absl::StrCat("'", base::av(word),
                       "' is no condition; allowed: 5xx, gateway-error, reset, reset-before-request, connect-failure, "
                       "envoy-ratelimited, refused-stream, retriable-4xx, retriable-status-codes, retriable-headers, "
                       "cancelled, deadline-exceeded, internal, resource-exhausted, unavailable"));
  });
  for (const uint32_t code : message.retriable_status_codes()) policy.status_codes.push_back(code);
  policy.headers = compileHeaderMatchers(message.retriable_headers(), context_.diagnostics, path, "retriable_headers");
  policy.request_headers = compileHeaderMatchers(message.retriable_request_headers(), context_.diagnostics, path,
                                                 "retriable_request_headers");
}

void PolicyCompiler::backOff(const api::RetryPolicy& message, const base::FieldPath& path, proxy::RetryPolicy& policy) {
  if (!message.has_retry_back_off()) return;
  const auto& back_off = message.retry_back_off();
  policy.back_off_base = durationOf(back_off.base_interval());
  // The API counts in milliseconds: less than one is one.
  policy.back_off_base = std::max(policy.back_off_base, absl::Milliseconds(1));
  policy.back_off_max = policy.back_off_base * 10;
  if (!back_off.has_max_interval()) return;
  policy.back_off_max = std::max(durationOf(back_off.max_interval()), absl::Milliseconds(1));
  if (policy.back_off_max < policy.back_off_base) {
    error(path.at("retry_back_off").at("max_interval"),
          absl::StrCat("saw ", absl::FormatDuration(policy.back_off_max), ", which is less than base_interval (",
                       absl::FormatDuration(policy.back_off_base), "); allowed: at least base_interval"));
  }
}

void PolicyCompiler::resetHeaders(const api::RetryPolicy& message, proxy::RetryPolicy& policy) {
  const auto& limited = message.rate_limited_retry_back_off();
  for (const auto& header : limited.reset_headers()) {
    policy.reset_headers.push_back(
        {absl::AsciiStrToLower(header.name()), header.format() == api::RetryPolicy::UNIX_TIMESTAMP});
  }
  if (limited.has_max_interval()) policy.reset_max = durationOf(limited.max_interval());
}

void PolicyCompiler::hostPredicate(const api::RetryPolicy::RetryHostPredicate& message, const base::FieldPath& path,
                                   proxy::RetryPolicy& policy) {
  // Written by name alone in older files.
  if (!message.has_typed_config() && message.name() == "envoy.retry_host_predicates.previous_hosts") {
    policy.other_host = true;
    return;
  }
  std::unique_ptr<Message> config;
  if (message.has_typed_config()) {
    config = unpackAny(message.typed_config(), context_.diagnostics, path.at("typed_config"));
    if (config == nullptr) return;
  }
  if (config != nullptr && as<PreviousHostsPredicate>(*config) != nullptr) {
    policy.other_host = true;
  } else if (const auto* const omit = config == nullptr ? nullptr : as<OmitHostMetadataConfig>(*config)) {
    upstream::lb::Metadata metadata = lbMetadata(omit->metadata_match());
    if (metadata.empty()) {
      error(path.at("typed_config").at("metadata_match"), "has nothing under filter_metadata.envoy.lb to match by");
    } else {
      policy.omitted.push_back(std::move(metadata));
    }
  } else {
    error(path, absl::StrCat("'", message.name(),
                             "' is not a host predicate of weir; allowed: "
                             "envoy.retry_host_predicates.previous_hosts, "
                             "envoy.retry_host_predicates.omit_host_metadata"));
  }
}

void PolicyCompiler::priority(const api::RetryPolicy::RetryPriority& message, const base::FieldPath& path,
                              proxy::RetryPolicy& policy) {
  std::unique_ptr<Message> config;
  if (message.has_typed_config()) {
    config = unpackAny(message.typed_config(), context_.diagnostics, path.at("typed_config"));
    if (config == nullptr) return;
  }
  if (const auto* const previous = config == nullptr ? nullptr : as<PreviousPrioritiesConfig>(*config)) {
    policy.priority_update = static_cast<uint32_t>(std::max(previous->update_frequency(), 1));
  } else {
    error(path, absl::StrCat("'", message.name(), "' is not a retry priority of weir; allowed: ",
                             "envoy.retry_priorities.previous_priorities, with its typed_config"));
  }
}

void PolicyCompiler::hosts(const api::RetryPolicy& message, const base::FieldPath& path, proxy::RetryPolicy& policy) {
  for (int i = 0; i < message.retry_host_predicate_size(); ++i) {
    hostPredicate(message.retry_host_predicate(i), path.at("retry_host_predicate", static_cast<size_t>(i)), policy);
  }
  if (message.has_retry_priority()) priority(message.retry_priority(), path.at("retry_priority"), policy);
  const int64_t attempts = message.host_selection_retry_max_attempts();
  if (attempts < 0 || attempts > 1000) {
    error(path.at("host_selection_retry_max_attempts"), absl::StrCat("saw ", attempts, "; allowed: 0 to 1000"));
  } else if (attempts > 0) {
    policy.host_attempts = static_cast<uint32_t>(attempts);
  }
}

proxy::RetryPolicy PolicyCompiler::retry(const api::RetryPolicy& message, const base::FieldPath& path) {
  proxy::RetryPolicy policy;
  conditions(message, path, policy);
  if (message.has_num_retries()) policy.retries = message.num_retries().value();
  if (message.has_per_try_timeout())
    policy.per_try_timeout = timeout(message.per_try_timeout(), path.at("per_try_timeout"));
  if (message.has_per_try_idle_timeout()) {
    policy.per_try_idle_timeout = timeout(message.per_try_idle_timeout(), path.at("per_try_idle_timeout"));
  }
  backOff(message, path, policy);
  resetHeaders(message, policy);
  hosts(message, path, policy);
  return policy;
}

std::vector<proxy::MirrorPolicy> PolicyCompiler::mirrors(
    const google::protobuf::RepeatedPtrField<api::RouteAction::RequestMirrorPolicy>& messages,
    const base::FieldPath& path) {
  std::vector<proxy::MirrorPolicy> policies;
  for (int i = 0; i < messages.size(); ++i) {
    const auto& message = messages[i];
    const base::FieldPath at = path.at("request_mirror_policies", static_cast<size_t>(i));
    proxy::MirrorPolicy policy;
    policy.cluster = message.cluster();
    policy.cluster_header = absl::AsciiStrToLower(message.cluster_header());
    policy.host_suffix = !message.disable_shadow_host_suffix_append();
    policy.host = message.host_rewrite_literal();
    if (message.has_runtime_fraction()) policy.fraction = compileFraction(message.runtime_fraction());
    if (policy.cluster.empty() == policy.cluster_header.empty()) {
      error(at, "allowed: one of cluster and cluster_header");
    } else if (!policy.cluster.empty()) {
      const std::string problem = context_.cluster_problem(policy.cluster);
      if (!problem.empty()) error(at.at("cluster"), problem);
    }
    policies.push_back(std::move(policy));
  }
  return policies;
}

void PolicyCompiler::predicate(const envoy::config::core::v3::TypedExtensionConfig& message,
                               const base::FieldPath& path, proxy::InternalRedirectPolicy& policy) {
  const auto config = unpackAny(message.typed_config(), context_.diagnostics, path.at("typed_config"));
  if (config == nullptr) return;
  if (as<PreviousRoutesConfig>(*config) != nullptr) {
    policy.not_previous_routes = true;
  } else if (as<SafeCrossSchemeConfig>(*config) != nullptr) {
    policy.safe_cross_scheme = true;
  } else if (const auto* const listed = as<AllowListedRoutesConfig>(*config)) {
    policy.allowed_routes.emplace(listed->allowed_route_names().begin(), listed->allowed_route_names().end());
  } else {
    error(path, absl::StrCat("'", message.name(),
                             "' is not a predicate of internal redirects; allowed: previous_routes, "
                             "allow_listed_routes, safe_cross_scheme"));
  }
}

proxy::InternalRedirectPolicy PolicyCompiler::redirects(const api::InternalRedirectPolicy& message,
                                                        const base::FieldPath& path) {
  proxy::InternalRedirectPolicy policy;
  if (message.has_max_internal_redirects()) policy.most = message.max_internal_redirects().value();
  if (message.redirect_response_codes_size() > 0) policy.statuses.clear();
  for (int i = 0; i < message.redirect_response_codes_size(); ++i) {
    const uint32_t code = message.redirect_response_codes(i);
    if (code == 301 || code == 302 || code == 303 || code == 307 || code == 308) {
      policy.statuses.push_back(static_cast<uint16_t>(code));
    } else {
      error(path.at("redirect_response_codes", static_cast<size_t>(i)),
            absl::StrCat("saw ", code, "; allowed: 301, 302, 303, 307, 308"));
    }
  }
  for (int i = 0; i < message.predicates_size(); ++i) {
    predicate(message.predicates(i), path.at("predicates", static_cast<size_t>(i)), policy);
  }
  policy.cross_scheme = message.allow_cross_scheme_redirect();
  for (int i = 0; i < message.response_headers_to_copy_size(); ++i) {
    std::string name = absl::AsciiStrToLower(message.response_headers_to_copy(i));
    if (name.empty() || name[0] == ':' || name == "host" || name == "content-length") {
      error(
          path.at("response_headers_to_copy", static_cast<size_t>(i)),
          absl::StrCat("'", name, "' cannot be copied; allowed: any header but pseudo-headers, host, content-length"));
    }
    policy.copied_headers.push_back(std::move(name));
  }
  return policy;
}

// The newer of the two fields that say the same, where both are there.
template <typename M>
std::optional<uint64_t> bodyLimit(const M& message) {
  if (message.has_request_body_buffer_limit()) return message.request_body_buffer_limit().value();
  if (message.has_per_request_buffer_limit_bytes()) return message.per_request_buffer_limit_bytes().value();
  return std::nullopt;
}

}  // namespace

proxy::UpstreamPolicy compileTablePolicy(const api::RouteConfiguration& message, const RouteContext& context,
                                         const base::FieldPath& path) {
  proxy::UpstreamPolicy policy;
  policy.mirrors = PolicyCompiler(context).mirrors(message.request_mirror_policies(), path);
  return policy;
}

std::shared_ptr<const proxy::UpstreamPolicy> compileHostPolicy(const api::VirtualHost& message,
                                                               const proxy::UpstreamPolicy& table,
                                                               const RouteContext& context,
                                                               const base::FieldPath& path) {
  PolicyCompiler compiler(context);
  auto policy = std::make_shared<proxy::UpstreamPolicy>(table);
  if (message.has_retry_policy()) policy->retry = compiler.retry(message.retry_policy(), path.at("retry_policy"));
  policy->hedge_on_per_try_timeout = message.hedge_policy().hedge_on_per_try_timeout();
  if (message.request_mirror_policies_size() > 0) {
    policy->mirrors = compiler.mirrors(message.request_mirror_policies(), path);
  }
  policy->body_limit = bodyLimit(message);
  policy->attempt_count_in_request = message.include_request_attempt_count();
  policy->attempt_count_in_response = message.include_attempt_count_in_response();
  policy->timeout_retry_header = message.include_is_timeout_retry_header();
  return policy;
}

std::shared_ptr<const proxy::UpstreamPolicy> compileRoutePolicy(
    const api::Route& message, const std::shared_ptr<const proxy::UpstreamPolicy>& inherited,
    const RouteContext& context, const base::FieldPath& path) {
  const api::RouteAction& action = message.route();
  const std::optional<uint64_t> limit = bodyLimit(message);
  if (!action.has_retry_policy() && !action.has_hedge_policy() && action.request_mirror_policies_size() == 0 &&
      !action.has_internal_redirect_policy() && !limit) {
    return inherited;
  }
  PolicyCompiler compiler(context);
  const base::FieldPath at = path.at("route");
  auto policy = std::make_shared<proxy::UpstreamPolicy>(*inherited);
  if (action.has_retry_policy()) policy->retry = compiler.retry(action.retry_policy(), at.at("retry_policy"));
  if (action.has_hedge_policy()) {
    policy->hedge_on_per_try_timeout = action.hedge_policy().hedge_on_per_try_timeout();
  }
  if (action.request_mirror_policies_size() > 0) {
    policy->mirrors = compiler.mirrors(action.request_mirror_policies(), at);
  }
  if (action.has_internal_redirect_policy()) {
    policy->redirects = compiler.redirects(action.internal_redirect_policy(), at.at("internal_redirect_policy"));
  }
  if (limit) policy->body_limit = limit;
  return policy;
}

}  // namespace weir::extensions
