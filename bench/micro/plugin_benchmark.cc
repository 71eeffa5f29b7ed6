// What filter plugins cost: one hook through the ABI (at most 50 ns), and a whole exchange with 0 and with 20 plugins
// that do nothing (at most 1 us more).
#include <benchmark/benchmark.h>

#include <memory>
#include <utility>
#include <vector>

#include "source/extensions/filters/http/plugin/plugin.h"
#include "test/harness/filter/filter_exchange.h"
#include "test/harness/filter/filter_world.h"

extern "C" const weir_plugin* weir_plugin_entry_noop(const weir_host_api* host);

namespace weir {
namespace {

using extensions::plugins::Catalogue;

extensions::plugins::Setup setup() {
  extensions::plugins::Setup setup;
  setup.built_in = {{"noop", weir_plugin_entry_noop}};
  return setup;
}

filter::HttpChainConfig chainOf(Catalogue& catalogue, harness::FilterWorld& world, int64_t filters) {
  std::vector<filter::HttpChainConfig::Slot> slots;
  for (int64_t i = 0; i < filters; ++i) {
    slots.push_back(
        {"noop", world.makeFilter(extensions::plugin_filter::pluginType(catalogue), "name: 'noop'"), false});
  }
  return filter::HttpChainConfig(std::move(slots));
}

void hook(benchmark::State& state) {
  Catalogue catalogue(setup());
  harness::FilterWorld world;
  const filter::HttpChainConfig chain = chainOf(catalogue, world, 1);
  harness::FakeRoute route;
  harness::FilterExchange exchange(world, chain, &route);
  exchange.get("/");
  exchange.settle();
  filter::HttpFilter* const filter = chain.slot(0).factory->create(exchange.arena, world.worker);
  class Host final : public filter::FilterHost {
   public:
    explicit Host(harness::FilterExchange& of) : exchange(of) {}
    void answer(filter::Direction, filter::Verdict) override {}
    const filter::StreamInfo& info() const override { return exchange.info; }
    filter::StreamInfo& mutableInfo() override { return exchange.info; }
    base::Arena& arena() override { return exchange.arena; }
    event::Dispatcher& dispatcher() override { return exchange.world.dispatcher; }
    filter::SideCaller& sideCaller() override { return exchange.world.side_calls; }
    const filter::RouteFilterConfig* routeConfig() const override { return nullptr; }
    size_t routeConfigs(const filter::RouteFilterConfig**, size_t) const override { return 0; }
    void rerouteRequest() override {}
    harness::FilterExchange& exchange;
  } host(exchange);
  filter->setHost(host);
  http::Head& head = exchange.request("GET", "/");
  for (auto _ : state) benchmark::DoNotOptimize(filter->onRequestHead(head));
}
BENCHMARK(hook);

void runExchanges(benchmark::State& state, bool timed) {
  Catalogue catalogue(setup());
  harness::FilterWorld world;
  filter::HttpChainConfig chain = chainOf(catalogue, world, state.range(0));
  if (timed) chain.time({.all = true, .names = {}}, world.stats, "bench");
  harness::FakeRoute route;
  for (auto _ : state) {
    harness::FilterExchange exchange(world, chain, &route);
    exchange.get("/");
    exchange.settle();
    exchange.answer(200);
    exchange.settle();
    benchmark::DoNotOptimize(exchange.complete());
    world.simulation.runFor(absl::Nanoseconds(1));  // nothing may go on for ever in one instant
  }
}

void exchange(benchmark::State& state) { runExchanges(state, false); }
BENCHMARK(exchange)->Arg(0)->Arg(20);

// With a watch on each filter.
void timed(benchmark::State& state) { runExchanges(state, true); }
BENCHMARK(timed)->Arg(20);

}  // namespace
}  // namespace weir
