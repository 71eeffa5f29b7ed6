#include "source/proxy/retry_state.h"

#include <algorithm>
#include <charconv>

#include "source/base/strings.h"
#include "source/http/grpc.h"
#include "source/proxy/routes/retry_conditions.h"

namespace weir::proxy {
namespace {

using http::HeaderId;

constexpr std::string_view kPrefix = kEnvoyPrefix;
// Behind the prefix; removed from the request once they were read.
constexpr std::string_view kRouterHeaders[] = {
    "retry-on",
    "retry-grpc-on",
    "max-retries",
    "retriable-status-codes",
    "retriable-header-names",
    "hedge-on-per-try-timeout",
    "upstream-rq-timeout-ms",
    "upstream-rq-per-try-timeout-ms",
    "expected-rq-timeout-ms",
    "attempt-count",
    "is-timeout-retry",
};

std::optional<uint64_t> number(std::string_view text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<absl::Duration> milliseconds(std::string_view text) {
  const std::optional<uint64_t> value = number(text);
  // A hundred years: above it a sum of times might overflow.
  if (!value || *value > 3'155'760'000'000) return std::nullopt;
  return absl::Milliseconds(static_cast<int64_t>(*value));
}

// From the value of a reset header to the time that it asks for.
std::optional<absl::Duration> resetTime(std::string_view text, bool unix_timestamp, absl::Time now) {
  if (const std::optional<uint64_t> value = number(text); value && *value < 10'000'000'000) {
    const int64_t seconds = static_cast<int64_t>(*value);
    return unix_timestamp ? absl::FromUnixSeconds(seconds) - now : absl::Seconds(seconds);
  }
  // RFC 9110 section 10.2.3: Retry-After may be a date.
  absl::Time at;
  if (!absl::ParseTime("%a, %d %b %Y %H:%M:%S GMT", base::av(text), &at, nullptr)) return std::nullopt;
  return at - now;
}

bool listed(std::string_view list, uint16_t status) {
  bool found = false;
  forEachListItem(list, [&](std::string_view item) { found = found || number(item) == status; });
  return found;
}

}  // namespace

bool steersRouter(std::string_view lower_name) {
  if (!isEnvoyName(lower_name)) return false;
  return std::find(std::begin(kRouterHeaders), std::end(kRouterHeaders), lower_name.substr(kPrefix.size())) !=
         std::end(kRouterHeaders);
}

RequestedTimeouts RetryState::begin(const UpstreamPolicy* policy, http::Head& request) {
  *this = RetryState();
  RequestedTimeouts timeouts;
  std::optional<uint64_t> retries;
  bool any = false;
  if (policy != nullptr) {
    policy_ = &policy->retry;
    on_ = policy_->on;
    left_ = policy_->retries;
    hedge_ = policy->hedge_on_per_try_timeout;
  }
  for (const http::Field& field : request.headers) {
    if (!isEnvoyName(field.name) || !steersRouter(field.name)) continue;
    any = true;
    const std::string_view name = field.name.substr(kPrefix.size());
    if (name == "retry-on" || name == "retry-grpc-on") on_ |= retryConditions(field.value);
    if (name == "max-retries") retries = number(field.value);
    if (name == "retriable-status-codes") status_codes_ = field.value;
    if (name == "retriable-header-names") header_names_ = field.value;
    if (name == "hedge-on-per-try-timeout") hedge_ = field.value == "true";
    if (name == "upstream-rq-timeout-ms") timeouts.total = milliseconds(field.value);
    if (name == "upstream-rq-per-try-timeout-ms") timeouts.per_try = milliseconds(field.value);
    if (name == "expected-rq-timeout-ms") timeouts.expected = milliseconds(field.value);
  }
  if (any) request.headers.removeIf([](const http::Field& field) { return steersRouter(field.name); });
  if (policy_ == nullptr && on_ != 0) left_ = 1;
  if (retries) left_ = static_cast<uint32_t>(std::min<uint64_t>(*retries, 1000));
  if (policy_ != nullptr && !policy_->request_headers.empty()) {
    const auto& wanted = policy_->request_headers;
    const auto matches = [&](const filter::HeaderMatcher& matcher) { return matcher.matches(request); };
    if (std::none_of(wanted.begin(), wanted.end(), matches)) on_ = 0;
  }
  return timeouts;
}

bool RetryState::wantsStatus(uint16_t status) const {
  if ((on_ & kRetryOn5xx) != 0 && status >= 500 && status < 600) return true;
  if ((on_ & kRetryOnGatewayError) != 0 && status >= 502 && status <= 504) return true;
  if ((on_ & kRetryOnRetriable4xx) != 0 && status == 409) return true;
  if ((on_ & kRetryOnRetriableStatusCodes) == 0) return false;
  if (policy_ != nullptr) {
    const auto& codes = policy_->status_codes;
    if (std::find(codes.begin(), codes.end(), status) != codes.end()) return true;
  }
  return listed(status_codes_, status);
}

bool RetryState::wantsGrpc(const http::Head& response) const {
  constexpr uint32_t kAny = kRetryOnGrpcCancelled | kRetryOnGrpcDeadlineExceeded | kRetryOnGrpcInternal |
                            kRetryOnGrpcResourceExhausted | kRetryOnGrpcUnavailable;
  if ((on_ & kAny) == 0) return false;
  const std::optional<http::GrpcStatus> status = http::grpcStatusOf(response.headers);
  if (!status) return false;
  switch (*status) {
    case http::GrpcStatus::kCancelled:
      return (on_ & kRetryOnGrpcCancelled) != 0;
    case http::GrpcStatus::kDeadlineExceeded:
      return (on_ & kRetryOnGrpcDeadlineExceeded) != 0;
    case http::GrpcStatus::kInternal:
      return (on_ & kRetryOnGrpcInternal) != 0;
    case http::GrpcStatus::kResourceExhausted:
      return (on_ & kRetryOnGrpcResourceExhausted) != 0;
    case http::GrpcStatus::kUnavailable:
      return (on_ & kRetryOnGrpcUnavailable) != 0;
    default:
      return false;
  }
}

bool RetryState::wants(const http::Head& response) const {
  if (on_ == 0 || response.headers.has(HeaderId::kXEnvoyOverloaded)) return false;
  if (response.headers.get("x-envoy-ratelimited")) return (on_ & kRetryOnEnvoyRateLimited) != 0;
  if (wantsStatus(response.status) || wantsGrpc(response)) return true;
  if ((on_ & kRetryOnRetriableHeaders) == 0) return false;
  if (policy_ != nullptr) {
    for (const filter::HeaderMatcher& matcher : policy_->headers) {
      if (matcher.matches(response)) return true;
    }
  }
  bool found = false;
  forEachListItem(header_names_, [&](std::string_view name) {
    // Names in the list may be written in any case.
    char lower[256];
    if (name.size() > sizeof(lower)) return;
    std::transform(name.begin(), name.end(), lower,
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; });
    found = found || response.headers.get(std::string_view(lower, name.size())).has_value();
  });
  return found;
}

bool RetryState::wants(Failure failure) const {
  uint32_t conditions = kRetryOn5xx | kRetryOnGatewayError | kRetryOnReset;
  if (failure == Failure::kConnect) conditions |= kRetryOnConnectFailure | kRetryOnResetBeforeRequest;
  if (failure == Failure::kUnprocessed) conditions |= kRetryOnRefusedStream | kRetryOnResetBeforeRequest;
  return (on_ & conditions) != 0;
}

RetryState::Wait RetryState::wait(const http::Head* response, base::Random& random, absl::Time now) const {
  static const RetryPolicy kDefault;
  const RetryPolicy& policy = policy_ != nullptr ? *policy_ : kDefault;
  const auto below = [&](absl::Duration limit) {
    const int64_t most = absl::ToInt64Microseconds(limit);
    return absl::Microseconds(most <= 0 ? 0 : static_cast<int64_t>(random.below(static_cast<uint64_t>(most))));
  };
  if (response != nullptr) {
    for (const RetryPolicy::ResetHeader& header : policy.reset_headers) {
      const auto text = response->headers.get(header.name);
      const std::optional<absl::Duration> time = text ? resetTime(*text, header.unix_timestamp, now) : std::nullopt;
      if (!time || *time <= absl::ZeroDuration() || *time > policy.reset_max) continue;
      // Never before the limit ends, and not all clients at once.
      return {*time + below(*time / 2), true};
    }
  }
  absl::Duration most = policy.back_off_base;
  for (uint32_t i = 1; i < taken_ && most < policy.back_off_max; ++i) most *= 2;
  return {below(std::min(most, policy.back_off_max)), false};
}

}  // namespace weir::proxy
