#include "source/extensions/messages/call_retries.h"

#include <algorithm>
#include <string_view>

#include "envoy/config/core/v3/core.pb.h"
#include "source/extensions/messages/duration.h"
#include "source/proxy/routes/retry_conditions.h"
#include "source/proxy/routes/upstream_policy.h"

namespace weir::extensions {
namespace {

// The API's own default.
constexpr std::string_view kDefaultConditions = "5xx,gateway-error,connect-failure,reset";

}  // namespace

bool CallRetries::wantedAfter(uint16_t status) const {
  if ((on & proxy::kRetryOn5xx) != 0 && status >= 500 && status < 600) return true;
  if ((on & proxy::kRetryOnGatewayError) != 0 && status >= 502 && status <= 504) return true;
  return (on & proxy::kRetryOnRetriable4xx) != 0 && status == 409;
}

bool CallRetries::wantedAfter(http::Reason failure) const {
  uint32_t conditions = proxy::kRetryOn5xx | proxy::kRetryOnGatewayError | proxy::kRetryOnReset;
  switch (failure) {
    case http::Reason::kConnectFailure:
    case http::Reason::kConnectTimeout:
      conditions |= proxy::kRetryOnConnectFailure | proxy::kRetryOnResetBeforeRequest;
      break;
    case http::Reason::kUpstreamReset:
    case http::Reason::kUpstreamTruncated:
      break;
    default:
      return false;  // the next answer would be no other
  }
  return (on & conditions) != 0;
}

absl::Duration CallRetries::wait(uint32_t number, base::Random& random) const {
  absl::Duration limit = base;
  for (uint32_t i = 0; i < number && limit < most; ++i) limit *= 2;
  const int64_t microseconds = absl::ToInt64Microseconds(std::min(limit, most));
  return absl::Microseconds(
      static_cast<int64_t>(random.below(static_cast<uint64_t>(std::max<int64_t>(microseconds, 1)))));
}

CallRetries compileCallRetries(const envoy::config::core::v3::RetryPolicy& message, base::Diagnostics& diagnostics,
                               const base::FieldPath& path) {
  CallRetries retries;
  retries.count = message.has_num_retries() ? message.num_retries().value() : 1;
  retries.on = proxy::retryConditions(message.retry_on().empty() ? kDefaultConditions : message.retry_on());
  if (!message.has_retry_back_off()) return retries;
  const auto& back_off = message.retry_back_off();
  retries.base = durationOf(back_off.base_interval());
  retries.most = back_off.has_max_interval() ? durationOf(back_off.max_interval()) : retries.base * 10;
  if (retries.most < retries.base) {
    diagnostics.error(path.at("retry_back_off").at("max_interval"), "is below base_interval");
  }
  return retries;
}

}  // namespace weir::extensions
