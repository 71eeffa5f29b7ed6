// Cluster: a name and the policy for reaching the endpoints behind it; an immutable snapshot made at load and shared by
// workers through a shared_ptr, with the hosts that it begins with (ClusterHosts changes them). What workers must agree
// on exactly, the circuit breakers, stands in atomics beside it, and so do idle connections that they leave to each
// other; everything else that moves is per worker (WorkerCluster).
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "source/http/h1/options.h"
#include "source/http/h2/options.h"
#include "source/http/keepalive.h"
#include "source/net/socket.h"
#include "source/net/transport.h"
#include "source/stats/stats.h"
#include "source/upstream/cluster_stats.h"
#include "source/upstream/host_set.h"
#include "source/upstream/idle_shelf.h"
#include "source/upstream/transport_match.h"

namespace weir::base {
class Metadata;
}

namespace weir::upstream {
class Demand;
}

namespace weir::upstream::discovery {
struct DnsDiscovery;
struct FileDiscovery;
}  // namespace weir::upstream::discovery

namespace weir::upstream {

enum class Priority : uint8_t { kDefault, kHigh };
// Which HTTP is spoken to the hosts: one of the two, or that of the request, over connections of its own for each, or
// what each connection agrees on in its handshake (ALPN).
enum class Protocol : uint8_t { kHttp1, kHttp2, kDownstream, kNegotiated };

// How many retries may be under way: this part of the requests that are, and so many at least.
struct RetryBudget {
  double percent = 20;
  uint32_t min_concurrency = 3;
};

// The shipped defaults are those of the xDS API.
struct Thresholds {
  uint32_t max_connections = 1024;
  uint32_t max_pending_requests = 1024;
  uint32_t max_requests = 1024;
  uint32_t max_retries = 3;
  bool track_remaining = false;
  std::optional<RetryBudget> retry_budget;       // in place of max_retries
  std::optional<uint32_t> max_connection_pools;  // of all workers; none: no limit
  std::optional<uint32_t> host_max_connections;  // to each host, of all workers
};

struct ClusterConfig {
  std::string name;
  std::string stat_name;        // alt_stat_name or name
  std::vector<HostSpec> hosts;  // to begin with; the Cluster keeps them as entries and has none here
  lb::Options lb;
  absl::Duration connect_timeout = absl::Seconds(5);
  absl::Duration pending_timeout = absl::InfiniteDuration();  // of a request that waits for a connection
  // Connections are opened ahead of requests: to a host, and to those that are picked next, so many for each that is
  // under way. 1 and above; 1: none.
  double preconnect_ratio = 1;
  double predictive_preconnect_ratio = 1;
  size_t buffer_limit = 1024 * 1024;             // per connection and direction
  std::array<Thresholds, 2> thresholds;          // by Priority
  uint64_t max_requests_per_connection = 0;      // 0: no limit
  absl::Duration idle_timeout = absl::Hours(1);  // zero or infinite: none
  absl::Duration max_connection_duration = absl::InfiniteDuration();
  absl::Duration max_stream_duration = absl::InfiniteDuration();
  std::optional<net::KeepAlive> keep_alive;
  std::shared_ptr<const net::TransportFactory> transport;  // null: plain bytes
  // Of hosts that have something noted about them; `transport` is that of the others, counted where there are matches.
  std::vector<TransportMatch> transport_matches;
  std::optional<stats::CounterId> transport_unmatched;
  const net::TransportFactory* transportOf(const Host& host) const {
    return host.transport_match == nullptr ? transport.get() : host.transport_match->transport.get();
  }
  // Some transport tells the host who the client is: requests are asked for with the addresses of theirs.
  bool tells_client = false;
  std::shared_ptr<const net::Address> source;  // where connections come from; null: the kernel chooses
  // Connections ask for the host of the request that they are opened for, and carry requests for that host only.
  bool server_name_of_request = false;
  Protocol protocol = Protocol::kHttp1;
  http::h1::H1Options h1;
  http::h2::H2Options h2;
  std::optional<http::KeepaliveOptions> h2_keepalive;
  // Where further hosts come from at run time; null: not from there.
  std::shared_ptr<const discovery::DnsDiscovery> dns;
  std::shared_ptr<const discovery::FileDiscovery> endpoints_file;
  // A host that discovery lists no more stays as long as its active checks pass.
  bool keep_hosts_that_pass = false;
  // What the configuration notes about it, for logs; null: nothing.
  std::shared_ptr<const base::Metadata> notes;
  bool track_timeout_budgets = false;  // see BudgetStats
  bool track_sizes = false;            // see SizeStats
  bool shows_endpoints = false;        // what is counted of each is among the counters, see admin
  // The cluster stands for these, in this order, which all exist and stand for themselves; null: it is none such.
  std::shared_ptr<const std::vector<std::string>> members;
  // The cluster has the hosts that requests and connections ask for; null: it has others.
  std::shared_ptr<Demand> demand;
};

// A connection to one of the cluster's hosts, or to where a host is checked. As Network::connect().
absl::StatusOr<std::unique_ptr<net::Socket>> connectFor(net::Network& network, const ClusterConfig& config,
                                                        const net::Address& address);

// A count that all workers share and that never exceeds its limit: at most `limit` permits are out at any time.
class SharedLimit {
 public:
  enum class Take : uint8_t {
    kRefused,
    kTaken,
    kTakenLast,  // the limit is used up now
  };

