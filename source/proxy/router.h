// Router: the terminal stream of an exchange: takes the request that has passed the filters and gives the response. A
// route that redirects or answers directly is answered here; a route to a cluster gets a stream to one of its hosts,
// and another one where its policy sends the request again. Embedded in the Exchange, one worker; it allocates nothing
// that is not pooled or in the arena.
//
//   from         event                      to
//   kIdle        send(Head)                 kLocal: a redirect or a direct response, given out part by part
//                                           kUpstream: the route names a cluster
//                                           kFailed: no route, or refused
//   kUpstream    the End of the response    kDone
//                no response, no more tries kFailed
//   kLocal, kFailed  given out              kDone
//   any          reset()                    kDone
//
// In kUpstream there are one or two attempts under way, or none while a retry waits; the first whose response is to be
// kept wins, and the other is dropped. Body that comes before a stream is open is held, up to kHeldBytes. What was sent
// is kept as long as the request may have to be sent again and the copy is within the limit of the route.
//
// Without a policy, a request is sent again, at most kResends times, only if nothing can have been done with it: no
// connection to its host while the cluster has others; an upstream that said over HTTP/2 that it was not processed; or
// an idempotent request that met a connection which the peer had closed already.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>

#include "source/buffer/buffer.h"
#include "source/event/timer.h"
#include "source/filter/stream_info.h"
#include "source/http/stream.h"
#include "source/proxy/http_connection_manager_config.h"
#include "source/proxy/internal_redirect.h"
#include "source/proxy/retry_state.h"
#include "source/proxy/session_factory.h"
#include "source/proxy/upstream_attempt.h"
#include "source/upstream/worker_cluster.h"

namespace weir::upstream {
struct DemandConfig;
}

namespace weir::proxy {

class RetryPriority;
class Shadow;
struct SetCookie;

class Router final : public http::Stream, private event::TimerHandler {
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
    const RedirectTrail& trail;
  };
  explicit Router(const Context& context);
  ~Router() override;

  // The next request head is answered like this, whatever its route: refused, or redirected to its own path.
  void refuse(http::Reason reason) { refusal_ = reason; }
  void redirectToPath() { redirect_to_path_ = true; }

  // Whether the edits of the route were made to this response head already.
  bool edited(const http::Head& response) const { return edited_ == &response; }
  // The request is an upstream's, or about to be, and its response has not come whole.
  bool awaitsUpstream() const { return state_ == State::kUpstream; }
  // The response opened a tunnel; it has ended when either of its halves has, or, where it ends here, that of the
  // upstream: what it answers to a client that has said all is still passed on.
  bool tunnel() const { return tunnel_; }
  bool tunnelEnded() const { return tunnel_ && ((current_->end_sent && !ends_tunnel_) || state_ == State::kDone); }
  // From the end of the request to the end of the response; infinite for none, and for tunnels.
  absl::Duration routeTimeout() const { return tunnel_ ? absl::InfiniteDuration() : route_timeout_; }
  // The upstream redirects, and weir follows: the request that is to be made instead, with the body that was kept for
  // it. Null: it does not. takeBody() then, once.
  http::Head* redirected() const { return redirected_; }
  buffer::Buffer takeBody() { return std::move(held_); }
  http::HeaderMap* requestTrailers() const { return request_trailers_; }
  // What the cluster allows for one stream, from the time it was opened.
  base::MonotonicTime streamDeadline() const { return stream_deadline_; }

  void setOwner(http::StreamOwner&, base::Arena&) override {}
  std::optional<http::Part> receive() override;
  size_t room() const override;
  void send(http::Part part) override;
  void leaveInKernel() override;
  void reset(http::Reason reason) override;

 private:
  friend class UpstreamAttempt;
  enum class State : uint8_t { kIdle, kLocal, kUpstream, kFailed, kDone };
  enum class Next : uint8_t { kHead, kData, kEnd };

  void release() override { reset(http::Reason::kNone); }
  void onTimer(event::Timer& timer) override;

  // What the attempts call, from the loop.
  void onAttemptOpen(UpstreamAttempt& attempt);
  void onAttemptFailed(UpstreamAttempt& attempt, http::Reason reason);
  void onAttemptTimeout(UpstreamAttempt& attempt, bool idle);
  base::Arena& arena() { return context_.arena; }
  void wakeOwner() { context_.owner.wakeStream(); }

  // router.cc: what becomes of the request.
  void begin(http::Head& request);
  void answerDirectly(const DirectAction& direct);
  void answer(uint16_t status, http::Reason reason, std::string_view body, std::string_view location);
  void forward(http::Head& request, const Route& route, const ForwardAction& action);
  void takeTimeouts(const http::Head& request, const ForwardAction& action, const RequestedTimeouts& requested);
  void editForward(http::Head& request, const Route& route, const ForwardAction& action);
  void setHost(http::Head& request, const ForwardAction& action, std::string_view host);
  std::optional<http::Part> receiveLocal();
  void fail(http::Reason reason);
  void failUpstream(http::Reason reason);
  void countStatus(uint16_t status);
  static void setNumber(http::Head& head, http::HeaderId id, uint64_t number);
  static void setNumber(http::Head& head, std::string_view name, uint64_t number);

