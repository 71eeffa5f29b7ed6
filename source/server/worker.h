// Worker: everything that runs on one thread: pools, random numbers, the cluster manager and the listeners with their
// connections. Made by a WorkerThread, by the Server (for the admin endpoint) or by a test, over a dispatcher and a
// network of their choice, so that any number of workers can run in one thread on simulated ones.
//
//   made -> addSocket() -> start() on the making thread, once all workers have all sockets -> turns of the dispatcher
//   -> drain() -> destroyed when the dispatcher no longer runs
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "source/base/arena.h"
#include "source/base/random.h"
#include "source/buffer/block.h"
#include "source/event/dispatcher.h"
#include "source/event/timer.h"
#include "source/net/worker_context.h"
#include "source/proxy/exchange_pool.h"
#include "source/proxy/listener/active_listener.h"
#include "source/proxy/side_calls.h"
#include "source/server/compile/server_config.h"
#include "source/stats/stats.h"
#include "source/upstream/cluster_manager.h"

namespace weir::server {

class Worker final : private event::TimerHandler {
 public:
  // What it stands on; all outlive it.
  struct Seams {
    event::Dispatcher& dispatcher;
    net::Network& network;
    stats::Registry& stats;
    uint64_t seed;                            // of its random numbers
    upstream::SharedLimit& connection_limit;  // of all workers
  };

  // The configuration outlives it.
  Worker(unsigned index, const Seams& seams, std::span<const std::shared_ptr<const upstream::Cluster>> clusters,
         std::span<const ListenerPlan> listeners);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // A socket for the listener of that number.
  void addSocket(size_t listener, std::unique_ptr<net::ListenSocket> socket);
  // Accepts from now on. The error names the address.
  absl::Status start();

  // Listeners stop, connections finish what they have; `done` is called from the dispatcher, once, when none is left.
  // On the dispatcher's thread. Where it was posted and comes only while the worker is destroyed, it does nothing.
  void drain(std::function<void()> done);
  // Drops every connection that is left. On the dispatcher's thread.
  void closeAll();
  // The hosts that cluster has from now on. On the dispatcher's thread; as drain() when it comes late.
  void setHosts(size_t cluster, std::shared_ptr<const upstream::HostSet> hosts);
  // Downstream connections, of all listeners.
  size_t connections() const;

  event::Dispatcher& dispatcher() const { return context_.dispatcher; }
  net::Network& network() const { return context_.network; }
  stats::Shard& stats() const { return context_.stats; }
  unsigned index() const { return context_.index; }
  const proxy::ActiveListener& listener(size_t number) const { return *listeners_[number]; }

 private:
  void onTimer(event::Timer& timer) override;

  // What a burst of some hundred streams needs at once stays here for the next: up to 8 MiB and 4 MiB.
  buffer::BlockPool blocks_{512};
  base::ChunkPool chunks_{1024};
  base::Random random_;
  const net::WorkerContext context_;
  proxy::ExchangePool exchanges_;
  std::unique_ptr<upstream::ClusterManager> clusters_;
  proxy::SideCalls side_calls_;
  uint64_t last_connection_id_ = 0;
  bool draining_ = false;
  const proxy::Services services_;
  upstream::SharedLimit no_limit_{UINT32_MAX};  // of listeners that are not limited
  proxy::ListenerDirectory directory_;
  std::vector<std::unique_ptr<proxy::ActiveListener>> listeners_;
  event::Timer drain_timer_;
  std::function<void()> drained_;
  bool ending_ = false;
};

}  // namespace weir::server
