// StreamInfo: what is known about one exchange (or one proxied TCP connection) for logs, counters and filters. Owned
// by the Exchange (or the TCP proxy); filled as things happen; const for filters and loggers. Views live in the arena
// of the exchange or in the immutable configuration. One worker.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "source/base/clock.h"
#include "source/http/head.h"
#include "source/http/reason.h"
#include "source/net/address.h"

namespace weir::base {
class Metadata;  // source/base/metadata.h
}

namespace weir::http {
enum class GrpcStatus : uint8_t;
}

namespace weir::net {
struct ClientFingerprints;
struct TransportInfo;
}  // namespace weir::net

namespace weir::filter {

class ConnectionStates;  // source/filter/connection_states.h
struct FilterTime;       // source/filter/filter_times.h
struct ListenerFacts;    // source/filter/listener_facts.h
class RouteInfo;
struct RateLimitRule;  // source/filter/rate_limit_rules.h

struct StreamInfo {
  absl::Time start_wall;
  base::MonotonicTime start;
  // Measured from `start`; none while it has not happened.
  std::optional<base::MonotonicTime> request_complete;     // last byte of the request received
  std::optional<base::MonotonicTime> upstream_first_sent;  // first byte sent upstream
  std::optional<base::MonotonicTime> upstream_last_sent;
  std::optional<base::MonotonicTime> upstream_first_received;
  std::optional<base::MonotonicTime> upstream_last_received;
  std::optional<base::MonotonicTime> response_started;  // first byte sent downstream
  std::optional<base::MonotonicTime> complete;

  std::optional<http::Version> protocol;  // none for TCP
  uint64_t connection_id = 0;
  const ListenerFacts* listener = nullptr;  // of the one that took the connection; null: nothing is said
  uint64_t bytes_received = 0;              // body bytes from downstream
  uint64_t bytes_sent = 0;                  // body bytes to downstream
  uint64_t upstream_bytes_sent = 0;
  uint64_t upstream_bytes_received = 0;

  net::Address downstream_local;
  bool downstream_local_restored = false;  // a listener filter found out where the client was going
  net::Address downstream_direct_remote;   // the peer of the socket
  net::Address downstream_remote;          // the client as far as it is trusted (x-forwarded-for)
  // What the transports (TLS) know of the two connections; null for plain bytes. That of the client lives as long as
  // its connection.
  const net::TransportInfo* downstream_transport = nullptr;
  // What the client asked for in a ClientHello that was only looked at (tls_inspector); empty: see the transport.
  std::string_view requested_server_name;
  const net::ClientFingerprints* fingerprints = nullptr;  // of that hello; null: none were taken
  // What a PROXY header said besides the addresses, as far as it is to be passed on; see net::ClientAddresses.
  std::string_view proxy_tlvs;
  std::shared_ptr<const net::TransportInfo> upstream_transport;
  std::optional<net::Address> upstream_remote;
  std::optional<net::Address> upstream_local;
  std::string_view upstream_host_name;
  std::string_view upstream_cluster;
  const base::Metadata* upstream_metadata = nullptr;  // what the configuration notes about it; null: nothing
  // "host" or "host:port": where a filter says that the request is to go, for a cluster that has whichever host is
  // asked for; lower case, in the arena.
  std::string_view upstream_target;
  uint32_t upstream_attempts = 0;

  uint16_t status = 0;                        // of the final response; 0 when none was started
  http::Reason reason = http::Reason::kNone;  // why weir answered or ended it itself; the first one stays
  // Every retry that the policy allows was made, and none helped: the flag URX, beside that of the reason.
  bool retries_exhausted = false;
  std::string_view request_id;
  const RouteInfo* route = nullptr;  // null: none matched (yet)
  // Set by a filter that takes grpc-status out of the trailers; else it is where gRPC has it.
  std::optional<http::GrpcStatus> grpc_status;
  // What filters keep for the downstream connection; null where there is none.
  ConnectionStates* connection_states = nullptr;
  // What filters note for one another and for logs, a struct of namespaces; null until one does, see
  // source/filter/dynamic_metadata.h.
  base::Metadata* dynamic_metadata = nullptr;
  // Of the filters that are timed, a list in the arena; null where none is.
  FilterTime* filter_times = nullptr;
  bool health_check = false;  // answered or marked by the health check filter

  // Only while a local reply is formed: its body so far.
  std::string_view local_reply_body;

  const http::Head* request_head = nullptr;
  const http::Head* response_head = nullptr;
  const http::HeaderMap* response_trailers = nullptr;
};

// The part of a route that filters and loggers may see.
class RouteInfo {
 public:
  virtual ~RouteInfo() = default;
  virtual std::string_view routeName() const = 0;
  virtual std::string_view virtualHostName() const = 0;
  virtual std::string_view clusterName() const = 0;  // empty for direct responses and redirects
  // The configuration of the filter with that index (FilterSlot), most specific first: weighted cluster, route,
  // virtual host, route table. Null when there is none; fn returns false to stop.
  virtual const class RouteFilterConfig* filterConfig(size_t slot) const = 0;
  // All of them, from the least specific (route table) to the most specific; returns how many were filled.
  virtual size_t filterConfigs(size_t slot, const RouteFilterConfig** out, size_t capacity) const = 0;
  // What the route says about the filter of that slot: true switches it off, false on; none: as the chain has it.
  virtual std::optional<bool> filterDisabled(size_t slot) const = 0;
  // How requests are described to rate limit filters: the route's own rules, else those of its virtual host. Null for
  // none.
  virtual const std::vector<RateLimitRule>* rateLimits() const { return nullptr; }
  // Those of the virtual host, whatever the route has. The same object where rateLimits() gives them too.
  virtual const std::vector<RateLimitRule>* virtualHostRateLimits() const { return nullptr; }
  // What the configuration notes about the route and about its virtual host. Null for nothing.
  virtual const base::Metadata* metadata() const { return nullptr; }
  virtual const base::Metadata* virtualHostMetadata() const { return nullptr; }
};

}  // namespace weir::filter
