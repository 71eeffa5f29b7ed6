// Demand: hosts that a cluster gets when somebody asks for them: by the name that a request is for (dynamic forward
// proxy), or by the address that a connection was meant for (original destination). DemandConfig is compiled from the
// configuration, then const.
//
// Demand is the way from the workers to the main thread, where the hosts are made: a worker asks for a key, and is told
// when the cluster has, or will not have, a host of that key. One per cluster; made at load, owned by the
// ClusterConfig; connect() once on the main thread before the workers run, disconnect() after they have ended.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "source/event/dispatcher.h"
#include "source/http/reason.h"
#include "source/net/address.h"
#include "source/upstream/dns/ares_options.h"
#include "source/upstream/dns/dns_hosts.h"

namespace weir::upstream {

struct DemandConfig {
  enum class Kind : uint8_t {
    kNames,      // "example.org:443": resolved
    kAddresses,  // "10.0.0.1:80": as it is
  };

  Kind kind = Kind::kNames;
  dns::DnsHostsOptions options = {};                      // without name and port
  std::shared_ptr<const dns::AresOptions> resolver = {};  // null: that of the whole process
  size_t max_hosts = 1024;                                // what is above is refused
  uint32_t max_pending = 1024;                            // requests that wait for a host, of all workers
  absl::Duration host_ttl = absl::Minutes(5);             // a host that nobody asked for is forgotten
  absl::Duration patience = absl::Seconds(5);             // of a request with a host that does not come; zero: no limit
  std::vector<std::string> preresolved = {};              // keys that are there from the start
  uint16_t default_port = 80;                             // of a name without one
  // Of addresses: where a request says its own, or the connection's is taken. Empty: the connection's.
  std::string header = {};
  uint16_t port_override = 0;  // 0: the address's own

  // Of addresses: the key of one, with the port that counts, written into `out`. Empty for one that nobody can connect
  // to, and where hosts are asked for by name.
  using KeyText = std::array<char, 64>;
  std::string_view keyOf(const net::Address& address, KeyText& out) const;
};

// Makes hosts; on the main thread.
class HostSource {
 public:
  // Calls `done` once, later or at once: with kNone when the cluster has a host of that key, else with why it will not.
  virtual void want(const std::string& key, std::function<void(http::Reason)> done) = 0;

 protected:
  ~HostSource() = default;
};

class Demand final {
 public:
  explicit Demand(DemandConfig config) : config_(std::move(config)) {}

  const DemandConfig& config() const { return config_; }

  void connect(event::Dispatcher& main, HostSource& source) {
    main_ = &main;
    source_ = &source;
  }
  // On the main thread; what is asked from then on is not answered.
  void disconnect() { source_ = nullptr; }

  // From a worker, whose dispatcher runs `done` later, and outlives the source.
  void ask(std::string key, event::Dispatcher& worker, std::function<void(http::Reason)> done) const;

  // A place among those that wait; false: there is none left. Safe from any thread.
  bool enter() const;
  void leave() const { waiting_.fetch_sub(1, std::memory_order_relaxed); }

 private:
  const DemandConfig config_;
  event::Dispatcher* main_ = nullptr;
  HostSource* source_ = nullptr;  // of the main thread
  mutable std::atomic<uint32_t> waiting_{0};
};

}  // namespace weir::upstream
