// StreamReceiver, ConnectReceiver: who is told the outcome of WorkerCluster::openStream() and connect(). Exactly one
// call comes, from the loop of the worker and never from inside the call that asked (laws 4 and 5); after the Ticket
// was destroyed none comes. The receiver must live as long as its Ticket.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "source/http/head.h"
#include "source/http/reason.h"
#include "source/http/stream.h"
#include "source/net/address.h"
#include "source/net/connection.h"
#include "source/net/transport.h"
#include "source/upstream/cluster.h"
#include "source/upstream/host_ref.h"
#include "source/upstream/lease.h"

namespace weir::net {
struct TransportInfo;
}

namespace weir::upstream {

// What a pick may look at.
struct PickContext {
  Priority priority = Priority::kDefault;
  // Skipped while another host comes up within `more_picks` picks: those that this request was sent to before.
  std::span<const HostRef> attempted = {};
  uint32_t more_picks = 3;
  // Alike: hosts with all the metadata of one of these.
  std::span<const lb::Metadata> omitted = {};
  // What the route's hash policies made of the request.
  std::optional<uint64_t> hash = std::nullopt;
  // The metadata that the host must have. Null: any.
  const lb::SubsetIndex::Wish* subset = nullptr;
  // Percent of the traffic by priority of the hosts, where a retry changes them; empty: the cluster's own.
  std::span<const uint32_t> priority_loads = {};
  // Where the cluster has the hosts that are asked for: which one, as "host:port". Lives as long as the call.
  std::string_view wanted = {};
  // Addresses of hosts, between commas, of which the first that may be used is taken; else the balancer's choice. Lives
  // as long as the call.
  std::string_view preferred = {};
  // What TLS asks for, where the cluster takes it from requests; lower case. Lives as long as the call.
  std::string_view server_name = {};
  // For whom it is, where hosts of the cluster are told (ClusterConfig::tells_client). Lives as long as the call.
  const net::ClientAddresses* client = nullptr;
  // The request was sent before: it counts against the limit of retries.
  bool resend = false;
  // In which the request came: where the cluster says so, it is sent in the same.
  http::Version version = http::Version::kHttp11;
};

class StreamReceiver {
 public:
  // A stream on an open connection.
  struct Opened {
    http::StreamPtr stream;
    HostRef host;
    net::Address local;
    bool reused;  // the connection carried a request before
    // HTTP/2: unprocessed() is a proof, whatever the request, and may also be true of a fresh connection's stream.
    bool multiplexed;
    // Of a request that was sent before; kept as long as the stream.
    RetryLease retry;
    std::shared_ptr<const net::TransportInfo> transport;  // what that of the connection knows; null for plain bytes
  };
  virtual void onStreamOpen(Opened opened) = 0;
  // Right before onStreamFailed(), where a connection failed whose bytes were to be protected: what that knows, and
  // why.
  virtual void onTransportFailed([[maybe_unused]] std::shared_ptr<const net::TransportInfo> transport) {}
  // kNoHealthyUpstream, kUpstreamOverflow, kRetryLimit, kConnectFailure or kConnectTimeout; `host` is null when none
  // was picked.
  virtual void onStreamFailed(http::Reason reason, HostRef host) = 0;

 protected:
  ~StreamReceiver() = default;
};

class ConnectReceiver {
 public:
  // A plain connection for the TCP proxy. The receiver sets its session at once, and then looks at input(), where bytes
  // may wait already. The lease counts the connection: it is kept as long as the connection is.
  struct Connected {
    std::unique_ptr<net::Connection> connection;
    HostRef host;
    ConnectionLease lease;
  };
  virtual void onConnected(Connected connected) = 0;
  // As in StreamReceiver.
  virtual void onTransportFailed([[maybe_unused]] std::shared_ptr<const net::TransportInfo> transport) {}
  virtual void onConnectFailed(http::Reason reason, HostRef host) = 0;

 protected:
  ~ConnectReceiver() = default;
};

}  // namespace weir::upstream
