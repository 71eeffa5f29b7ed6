// FilterHarness: one filter in a chain of its own, and as many exchanges through it as a test wants.
#pragma once

#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "test/harness/filter/filter_exchange.h"

namespace weir::harness {

class FilterHarness {
 public:
  // `config` and addRoute()'s are text format of the messages of that type. The filter stands in slot 0.
  FilterHarness(const filter::HttpFilterType& type, std::string_view config, uint64_t seed = 1)
      : world(seed), type_(type), chain_(slots(type, config)) {}

  FilterWorld world;
  FakeRoute route;

  // One more level of route configuration, more specific than those before.
  void addRoute(std::string_view config) {
    route.configs[0].push_back(world.makeRouteConfig(type_, config, chain_.slot(0).factory.get()));
  }

  std::unique_ptr<FilterExchange> open() { return std::make_unique<FilterExchange>(world, chain_, &route); }
  // A GET that the upstream answers with 200; what the client got. `patience` passes before the upstream answers.
  std::unique_ptr<FilterExchange> get(Fields fields = {}, absl::Duration patience = absl::ZeroDuration()) {
    auto exchange = open();
    exchange->get("/path?query", fields);
    world.simulation.runUntilIdle(patience);
    if (exchange->terminal_open) exchange->answer(200);
    world.simulation.runUntilIdle(patience);
    return exchange;
  }

 private:
  std::vector<filter::HttpChainConfig::Slot> slots(const filter::HttpFilterType& type, std::string_view config) {
    std::vector<filter::HttpChainConfig::Slot> made;
    made.push_back({type.usual_name, world.makeFilter(type, config), false});
    return made;
  }

  filter::HttpFilterType type_;
  filter::HttpChainConfig chain_;
};

}  // namespace weir::harness
