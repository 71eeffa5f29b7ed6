// DemandedHosts: makes the hosts of a cluster that gets them when they are asked for, keeps them up to date, and
// forgets those that nobody uses. Made on the main thread by whoever runs discovery; connects itself to the cluster's
// Demand; its end disconnects it. Never more hosts than the configuration allows: a key above that is refused, and
// counted.
//
//   a key            its host
//   asked            a name is being resolved; whoever asks waits
//   there            the cluster has it; refreshed as DNS says
//   failed           not resolved; asked for again after a while, those who ask meanwhile are refused at once
//   forgotten        after host_ttl without a request
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "source/base/random.h"
#include "source/event/dispatcher.h"
#include "source/event/timer.h"
#include "source/stats/stats.h"
#include "source/upstream/cluster_hosts.h"
#include "source/upstream/demand.h"
#include "source/upstream/dns/dns_hosts.h"
#include "source/upstream/dns/resolver.h"

namespace weir::upstream::discovery {

class DemandedHosts final : private HostSource, private event::TimerHandler {
 public:
  // All must outlive it; `resolver` is null for a cluster of addresses. `stat_name` is the cluster's.
  struct Seams {
    event::Dispatcher& dispatcher;
    base::Random& random;
    stats::Registry& stats;
    stats::Shard& shard;  // of the main thread
    dns::Resolver* resolver;
    ClusterHosts& hosts;
  };
  DemandedHosts(std::shared_ptr<Demand> demand, std::string_view stat_name, const Seams& seams);
  ~DemandedHosts();

  // Keys that are known, those without a host included.
  size_t size() const { return entries_.size(); }

 private:
  class Entry;

  void want(const std::string& key, std::function<void(http::Reason)> done) override;
  void onTimer(event::Timer& timer) override;
  Entry* add(const std::string& key);
  void publish();

  const std::shared_ptr<Demand> demand_;
  const Seams seams_;
  const dns::DnsStats stats_;
  const stats::CounterId host_added_, host_removed_, host_overflow_;
  const stats::GaugeId num_hosts_;
  event::Timer sweep_;
  absl::flat_hash_map<std::string, std::unique_ptr<Entry>> entries_;
};

}  // namespace weir::upstream::discovery
