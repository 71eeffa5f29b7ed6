// RetryState: what is decided about sending one request again: the policy of its route, changed by what a trusted
// sender says in x-envoy-* headers, and how many retries are left. A member of the Router; one worker; it allocates
// nothing. It starts nothing itself: the Router asks it about each response and failure, and obeys.
//
// The conditions are those of Envoy's retry_on. A response with x-envoy-overloaded is never asked for again: the next
// hop has said that more load is the last thing it needs.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "absl/time/time.h"
#include "source/base/random.h"
#include "source/http/head.h"
#include "source/proxy/routes/upstream_policy.h"

namespace weir::proxy {

// What the headers of a request say about its timeouts; none where they say nothing.
struct RequestedTimeouts {
  std::optional<absl::Duration> total;     // x-envoy-upstream-rq-timeout-ms; zero: no limit
  std::optional<absl::Duration> per_try;   // x-envoy-upstream-rq-per-try-timeout-ms
  std::optional<absl::Duration> expected;  // x-envoy-expected-rq-timeout-ms, of the hop before
};

class RetryState {
 public:
  // Why an attempt brought no response.
  enum class Failure : uint8_t {
    kConnect,      // no connection
    kUnprocessed,  // the upstream provably did nothing with it
    kReset,        // it may have done something
    kTimeout,      // of this attempt
  };
  struct Wait {
    absl::Duration time;
    bool rate_limited = false;  // as long as the upstream asked for
  };

  // `policy` may be null; it must outlive this. Takes the headers that speak to weir out of the request: they are
  // believed, so that those of strangers must be gone before (prepareRequest).
  RequestedTimeouts begin(const UpstreamPolicy* policy, http::Head& request);

  // Whether any outcome at all may lead to another attempt, as far as the policy goes.
  bool possible() const { return on_ != 0 && left_ > 0; }
  bool hedges() const { return hedge_; }
  uint32_t left() const { return left_; }
  // Whether this outcome is one that the policy sends again, retries left or not.
  bool wants(const http::Head& response) const;
  bool wants(Failure failure) const;
  // Uses up one; only while left() is above 0.
  void take() {
    --left_;
    ++taken_;
  }
  uint32_t taken() const { return taken_; }
  // How long to wait before the attempt that was taken last: random and growing, or as `response` (may be null) says.
  Wait wait(const http::Head* response, base::Random& random, absl::Time now) const;

 private:
  bool wantsStatus(uint16_t status) const;
  bool wantsGrpc(const http::Head& response) const;

  const RetryPolicy* policy_ = nullptr;
  uint32_t on_ = 0;
  uint32_t left_ = 0;
  uint32_t taken_ = 0;
  bool hedge_ = false;
  std::string_view status_codes_;  // of x-envoy-retriable-status-codes
  std::string_view header_names_;  // of x-envoy-retriable-header-names
};

// How the headers begin with which proxies of this kind speak to each other. Most requests have none of them.
inline constexpr std::string_view kEnvoyPrefix = "x-envoy-";
inline bool isEnvoyName(std::string_view lower_name) {
  return lower_name.substr(0, kEnvoyPrefix.size()) == kEnvoyPrefix;
}

// Whether the header is one with which a sender steers weir, and which a stranger's request must not bring.
bool steersRouter(std::string_view lower_name);

}  // namespace weir::proxy
