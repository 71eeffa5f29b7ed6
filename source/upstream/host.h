// HostSpec: one line of a cluster's list of endpoints, as configuration or discovery gives it. Host: the endpoint
// itself, for as long as the cluster has it; what may change while it lives (weight, health, metadata) is not in it.
// Made by ClusterHosts on the main thread, shared by all threads through shared_ptr to const, and destroyed on the main
// thread. What moves in it are counters: each worker has a block of its own, and any thread may read the sums.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "source/net/address.h"
#include "source/upstream/lb/subset_index.h"

namespace weir::upstream {

struct TransportMatch;  // source/upstream/transport_match.h

// What discovery says about an endpoint.
enum class HostHealth : uint8_t { kHealthy, kUnhealthy, kDraining, kTimeout, kDegraded };

struct Locality {
  std::string region;
  std::string zone;
  std::string sub_zone;
  friend bool operator==(const Locality&, const Locality&) = default;
  friend auto operator<=>(const Locality&, const Locality&) = default;
};

// What endpoints of one locality and priority have in common.
struct HostGroup {
  uint32_t priority = 0;  // 0 is the highest
  Locality locality;
  uint32_t weight = 0;  // of the locality; 0: none was given
};

struct HostSpec {
  net::Address address;
  std::string hostname;  // may be empty
  uint32_t weight = 1;   // 1 to 2^32-1
  HostHealth health = HostHealth::kHealthy;
  std::string text;                              // address.text()
  std::shared_ptr<const HostGroup> group;        // null: priority 0 and no locality
  std::shared_ptr<const lb::Metadata> metadata;  // null: none
  // By which the transport of its connections is chosen; of the endpoint, and of its locality. Null: none.
  std::shared_ptr<const lb::Metadata> transport_notes;
  std::shared_ptr<const lb::Metadata> locality_transport_notes;
  net::Address health_address;  // where it is checked; Family::kNone: at `address`
  std::string health_hostname;  // empty: what the check says
  bool no_health_check = false;
};

// A count that one thread changes and any thread may read.
class HostCount {
 public:
  void add(int64_t n = 1) {
    value_.store(value_.load(std::memory_order_relaxed) + static_cast<uint64_t>(n), std::memory_order_relaxed);
  }
  uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

// What one worker did with one host; the names are those of /clusters.
struct HostCounters {
  HostCount cx_active;
  HostCount cx_connect_fail;
  HostCount cx_total;
  HostCount rq_active;
  HostCount rq_error;
  HostCount rq_success;
  HostCount rq_timeout;
  HostCount rq_total;
  HostCount latency_us;  // of all successes, added up

  HostCounters* next = nullptr;  // of another worker
};

// The same, summed over workers.
struct HostTotals {
  uint64_t cx_active = 0;
  uint64_t cx_connect_fail = 0;
  uint64_t cx_total = 0;
  uint64_t rq_active = 0;
  uint64_t rq_error = 0;
  uint64_t rq_success = 0;
  uint64_t rq_timeout = 0;
  uint64_t rq_total = 0;
  uint64_t latency_us = 0;
};

// How one attempt at a host ended.
struct RequestOutcome {
  enum class Kind : uint8_t {
    kSuccess,  // an answer below 500 (of gRPC: a status that is not the server's fault)
    kError,    // any other answer
    kTimeout,  // no answer in time
    kConnectFailure,
    kConnectTimeout,
    kReset,  // the stream or the connection broke off
  };
  Kind kind = Kind::kSuccess;
  uint16_t status = 0;  // of the answer; 0: there was none
  absl::Duration latency = absl::ZeroDuration();
};

// Watches the outcomes at one host, for outlier detection. Made and destroyed on the main thread; onOutcome() is called
// on any worker, several at once, and must not block.
class HostMonitor {
 public:
  virtual ~HostMonitor() = default;
  virtual void onOutcome(const RequestOutcome& outcome) = 0;
};

class Host {
 public:
  // `slot` is its place in the arrays of the cluster: no other host of it has the same while any thread knows this one.
  // `match` is the cluster's, and outlives it; null: the cluster's own transport.
  Host(const HostSpec& spec, uint32_t slot, const TransportMatch* match = nullptr);
  ~Host();
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  const net::Address address;
  const std::string hostname;
  const std::string text;
  const uint32_t slot;
  const TransportMatch* const transport_match;

  // A block of counters for the worker that calls. Lives as long as the host. Any thread.
  HostCounters& addCounters() const;
  // Any thread.
  HostTotals totals() const;

  // A permit of a limit of connections that all workers keep together; false when so many are out. Any thread.
  bool takeConnection(uint32_t limit) const;
  void giveConnection() const { limited_connections_.fetch_sub(1, std::memory_order_relaxed); }

  // Null where there is none.
  HostMonitor* monitor() const { return monitor_.get(); }
  // Before any worker knows the host.
  void setMonitor(std::unique_ptr<HostMonitor> monitor) const { monitor_ = std::move(monitor); }

 private:
  mutable std::atomic<HostCounters*> counters_{nullptr};
  mutable std::atomic<uint32_t> limited_connections_{0};
  mutable std::unique_ptr<HostMonitor> monitor_;
};

}  // namespace weir::upstream
