// UpstreamAttempt: one try of a request at an upstream: its pick and wait for a stream, the stream, its permit to be a
// retry, and its own deadlines. A tunnel that ends here takes a connection of its own instead of a stream of a pool; it
// is used through a stream all the same. The Router embeds two, so that a second may run beside a slow first one; an
// attempt is used again and again. One worker; allocates nothing.
//
//   kNone -> start() -> kOpening -> the Router's onAttemptOpen -> kOpen -> drop() or reset() -> kNone
//                                \-> the Router's onAttemptFailed (kNone by then)
//
// It calls the Router from the loop alone: those two, and onAttemptTimeout.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "absl/time/time.h"
#include "source/base/clock.h"
#include "source/base/ticket.h"
#include "source/buffer/buffer.h"
#include "source/event/timer.h"
#include "source/http/stream.h"
#include "source/net/worker_context.h"
#include "source/upstream/receivers.h"
#include "source/upstream/worker_cluster.h"

namespace weir::proxy {

class Router;

class UpstreamAttempt final : private upstream::StreamReceiver,
                              private upstream::ConnectReceiver,
                              private http::StreamOwner,
                              private event::TimerHandler {
 public:
  enum class State : uint8_t { kNone, kOpening, kOpen };
  // Zero or infinite: none.
  struct Deadlines {
    absl::Duration whole = absl::InfiniteDuration();  // from the later of start() and onRequestEnd() to the response
    absl::Duration idle = absl::InfiniteDuration();   // without any part from the upstream
  };

  // Both outlive it.
  UpstreamAttempt(Router& router, const net::WorkerContext& worker);

  // Only while kNone. `lease` may be empty. `tunnel`: bytes to the host, not HTTP.
  void start(upstream::WorkerCluster& cluster, const upstream::PickContext& pick, upstream::RetryLease lease,
             const Deadlines& deadlines, bool tunnel);
  // The request was received whole, before or after start(): the time of this attempt runs.
  void onRequestEnd();
  // Something came from the upstream.
  void noteProgress() { progress_ = now(); }
  // The response has begun: the deadlines of the attempt are over.
  void settle() { timer_.cancel(); }
  // Ends it; an unfinished stream is reset. With a reason, where the peer is told one.
  void drop();
  void reset(http::Reason reason);

  State state() const { return state_; }
  bool open() const { return state_ == State::kOpen; }
  bool active() const { return state_ != State::kNone; }
  // While open.
  http::Stream& stream() const { return *stream_; }
  const upstream::HostRef& host() const { return host_; }
  const net::Address& local() const { return *local_; }
  const std::shared_ptr<const net::TransportInfo>& transport() const { return transport_; }
  bool reused() const { return reused_; }
  bool multiplexed() const { return multiplexed_; }
  base::MonotonicTime started() const { return started_; }

  // What the Router has still to send on it alone, and whether the end was sent.
  buffer::Buffer out;
  bool end_sent = false;

 private:
  void onStreamOpen(Opened opened) override;
  void onTransportFailed(std::shared_ptr<const net::TransportInfo> transport) override {
    transport_ = std::move(transport);
  }
  void onStreamFailed(http::Reason reason, upstream::HostRef host) override;
  void onConnected(Connected connected) override;
  void onConnectFailed(http::Reason reason, upstream::HostRef host) override {
    onStreamFailed(reason, std::move(host));
  }
  void wakeStream() override;
  void onTimer(event::Timer& timer) override;
  base::MonotonicTime deadline() const;
  void arm();
  base::MonotonicTime now() const { return worker_.dispatcher.now(); }

  Router& router_;
  const net::WorkerContext& worker_;
  upstream::WorkerCluster* cluster_ = nullptr;  // of what is opened, or open
  State state_ = State::kNone;
  bool reused_ = false;
  bool multiplexed_ = false;
  bool request_ended_ = false;
  base::Ticket ticket_;
  http::StreamPtr stream_;
  upstream::HostRef host_;
  std::optional<net::Address> local_;  // of the stream that was opened last
  std::shared_ptr<const net::TransportInfo> transport_;
  upstream::RetryLease lease_;
  event::Timer timer_;
  Deadlines deadlines_;
  base::MonotonicTime started_{0};
  base::MonotonicTime whole_from_{0};
  base::MonotonicTime progress_{0};
};

}  // namespace weir::proxy
