// Shadow: a copy of a request on its way to another cluster, whose response is taken and dropped. Made by the Router of
// the request, out of the ShadowPool of its worker; from then on it lives by itself: neither the request nor its client
// waits for it, and it goes on when they are gone. What it cannot send yet it holds, up to kHeldBytes; a body that runs
// further ahead ends the shadow alone. One worker.
//
//   take() -> start() -> append()* -> finish() or abandon(), the last call; then it goes back to the pool by itself
//
// ShadowPool: those of one worker, kept for the next requests. Owned by the ExchangePool; clear() before the clusters
// that it sends to are gone.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "absl/time/time.h"
#include "source/base/arena.h"
#include "source/base/ticket.h"
#include "source/buffer/buffer.h"
#include "source/event/timer.h"
#include "source/event/wakeable.h"
#include "source/http/stream.h"
#include "source/net/worker_context.h"
#include "source/proxy/routes/upstream_policy.h"
#include "source/upstream/receivers.h"
#include "source/upstream/worker_cluster.h"

namespace weir::proxy {

class ShadowPool;

class Shadow final : private upstream::StreamReceiver,
                     private http::StreamOwner,
                     private event::TimerHandler,
                     private event::Wakeable {
 public:
  static constexpr size_t kHeldBytes = 64 * 1024;

  Shadow(ShadowPool& home, const net::WorkerContext& worker);
  ~Shadow() override;

  // `request` is copied, with a Host of its own. `timeout` from now on; infinite: none.
  void start(upstream::WorkerCluster& cluster, const http::Head& request, const MirrorPolicy& policy,
             upstream::Priority priority, absl::Duration timeout);
  // Copies what of the body comes next.
  void append(const buffer::Buffer& data);
  // The request is whole; `trailers` (may be null) are copied.
  void finish(const http::HeaderMap* trailers);
  // The request broke off.
  void abandon();

  Shadow* next = nullptr;  // the Router's list

 private:
  friend class ShadowPool;
  void onStreamOpen(Opened opened) override;
  void onStreamFailed(http::Reason reason, upstream::HostRef host) override;
  void recordOutcome(upstream::RequestOutcome::Kind kind);
  void wakeStream() override { wake(); }
  void onTimer(event::Timer& timer) override;
  void onWake() override;
  void pump();
  void count(uint16_t status);
  // Nothing more is sent or taken; back to the pool once the request has let go.
  void stop();

  ShadowPool& home_;
  const net::WorkerContext& worker_;
  base::Arena arena_;
  upstream::WorkerCluster* cluster_ = nullptr;  // null: stopped
  bool released_ = true;                        // by the request
  bool ended_ = false;
  bool end_sent_ = false;
  uint16_t status_ = 0;  // of the response; 0: none yet
  http::Head* head_ = nullptr;
  http::HeaderMap* trailers_ = nullptr;
  buffer::Buffer held_;
  base::Ticket ticket_;
  upstream::RetryLease lease_;
  upstream::HostRef host_;
  base::MonotonicTime started_{0};
  http::StreamPtr stream_;
  event::Timer timer_;
};

class ShadowPool {
 public:
  // Released already to the caller, which must call start().
  Shadow& take(const net::WorkerContext& worker);
  // Ends all that are under way; no Router may hold one.
  void clear();
  size_t active() const { return all_.size() - free_.size(); }

 private:
  friend class Shadow;
  void give(Shadow& shadow) { free_.push_back(&shadow); }
  std::vector<std::unique_ptr<Shadow>> all_;
  std::vector<Shadow*> free_;
};

}  // namespace weir::proxy
