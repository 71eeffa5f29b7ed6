// FilterWorld: a worker on a simulated clock, with pools, counters and a network that leads nowhere: all that filters
// need around them. FakeRoute: a route that says about filters what the test wants. A test makes one world first and
// destroys it last.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "source/base/random.h"
#include "source/filter/http_filter_factory.h"
#include "source/filter/rate_limit_rules.h"
#include "source/net/worker_context.h"
#include "source/stats/stats.h"
#include "test/harness/filter/fake_side_caller.h"
#include "test/harness/sim/sim_network.h"
#include "test/harness/sim/sim_wire.h"
#include "test/harness/sim/simulation.h"

namespace google::protobuf {
class Message;
}

namespace weir::harness {

class FilterWorld {
 public:
  explicit FilterWorld(uint64_t seed = 1);

  Simulation simulation;
  event::Dispatcher& dispatcher;
  SimWire wire;
  SimNetwork network;
  buffer::BlockPool blocks;
  base::ChunkPool chunks;
  base::Random random;
  stats::Registry stats;
  stats::Shard& shard;
  net::WorkerContext worker;
  FakeSideCaller side_calls;

  // The filter, or its configuration for a route, from the text format of its message. What is wrong with the
  // configuration fails the test, and null comes back.
  std::unique_ptr<filter::HttpFilterFactory> makeFilter(const filter::HttpFilterType& type, std::string_view text);
  // `filter`: that the route configuration is for, where its type asks for it.
  std::unique_ptr<filter::RouteFilterConfig> makeRouteConfig(const filter::HttpFilterType& type, std::string_view text,
                                                             const filter::HttpFilterFactory* filter = nullptr);
  // The errors of a configuration that must be refused, as "path: message" lines.
  std::string errorsOf(const filter::HttpFilterType& type, std::string_view text);
  uint64_t counter(std::string_view text) const { return stats.counterValue(text).value_or(0); }
};

class FakeRoute final : public filter::RouteInfo {
 public:
  std::string name = "route";
  std::string virtual_host = "vhost";
  std::string cluster = "cluster";
  // By slot; from the least specific to the most specific.
  std::map<size_t, std::vector<std::unique_ptr<filter::RouteFilterConfig>>> configs;
  std::map<size_t, bool> disabled;
  filter::RateLimitRules rate_limits;
  filter::RateLimitRules virtual_host_rate_limits;
  const base::Metadata* notes = nullptr;

  std::string_view routeName() const override { return name; }
  std::string_view virtualHostName() const override { return virtual_host; }
  std::string_view clusterName() const override { return cluster; }
  const base::Metadata* metadata() const override { return notes; }
  const filter::RouteFilterConfig* filterConfig(size_t slot) const override;
  size_t filterConfigs(size_t slot, const filter::RouteFilterConfig** out, size_t capacity) const override;
  std::optional<bool> filterDisabled(size_t slot) const override;
  const filter::RateLimitRules* rateLimits() const override {
    return rate_limits.empty() ? virtualHostRateLimits() : &rate_limits;
  }
  const filter::RateLimitRules* virtualHostRateLimits() const override {
    return virtual_host_rate_limits.empty() ? nullptr : &virtual_host_rate_limits;
  }
};

}  // namespace weir::harness
