// Exchange: one request and its response on a downstream connection: owns the downstream stream, the arena, the filters
// (through their chain) and the router. Made by the HttpConnectionManager for each stream that the codec announces, in
// memory of the ExchangePool; it runs from its own wakes, and ends by asking the connection manager to destroy it.
// One worker.
//
// All its deadlines share one timer, which holds the nearest: activity only stores the time, and the timer looks when
// it fires what is really due.
#pragma once

#include <cstdint>
#include <optional>

#include "source/base/arena.h"
#include "source/event/timer.h"
#include "source/event/wakeable.h"
#include "source/filter/http_chain.h"
#include "source/filter/stream_info.h"
#include "source/http/stream.h"
#include "source/proxy/http_connection_manager_config.h"
#include "source/proxy/internal_redirect.h"
#include "source/proxy/router.h"
#include "source/proxy/session_factory.h"

namespace weir::proxy {

class HttpConnectionManager;

class Exchange final : private filter::ChainOwner,
                       private http::StreamOwner,
                       private event::TimerHandler,
                       private event::Wakeable {
 public:
  // All outlive it. `transport` is what that of the connection knows; null for plain bytes.
  Exchange(const HttpConnectionManagerConfig& config, const Services& services, const DownstreamInfo& downstream,
           const net::TransportInfo* transport, http::StreamPtr stream, HttpConnectionManager& owner);
  ~Exchange();

  // The client has ended its half: it waits for no other server. What is answered here, or has been answered already,
  // still goes out; a request that an upstream has is given up in this turn or in the next. Tunnels go on.
  void onClientFinished();
  // The connection is gone, or weir ends: counts and logs what there was. The owner destroys it after that.
  void abandon(http::Reason reason);

  Exchange* next = nullptr;  // the owner's list
  Exchange* previous = nullptr;

 private:
  // The downstream stream as the chain sees it: the head was looked at already, and is given once more.
  class Intake final : public http::Stream {
   public:
    explicit Intake(http::StreamPtr stream) : stream_(std::move(stream)) {}
    void keep(http::Head& head) { head_ = &head; }
    // Instead of what the stream gave, which was taken whole.
    void replay(http::Head& head, buffer::Buffer body, http::HeaderMap* trailers) {
      head_ = &head;
      replay_.emplace(std::move(body));
      replay_ended_ = false;
      trailers_ = trailers;
    }
    // Where the response goes: straight to it.
    http::Stream& stream() const { return *stream_; }
    void setOwner(http::StreamOwner& owner, base::Arena& arena) override { stream_->setOwner(owner, arena); }
    std::optional<http::Part> receive() override;
    size_t room() const override { return stream_->room(); }
    void send(http::Part part) override { stream_->send(std::move(part)); }
    void reset(http::Reason reason) override { stream_->reset(reason); }
    http::Reason lost() const override { return stream_->lost(); }
    bool forwardsInKernel() const override { return stream_->forwardsInKernel(); }
    buffer::BlockPool* pool = nullptr;

   private:
    void release() override {}
    http::StreamPtr stream_;
    http::Head* head_ = nullptr;
    std::optional<buffer::Buffer> replay_;
    bool replay_ended_ = false;
    http::HeaderMap* trailers_ = nullptr;
  };

  void chooseRoute(http::Head& request) override;
  http::Stream& openTerminal(http::Head& request) override;
  void dropTerminal(http::Reason reason) override;
  void onResponseHead(http::Head& response) override;
  filter::SideCaller& sideCaller() override { return services_.side_calls; }
  void onLocalReply(filter::LocalReply& reply) override;
  void wakeChain() override { wake(); }
  void wakeStream() override { wake(); }
  void onWake() override;
  void onTimer(event::Timer& timer) override;

  bool start();
  // exchange_redirect.cc: runs the request through routes and filters once more, as `target`.
  void follow(http::Head& target);
  bool upgradeAllowed(const http::Head& request) const;
  void addServerHeaders(http::Head& response);
  void noteProgress();
  base::MonotonicTime nearestDeadline() const;
  void scheduleTimer();
  http::Reason dueReason() const;
  void countTimeout(http::Reason reason);
  void countReset();
  void finish(bool whole);
  void countAndLog();
  void countForRoute();
  base::MonotonicTime now() const { return services_.worker.dispatcher.now(); }

  const HttpConnectionManagerConfig& config_;
  const Services& services_;
  HttpConnectionManager& owner_;
  base::Arena arena_;
  filter::StreamInfo info_;
  Intake downstream_;
  // Both are made anew for a redirect that weir follows.
  std::optional<filter::HttpChain> chain_;
  RedirectTrail trail_;
  std::optional<Router> router_;
  event::Timer timer_;

  const RouteStats* virtual_cluster_ = nullptr;  // of the request as it came
  bool started_ = false;
  bool over_ = false;
  bool timed_out_ = false;
  bool client_finished_ = false;
  uint64_t progress_ = 0;  // changes whenever a part moved
  base::MonotonicTime last_progress_;
  base::MonotonicTime armed_until_;
  absl::Duration idle_timeout_;
  absl::Duration max_duration_;
};

}  // namespace weir::proxy
