// IdleShelf: idle connections of a cluster that one worker has no use for and any worker may go on with. Made with the
// Cluster, which owns it; any thread. It holds sockets that were released, never a live object of a worker: nothing
// watches them, and whoever takes one looks at it first. Each keeps the permit of its connection limits.
//
// Workers come here when they would open a connection, and with a connection that was idle for a while; a request that
// finds an idle connection with its own worker never does. The lock is held for moving a few pointers.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "source/base/clock.h"
#include "source/net/socket.h"
#include "source/upstream/host.h"

namespace weir::upstream {

enum class Priority : uint8_t;

class IdleShelf {
 public:
  // Somebody looks at all of them once in a second, a system call each: that is to be less than a millisecond.
  static constexpr size_t kMost = 1024;

  struct Idle {
    std::shared_ptr<const Host> host;
    Priority priority;
    std::unique_ptr<net::Socket> socket;
    base::MonotonicTime opened;   // the connection
    base::MonotonicTime expires;  // unless it is used before
    uint64_t requests;            // that it carried; above 0
  };

  // One more worker has the cluster.
  void join() { workers_.fetch_add(1, std::memory_order_relaxed); }
  // Whether there is anybody else to take what one worker puts here.
  bool shared() const { return workers_.load(std::memory_order_relaxed) > 1; }
  bool empty() const { return size_.load(std::memory_order_relaxed) == 0; }
  // Others may fill it meanwhile: a few more than kMost find place.
  bool hasRoom() const { return size_.load(std::memory_order_relaxed) < kMost; }

  void put(Idle idle);
  // The one that was put here last.
  std::optional<Idle> take(const Host& host, Priority priority);
  // One to any host.
  std::optional<Idle> takeAny(Priority priority);
  std::vector<Idle> takeAll();
  // All, for somebody who looks at each of them; none when that was done within `every` before `now`.
  std::vector<Idle> takeToLookAt(base::MonotonicTime now, absl::Duration every);

 private:
  using Key = std::pair<const Host*, Priority>;
  using Map = absl::flat_hash_map<Key, std::vector<Idle>>;

  Idle takeFrom(Map::iterator at);

  std::atomic<unsigned> workers_{0};
  std::atomic<size_t> size_{0};
  std::mutex mutex_;  // guards all below
  Map idle_;          // no empty vectors
  base::MonotonicTime looked_at_{0};
};

}  // namespace weir::upstream
