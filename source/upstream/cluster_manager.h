// WorkerCluster: one worker's way into a cluster: its balancer and its connection pools. ClusterManager: all of them on
// one worker, by name. Made by the worker from the shared snapshot, owned by it; one thread; outlives the exchanges.
//
// openStream() and connect() return a Ticket and deliver exactly one call to the receiver later, never from inside
// (laws 4 and 5); destroying the Ticket cancels, and then nothing is called.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "source/base/ticket.h"
#include "source/net/worker_context.h"
#include "source/http/stream.h"
#include "source/net/connection.h"
#include "source/upstream/cluster.h"

namespace weir::upstream {

// What a pick may look at. Later: hashes, metadata, hosts that were tried.
struct PickContext {
  Priority priority = Priority::kDefault;
  // Skipped when another host may be used: the one that failed before. Null for none.
  const Host* avoid = nullptr;
};

class StreamReceiver {
 public:
  // A stream on an open connection. `host` lives as long as the cluster snapshot of this worker.
  struct Opened {
    http::StreamPtr stream;
    const Host* host;
    net::Address local;
    bool reused;  // the connection carried a request before
  };
  virtual void onStreamOpen(Opened opened) = 0;
  // kNoHealthyUpstream, kUpstreamOverflow, kConnectFailure or kConnectTimeout; `host` is null when none was picked.
  virtual void onStreamFailed(http::Reason reason, const Host* host) = 0;

 protected:
  ~StreamReceiver() = default;
};

class ConnectReceiver {
 public:
  // A plain connection for the TCP proxy; the receiver sets its session at once.
  virtual void onConnected(std::unique_ptr<net::Connection> connection, const Host* host) = 0;
  virtual void onConnectFailed(http::Reason reason, const Host* host) = 0;

 protected:
  ~ConnectReceiver() = default;
};

class WorkerCluster final {
 public:
  const ClusterConfig& config() const;
  // A stream to a host of the cluster's choice, over a pooled or a new connection.
  base::Ticket openStream(const PickContext& context, StreamReceiver& receiver);
  // A connection of its own to a host of the cluster's choice.
  base::Ticket connect(const PickContext& context, ConnectReceiver& receiver);
};

class ClusterManager final {
 public:
  // Null when there is none of that name.
  WorkerCluster* find(std::string_view name);
};

}  // namespace weir::upstream
