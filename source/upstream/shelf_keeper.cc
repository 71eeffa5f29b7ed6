#include "source/upstream/shelf_keeper.h"

#include <sys/uio.h>

#include <utility>

#include "source/upstream/cluster_shard.h"

namespace weir::upstream {
namespace {

constexpr absl::Duration kSweepEvery = absl::Seconds(1);

// Nothing has come that nobody asked for, and the peer has not closed it. A byte that is there is read for good: such a
// connection is of no more use.
bool isQuiet(net::Socket& socket) {
  char byte;
  const iovec into{&byte, 1};
  return socket.read({&into, 1}).state == net::IoResult::State::kWouldBlock;
}

}  // namespace

ShelfKeeper::ShelfKeeper(ClusterShard& shard) : shard_(shard), sweep_(shard.worker.dispatcher, *this) {
  shelf().join();
}

IdleShelf& ShelfKeeper::shelf() const { return shard_.cluster->shelf(); }

bool ShelfKeeper::shares() const { return shelf().shared() && !shard_.draining && shelf().hasRoom(); }

void ShelfKeeper::put(uint32_t slot, Priority priority, std::unique_ptr<net::Socket> socket, base::MonotonicTime opened,
                      base::MonotonicTime expires, uint64_t requests) {
  shard_.connectionMoved(slot, -1);
  shelf().put({shard_.states[slot]->host, priority, std::move(socket), opened, expires, requests});
  if (!sweep_.armed()) sweep_.arm(kSweepEvery);
}

std::optional<IdleShelf::Idle> ShelfKeeper::take(uint32_t slot, Priority priority) {
  if (shelf().empty()) return std::nullopt;
  while (std::optional<IdleShelf::Idle> idle = shelf().take(shard_.host(slot), priority)) {
    if (idle->expires > shard_.worker.dispatcher.now() && isQuiet(*idle->socket)) {
      idle->socket = shard_.worker.network.adopt(std::move(idle->socket));
      shard_.connectionMoved(slot, 1);
      shard_.worker.stats.add(shard_.stats().cx_adopted);
      return idle;
    }
    close(*std::move(idle));
  }
  return std::nullopt;
}

bool ShelfKeeper::closeOne(uint32_t slot, Priority priority) {
  if (shelf().empty()) return false;
  std::optional<IdleShelf::Idle> idle = shelf().take(shard_.host(slot), priority);
  if (!idle.has_value()) return false;
  close(*std::move(idle));
  return true;
}

bool ShelfKeeper::closeAny(Priority priority) {
  if (shelf().empty()) return false;
  std::optional<IdleShelf::Idle> idle = shelf().takeAny(priority);
  if (!idle.has_value()) return false;
  close(*std::move(idle));
  return true;
}

// What is examined is not on the shelf meanwhile; who misses it opens a connection.
void ShelfKeeper::closeRemoved() {
  if (shelf().empty()) return;
  for (IdleShelf::Idle& idle : shelf().takeAll()) {
    if (shard_.hosts->contains(*idle.host)) {
      shelf().put(std::move(idle));
    } else {
      close(std::move(idle));
    }
  }
}

void ShelfKeeper::closeAll() {
  for (IdleShelf::Idle& idle : shelf().takeAll()) close(std::move(idle));
}

void ShelfKeeper::onTimer(event::Timer&) {
  const base::MonotonicTime now = shard_.worker.dispatcher.now();
  for (IdleShelf::Idle& idle : shelf().takeToLookAt(now, kSweepEvery)) {
    if (idle.expires > now && isQuiet(*idle.socket)) {
      shelf().put(std::move(idle));
    } else {
      if (idle.expires <= now) shard_.worker.stats.add(shard_.stats().cx_idle_timeout);
      close(std::move(idle));
    }
  }
  if (!shelf().empty()) sweep_.arm(kSweepEvery);
}

void ShelfKeeper::close(IdleShelf::Idle idle) {
  idle.socket.reset();
  shard_.shelvedConnectionGone(*idle.host, idle.priority, idle.opened);
}

}  // namespace weir::upstream
