// SideCaller: how a filter, or anything else on a worker, asks a cluster one thing beside the exchange that it serves:
// an authorization, a token, a lookup. One request goes out, one whole response of bounded size comes back. Calls use
// the cluster's own balancer, pools, circuit breakers and counters. Made by the worker, which owns it (tests have one
// that answers as they say); one worker; outlives every filter and session.
//
//   call() -> a Ticket; later, and never from inside call(), exactly one of onSideResponse() and onSideFailed()
//   the Ticket is destroyed -> the call is given up, and nothing is called
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "absl/time/time.h"
#include "source/base/ticket.h"
#include "source/buffer/buffer.h"
#include "source/http/head.h"
#include "source/http/reason.h"

namespace weir::filter {

struct SideRequest {
  std::string_view cluster;
  // Method, scheme, authority, path and fields. Lives as long as the Ticket; content_length is set from the body.
  http::Head* head = nullptr;
  std::optional<buffer::Buffer> body = std::nullopt;
  // From call() to the end of the response; above zero.
  absl::Duration timeout = absl::Seconds(1);
  // A response with a longer body is a failure, kResponseTooLarge.
  size_t max_response_bytes = 64 * 1024;
  // The request may be sent twice, whatever its method, where a pooled connection turned out to be closed.
  bool repeatable = false;
};

// Valid until the call that shows it returns. The trailers may be null.
struct SideResponse {
  http::Head& head;
  buffer::Buffer& body;
  http::HeaderMap* trailers;
};

class SideCallReceiver {
 public:
  // Any status: what it means is the receiver's business.
  virtual void onSideResponse(SideResponse& response) = 0;
  // No whole response: kNoCluster, kRouteTimeout (the time is over), kResponseTooLarge, what openStream() of the
  // cluster failed with, or what the stream broke off with.
  virtual void onSideFailed(http::Reason reason) = 0;

 protected:
  ~SideCallReceiver() = default;
};

class SideCaller {
 public:
  // `receiver` lives as long as the Ticket, and may start further calls from what it is told.
  [[nodiscard]] virtual base::Ticket call(SideRequest request, SideCallReceiver& receiver) = 0;

 protected:
  ~SideCaller() = default;
};

}  // namespace weir::filter