  // router_request.cc: the way to the upstream.
  void avoid(const upstream::HostRef& host);
  void noteTried(const upstream::HostRef& host);
  void startAttempt(UpstreamAttempt& attempt, upstream::RetryLease lease);
  std::string_view wantedHost(const upstream::DemandConfig& config);
  std::string_view requestedName();
  std::string_view wantedAddress(const upstream::DemandConfig& config);
  void showAttempt(const UpstreamAttempt& attempt);
  void sendHead(UpstreamAttempt& attempt);
  void sendProxyHeader(UpstreamAttempt& attempt);
  void passDeadlineOn(UpstreamAttempt& attempt);
  void pump(UpstreamAttempt& attempt);
  void sendData(UpstreamAttempt& attempt, buffer::Buffer data);
  void keepForResend(const UpstreamAttempt& attempt, const buffer::Buffer& data);
  bool mayKeep(const UpstreamAttempt& attempt) const;
  void startShadows(const ForwardAction& action);
  void endShadows(bool whole);

  // router_retry.cc: whether there is another attempt.
  bool resendUnprocessed(UpstreamAttempt& attempt);
  bool resendUnconnected(UpstreamAttempt& attempt, http::Reason reason);
  void resend();
  bool takeRetry(upstream::RetryLease& lease);
  bool retryResponse(UpstreamAttempt& attempt, http::Head& response);
  bool retryFailure(UpstreamAttempt& attempt, RetryState::Failure failure);
  void retryAfter(RetryState::Wait wait, upstream::RetryLease lease);
  bool hedge(UpstreamAttempt& slow);
  bool redirect(UpstreamAttempt& attempt, const http::Head& response);
  void refill();

  // router_response.cc: the way back.
  std::optional<http::Part> receiveFirst();
  std::optional<http::Part> receiveFrom(UpstreamAttempt& attempt);
  std::optional<http::Part> receiveRest();
  std::optional<http::Part> onBroken(UpstreamAttempt& attempt, http::Part part);
  void win(UpstreamAttempt& attempt);
  void onHead(http::Head& head);
  void onUpstreamEnd();
  void recordFields(const upstream::SizeStats& sizes, const http::Head& request, const http::Head& response);
  void recordTracked();
  void recordOutcome(const UpstreamAttempt& attempt, upstream::RequestOutcome::Kind kind, uint16_t status = 0);

  // The one beside it; null when there was never a second.
  UpstreamAttempt* other(const UpstreamAttempt& attempt) {
    if (&attempt != &first_) return &first_;
    return second_ ? &*second_ : nullptr;
  }
  bool otherActive(const UpstreamAttempt& attempt) {
    const UpstreamAttempt* const beside = other(attempt);
    return beside != nullptr && beside->active();
  }
  const Route* route() const { return static_cast<const Route*>(context_.info.route); }
  const ForwardAction& action() const { return std::get<ForwardAction>(route()->action); }
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
  bool ends_tunnel_ = false;  // the upstream gets bytes, not HTTP
  bool request_ended_ = false;
  bool replayable_ = true;
  bool timeout_retry_ = false;
  bool released_ = false;  // it is done, and nothing of it is under way
  uint16_t status_ = 0;    // of the upstream's final head

  http::Head* request_ = nullptr;
  http::Head* original_ = nullptr;  // the request as it came, where redirects may be followed
  http::Head* redirected_ = nullptr;
  http::HeaderMap* request_trailers_ = nullptr;
  http::Head* local_head_ = nullptr;
  const http::Head* edited_ = nullptr;
  std::string_view local_body_;

  upstream::WorkerCluster* cluster_ = nullptr;
  const UpstreamPolicy* policy_ = nullptr;
  RetryState retries_;
  UpstreamAttempt first_;
  std::optional<UpstreamAttempt> second_;   // made when the first one is hedged
  UpstreamAttempt* current_ = &first_;      // takes the request as it comes
  UpstreamAttempt* winner_ = nullptr;       // gives the response
  const UpstreamAttempt* shown_ = nullptr;  // the one that was opened last: see showAttempt()
  // Hosts that the next attempt goes to only if there is no other: the last ones of the attempts so far.
  std::array<upstream::HostRef, 4> tried_;
  uint32_t tried_count_ = 0;
  RetryPriority* priorities_ = nullptr;  // null: none is left out
  upstream::HostRef host_;               // of the last attempt; what is logged looks into it
  event::Timer back_off_;
  upstream::RetryLease next_lease_;  // of the retry that waits
  UpstreamAttempt::Deadlines try_deadlines_;
  buffer::Buffer held_;    // not sent on current_ yet
  buffer::Buffer replay_;  // sent on it
  size_t replay_limit_ = kHeldBytes;
  uint32_t resends_ = 0;
  bool resend_counts_ = false;  // against the limit of retries
  Shadow* shadows_ = nullptr;
  const SetCookie* cookies_ = nullptr;
  std::optional<uint64_t> hash_;
  absl::Duration route_timeout_ = absl::InfiniteDuration();
  std::optional<absl::Duration> grpc_timeout_;  // from the beginning of the exchange
  base::MonotonicTime started_{0};
  base::MonotonicTime stream_deadline_{std::numeric_limits<int64_t>::max()};
};

}  // namespace weir::proxy
