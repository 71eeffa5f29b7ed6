// Router: the terminal stream of an exchange: takes the request that has passed the filters and gives the response. A
// route that redirects or answers directly is answered here; a route to a cluster gets a stream to one of its hosts.
// Embedded in the Exchange, one worker; it allocates nothing that is not pooled or in the arena.
//
//   from         event                to
//   kIdle        send(Head)           kLocal: a redirect or a direct response, given out part by part
//                                     kOpening: the route names a cluster
//                                     kFailed: no route, or refused
//   kOpening     onStreamOpen         kForwarding
//                onStreamFailed       kFailed
//   kForwarding  the response's End   kDone
//                Failed               kOpening, if it is sent again; else kDone
//   kLocal, kFailed  given out        kDone
//   any          reset()              kDone
//
// Body that comes before the stream is open is held, up to kHeldBytes. A request that met a connection which the peer
// had closed already is sent again on another one, at most kResends times, if it is idempotent and its body was kept;
// so is, whatever its method, one of which the peer said over HTTP/2 that it was not processed. A copy of the body is
// kept only where that can happen, up to the same limit, until the response begins.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "source/base/ticket.h"
#include "source/buffer/buffer.h"
#include "source/filter/stream_info.h"
#include "source/http/stream.h"
#include "source/proxy/http_connection_manager_config.h"
#include "source/proxy/session_factory.h"
#include "source/upstream/receivers.h"
#include "source/upstream/worker_cluster.h"

namespace weir::upstream::discovery {
struct DemandConfig;
}

namespace weir::proxy {

class Router final : public http::Stream, private upstream::StreamReceiver, private http::StreamOwner {
 public:
  static constexpr size_t kHeldBytes = 64 * 1024;
  static constexpr uint32_t kResends = 2;

  // All outlive it. `owner` is woken when receive() or room() may have changed.
  struct Context {
    const HttpConnectionManagerConfig& config;
    const Services& services;
    base::Arena& arena;
    filter::StreamInfo& info;
    http::StreamOwner& owner;
  };
  explicit Router(const Context& context);
  ~Router() override;

  // The next request head is answered like this, whatever its route: refused, or redirected to its own path.
  void refuse(http::Reason reason) { refusal_ = reason; }
  void redirectToPath() { redirect_to_path_ = true; }

  // Whether the edits of the route were made to this response head already.
  bool edited(const http::Head& response) const { return edited_ == &response; }
  // The request is an upstream's, or about to be, and its response has not come whole.
  bool awaitsUpstream() const { return state_ == State::kOpening || state_ == State::kForwarding; }
  // The response opened a tunnel; it has ended when either of its halves has.
  bool tunnel() const { return tunnel_; }
  bool tunnelEnded() const { return tunnel_ && (end_sent_ || state_ == State::kDone); }
  // From the end of the request to the end of the response; infinite for none, and for tunnels.
  absl::Duration routeTimeout() const { return tunnel_ ? absl::InfiniteDuration() : route_timeout_; }
  // What the cluster allows for one stream, from the time it was opened.
  base::MonotonicTime streamDeadline() const { return stream_deadline_; }

  void setOwner(http::StreamOwner&, base::Arena&) override {}
  std::optional<http::Part> receive() override;
  size_t room() const override;
  void send(http::Part part) override;
  void reset(http::Reason reason) override;

 private:
  enum class State : uint8_t { kIdle, kLocal, kOpening, kForwarding, kFailed, kDone };
  enum class Next : uint8_t { kHead, kData, kEnd };

  void release() override { reset(http::Reason::kNone); }
  void onStreamOpen(Opened opened) override;
  void onStreamFailed(http::Reason reason, upstream::HostRef host) override;
  void wakeStream() override { context_.owner.wakeStream(); }

  void begin(http::Head& request);
  void answerDirectly(const DirectAction& direct);
  void answer(uint16_t status, http::Reason reason, std::string_view body, std::string_view location);
  void forward(http::Head& request, const Route& route, const ForwardAction& action);
  void editForward(http::Head& request, const Route& route, const ForwardAction& action);
  void setHost(http::Head& request, const ForwardAction& action, std::string_view host);
  void openStream();
  std::string_view wantedHost(const upstream::discovery::DemandConfig& config);
  void passDeadlineOn(const ForwardAction& action);
  void pump();
  void sendData(buffer::Buffer data);
  void keepForResend(const buffer::Buffer& data);
  std::optional<http::Part> receiveLocal();
  std::optional<http::Part> receiveUpstream();
  void onHead(http::Head& head);
  void onUpstreamEnd();
  bool resend();
  void dropUpstream();
  void fail(http::Reason reason);
  void recordOutcome(upstream::RequestOutcome::Kind kind);
  void countStatus(uint16_t status);
  const Route* route() const { return static_cast<const Route*>(context_.info.route); }
  buffer::BlockPool& blocks() const { return context_.services.worker.blocks; }
  base::MonotonicTime now() const { return context_.services.worker.dispatcher.now(); }
  stats::Shard& shard() const { return context_.services.worker.stats; }

  Context context_;
  State state_ = State::kIdle;
  Next next_ = Next::kHead;
  http::Reason refusal_ = http::Reason::kNone;
  http::Reason failure_ = http::Reason::kNone;
  bool redirect_to_path_ = false;
  bool tunnel_ = false;
  bool request_ended_ = false;
  bool end_sent_ = false;
  bool response_started_ = false;
  bool reused_ = false;
  bool multiplexed_ = false;
  bool replayable_ = true;
  uint16_t status_ = 0;  // of the upstream's final head

  http::Head* request_ = nullptr;
  http::HeaderMap* request_trailers_ = nullptr;
  http::Head* local_head_ = nullptr;
  const http::Head* edited_ = nullptr;
  std::string_view local_body_;

  upstream::WorkerCluster* cluster_ = nullptr;
  upstream::HostRef host_;  // of the last attempt; what is logged looks into it
  base::Ticket ticket_;
  http::StreamPtr upstream_;
  upstream::RetryLease retry_;
  buffer::Buffer held_;
  buffer::Buffer replay_;
  uint32_t resends_ = 0;
  absl::Duration route_timeout_ = absl::InfiniteDuration();
  std::optional<absl::Duration> grpc_timeout_;  // from the beginning of the exchange
  base::MonotonicTime started_{0};
  base::MonotonicTime stream_deadline_ = base::MonotonicTime{0} + absl::InfiniteDuration();
};

}  // namespace weir::proxy