  explicit SharedLimit(uint32_t limit) : limit_(limit) {}
  Take tryTake() { return tryTake(limit_); }
  // With a limit of the moment; never kTakenLast for one that is not its own.
  Take tryTake(uint32_t limit);
  // Returns one permit. True when the limit was used up before. Taking more back than was given out is a bug.
  bool give();
  uint32_t used() const { return used_.load(std::memory_order_relaxed); }
  uint32_t limit() const { return limit_; }

 private:
  std::atomic<uint32_t> used_{0};
  const uint32_t limit_;
};

struct CircuitBreaker {
  explicit CircuitBreaker(const Thresholds& t)
      : connections(t.max_connections),
        pending(t.max_pending_requests),
        requests(t.max_requests),
        retries(t.retry_budget.has_value() ? UINT32_MAX : t.max_retries),
        pools(t.max_connection_pools.value_or(UINT32_MAX)) {}
  SharedLimit connections;
  SharedLimit pending;
  SharedLimit requests;
  SharedLimit retries;
  SharedLimit pools;  // used only where it is limited
};

// The snapshot: made once on the main thread, then const.
class Cluster {
 public:
  // Registers the cluster's counters in `registry`.
  Cluster(ClusterConfig config, stats::Registry& registry);
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;

  const ClusterConfig& config() const { return config_; }
  const ClusterStats& stats() const { return stats_; }
  // Null unless the cluster's traffic is to stay in its locality.
  const ZoneStats* zoneStats() const { return zone_stats_.has_value() ? &*zone_stats_ : nullptr; }
  // Null unless the cluster keeps them.
  const BudgetStats* budgetStats() const { return budget_stats_.has_value() ? &*budget_stats_ : nullptr; }
  const SizeStats* sizeStats() const { return size_stats_.has_value() ? &*size_stats_ : nullptr; }
  // The counts that workers share: the one thing here that moves. Safe from any thread.
  CircuitBreaker& breaker(Priority priority) const { return breakers_[static_cast<size_t>(priority)]; }
  // A host says, in an answer, that it must not be used any more: its active checks are told. Any thread.
  using FailAtOnce = std::function<void(const std::shared_ptr<const Host>&)>;
  void failAtOnce(const std::shared_ptr<const Host>& host) const {
    for (const FailAtOnce& fail : fail_at_once_) fail(host);
  }
  // Whether somebody wants to know.
  bool checked() const { return !fail_at_once_.empty(); }
  // Before workers run. Is called on any thread, as long as the cluster lives.
  void onFailAtOnce(FailAtOnce fail) const { fail_at_once_.push_back(std::move(fail)); }
  // Idle connections that any worker may go on with. Safe from any thread.
  IdleShelf& shelf() const { return shelf_; }
  // What workers begin with. Main thread; null once other hosts were published.
  const std::shared_ptr<const HostSet>& initialHosts() const { return initial_hosts_; }
  void forgetInitialHosts() const { initial_hosts_.reset(); }
  // The same with what holds for each. Main thread; none once they were taken.
  const std::vector<HostEntry>& initialEntries() const { return initial_entries_; }
  std::vector<HostEntry> takeInitialEntries() const { return std::exchange(initial_entries_, {}); }

 private:
  mutable std::vector<HostEntry> initial_entries_;
  const ClusterConfig config_;
  const ClusterStats stats_;
  std::optional<ZoneStats> zone_stats_;
  std::optional<BudgetStats> budget_stats_;
  std::optional<SizeStats> size_stats_;
  mutable std::array<CircuitBreaker, 2> breakers_;
  mutable IdleShelf shelf_;
  mutable std::shared_ptr<const HostSet> initial_hosts_;
  mutable std::vector<FailAtOnce> fail_at_once_;
};

}  // namespace weir::upstream
