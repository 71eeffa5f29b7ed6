// UpstreamPolicy: what a route says about more than one try at a request: when it is sent again, mirrored, or follows a
// redirect of its upstream. Plain structs compiled at load (source/extensions/routes/compile_retry); immutable, shared
// by workers and by all routes of a virtual host that say nothing of their own.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "source/filter/fraction.h"
#include "source/filter/matchers.h"
#include "source/upstream/lb/subset_index.h"

namespace weir::proxy {

// Why a request is sent again; the names are those of x-envoy-retry-on and x-envoy-retry-grpc-on.
enum RetryOn : uint32_t {
  kRetryOn5xx = 1u << 0,
  kRetryOnGatewayError = 1u << 1,
  kRetryOnReset = 1u << 2,
  kRetryOnResetBeforeRequest = 1u << 3,
  kRetryOnConnectFailure = 1u << 4,
  kRetryOnEnvoyRateLimited = 1u << 5,
  kRetryOnRefusedStream = 1u << 6,
  kRetryOnRetriable4xx = 1u << 7,
  kRetryOnRetriableStatusCodes = 1u << 8,
  kRetryOnRetriableHeaders = 1u << 9,
  kRetryOnGrpcCancelled = 1u << 10,
  kRetryOnGrpcDeadlineExceeded = 1u << 11,
  kRetryOnGrpcInternal = 1u << 12,
  kRetryOnGrpcResourceExhausted = 1u << 13,
  kRetryOnGrpcUnavailable = 1u << 14,
};

struct RetryPolicy {
  // A response header that says how long to wait: seconds from now (Retry-After's date as well), or a time.
  struct ResetHeader {
    std::string name;  // lower case
    bool unix_timestamp = false;
  };

  uint32_t on = 0;  // of RetryOn; 0: nothing is sent again by policy
  uint32_t retries = 1;
  absl::Duration per_try_timeout = absl::ZeroDuration();  // zero: none
  absl::Duration per_try_idle_timeout = absl::ZeroDuration();
  // The n-th wait is random in [0, min(base * 2^(n-1), max)).
  absl::Duration back_off_base = absl::Milliseconds(25);
  absl::Duration back_off_max = absl::Milliseconds(250);
  std::vector<uint32_t> status_codes;
  std::vector<filter::HeaderMatcher> headers;          // of the response: any of them
  std::vector<filter::HeaderMatcher> request_headers;  // of the request: any of them; none: every request
  std::vector<ResetHeader> reset_headers;
  absl::Duration reset_max = absl::Seconds(300);
  // Hosts that were tried are not tried again while there are others.
  bool other_host = false;
  // Hosts with all the metadata of one of these are not tried again with while there are others.
  std::vector<upstream::lb::Metadata> omitted;
  // After each so many attempts their priorities are left out; 0: never.
  uint32_t priority_update = 0;
  uint32_t host_attempts = 1;  // how often a pick is repeated for that
};

// A copy of the request, whose answer is dropped.
struct MirrorPolicy {
  std::string cluster;         // or
  std::string cluster_header;  // lower case: its value names the cluster
  filter::Fraction fraction{100, 100};
  bool host_suffix = true;  // "-shadow" behind the name in Host
  std::string host;         // instead of the host, where not empty
};

struct InternalRedirectPolicy {
  uint32_t most = 1;
  std::vector<uint16_t> statuses{302};
  bool cross_scheme = false;
  bool safe_cross_scheme = false;  // never from http to https
  bool not_previous_routes = false;
  std::optional<std::vector<std::string>> allowed_routes;  // names
  std::vector<std::string> copied_headers;                 // of the redirect, into the request; lower case
};

struct UpstreamPolicy {
  RetryPolicy retry;
  bool hedge_on_per_try_timeout = false;
  std::vector<MirrorPolicy> mirrors;
  std::optional<InternalRedirectPolicy> redirects;
  // Bytes of a request body that are kept to send them again; none: Router::kHeldBytes.
  std::optional<uint64_t> body_limit;
  bool attempt_count_in_request = false;
  bool attempt_count_in_response = false;
  bool timeout_retry_header = false;
};

}  // namespace weir::proxy
