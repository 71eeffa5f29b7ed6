// What it costs when the list of 100,000 endpoints changes: the main thread compares and builds (at most 100 ms is the
// goal), and each worker takes the new set over in a turn of its own (at most 5 ms).
//   bazel run --config=release //bench/micro:host_update_benchmark
#include <benchmark/benchmark.h>

#include <array>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "source/upstream/cluster_hosts.h"
#include "source/upstream/worker_cluster.h"
#include "test/upstream/upstream_world.h"

namespace weir::upstream {
namespace {

constexpr uint32_t kEndpoints = 100000;

std::vector<HostSpec> endpoints(uint32_t first) {
  std::vector<HostSpec> out;
  for (uint32_t n = first; n < first + kEndpoints; ++n) {
    HostSpec& spec = out.emplace_back();
    spec.address = *net::Address::parseIp(
        "10." + std::to_string(n >> 16) + "." + std::to_string(n >> 8 & 255) + "." + std::to_string(n & 255), 80);
    spec.text = spec.address.text();
    spec.weight = 1 + n % 3;
  }
  return out;
}

// A cluster with two lists that it changes between, of which `common` endpoints are in both.
struct World {
  explicit World(uint32_t common) : lists{endpoints(0), endpoints(kEndpoints - common)} {
    cluster = world.makeCluster({}, [this](ClusterConfig& config) { config.hosts = lists[0]; });
    worker = std::make_unique<WorkerCluster>(cluster, world.worker().context, world.memory);
    hosts = std::make_unique<ClusterHosts>(cluster, main,
                                           [this](const std::shared_ptr<const HostSet>& set) { published = set; });
  }
  ~World() { worker.reset(); }
  const std::vector<HostSpec>& next() { return lists[++turn % 2]; }

  std::array<std::vector<HostSpec>, 2> lists;
  size_t turn = 0;
  UpstreamWorld world;
  event::Dispatcher& main = world.simulation.addDispatcher();
  std::shared_ptr<const Cluster> cluster;
  std::unique_ptr<WorkerCluster> worker;
  std::unique_ptr<ClusterHosts> hosts;
  std::shared_ptr<const HostSet> published;
};

// The main thread: as many endpoints change as the argument says.
void BM_UpdateEndpoints(benchmark::State& state) {
  World world(kEndpoints - static_cast<uint32_t>(state.range(0)));
  for (auto _ : state) {
    world.hosts->update(world.next());
    while (world.published == nullptr) world.main.turn(false);
    state.PauseTiming();
    world.worker->setHosts(std::move(world.published));
    world.published = nullptr;
    world.world.simulation.runFor(absl::Seconds(1));  // what has left goes
    state.ResumeTiming();
  }
}
BENCHMARK(BM_UpdateEndpoints)->Arg(1)->Arg(10000)->Arg(100000)->Unit(benchmark::kMillisecond);

// A worker.
void BM_TakeEndpoints(benchmark::State& state) {
  World world(kEndpoints / 2);
  for (auto _ : state) {
    state.PauseTiming();
    world.hosts->update(world.next());
    world.world.simulation.runFor(absl::Seconds(1));
    state.ResumeTiming();
    world.worker->setHosts(world.published);
  }
}
BENCHMARK(BM_TakeEndpoints)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace weir::upstream
