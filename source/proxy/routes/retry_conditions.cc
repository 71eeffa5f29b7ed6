#include "source/proxy/routes/retry_conditions.h"

#include "source/proxy/routes/upstream_policy.h"

namespace weir::proxy {
namespace {

struct Condition {
  std::string_view word;
  uint32_t bit;
};

constexpr Condition kConditions[] = {
    {"5xx", kRetryOn5xx},
    {"gateway-error", kRetryOnGatewayError},
    {"reset", kRetryOnReset},
    {"reset-before-request", kRetryOnResetBeforeRequest},
    {"connect-failure", kRetryOnConnectFailure},
    {"envoy-ratelimited", kRetryOnEnvoyRateLimited},
    {"refused-stream", kRetryOnRefusedStream},
    {"retriable-4xx", kRetryOnRetriable4xx},
    {"retriable-status-codes", kRetryOnRetriableStatusCodes},
    {"retriable-headers", kRetryOnRetriableHeaders},
    {"http3-post-connect-failure", 0},
    {"cancelled", kRetryOnGrpcCancelled},
    {"deadline-exceeded", kRetryOnGrpcDeadlineExceeded},
    {"internal", kRetryOnGrpcInternal},
    {"resource-exhausted", kRetryOnGrpcResourceExhausted},
    {"unavailable", kRetryOnGrpcUnavailable},
};

}  // namespace

std::optional<uint32_t> retryCondition(std::string_view word) {
  for (const Condition& condition : kConditions) {
    if (condition.word == word) return condition.bit;
  }
  return std::nullopt;
}

uint32_t retryConditions(std::string_view list) {
  uint32_t bits = 0;
  forEachListItem(list, [&](std::string_view word) { bits |= retryCondition(word).value_or(0); });
  return bits;
}

}  // namespace weir::proxy
