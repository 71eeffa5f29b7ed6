// WorkerContext: what everything that runs on one worker shares: its dispatcher, pools, random numbers, network and
// shard of counters. Made by the worker, which owns all of it; outlives every connection on that worker.
#pragma once

#include "source/base/arena.h"
#include "source/base/random.h"
#include "source/buffer/block.h"
#include "source/event/dispatcher.h"
#include "source/net/socket.h"
#include "source/stats/shard.h"

namespace weir::net {

struct WorkerContext {
  event::Dispatcher& dispatcher;
  Network& network;
  buffer::BlockPool& blocks;
  base::ChunkPool& chunks;
  base::Random& random;
  stats::Shard& stats;
  unsigned index = 0;              // of the worker; 0 for the first
  const bool* draining = nullptr;  // whether the worker is shutting down; null: it never does

  bool isDraining() const { return draining != nullptr && *draining; }
};

}  // namespace weir::net
