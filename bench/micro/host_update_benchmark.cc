// What it costs when the list of 100,000 endpoints changes: the main thread compares and builds (at most 100 ms is the
// goal), and each worker takes the new set over in turns of its own (the longest at most 5 ms, as "longest_ms" says; in
// "longest_cpu_ms" is what it was without what else the machine did).
//   bazel run --config=release //bench/micro:host_update_benchmark
#include <benchmark/benchmark.h>

#include <time.h>

#include <algorithm>
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
  explicit World(uint32_t common, lb::PolicyKind policy = lb::PolicyKind::kRoundRobin)
      : lists{endpoints(0), endpoints(kEndpoints - common)} {
    cluster = world.makeCluster({}, [this, policy](ClusterConfig& config) {
      config.hosts = lists[0];
      config.lb.policy = policy;
    });
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
// So few since each is preceded by an update that is not timed.
BENCHMARK(BM_TakeEndpoints)->Iterations(20)->Unit(benchmark::kMillisecond);

double milliseconds(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

// A worker that has asked all the endpoints, as many of which leave as the argument says: the turns from the one in
// which the set comes to the one in which nothing is left to do.
void BM_TurnsWithUpdate(benchmark::State& state, lb::PolicyKind policy) {
  World world(kEndpoints - static_cast<uint32_t>(state.range(0)), policy);
  event::Dispatcher& dispatcher = world.world.worker().dispatcher;
  double longest = 0, longest_cpu = 0, turns = 0;
  for (auto _ : state) {
    state.PauseTiming();
    const HostSet& before = world.worker->hosts();
    for (uint32_t slot = 0; slot < before.hosts.size(); ++slot) world.worker->hold(slot);
    world.hosts->update(world.next());
    while (world.published == nullptr) world.main.turn(false);
    dispatcher.post([&] { world.worker->setHosts(std::exchange(world.published, nullptr)); });
    state.ResumeTiming();
    for (bool more = true; more; ++turns) {
      const double begun = milliseconds(CLOCK_MONOTONIC), begun_cpu = milliseconds(CLOCK_THREAD_CPUTIME_ID);
      more = dispatcher.turn(false) || dispatcher.hasWork();
      longest = std::max(longest, milliseconds(CLOCK_MONOTONIC) - begun);
      longest_cpu = std::max(longest_cpu, milliseconds(CLOCK_THREAD_CPUTIME_ID) - begun_cpu);
    }
    state.PauseTiming();
    world.world.simulation.runFor(absl::Seconds(1));
    state.ResumeTiming();
  }
  state.counters["longest_ms"] = longest;
  state.counters["longest_cpu_ms"] = longest_cpu;
  state.counters["turns"] = benchmark::Counter(turns, benchmark::Counter::kAvgIterations);
}
BENCHMARK_CAPTURE(BM_TurnsWithUpdate, round_robin, lb::PolicyKind::kRoundRobin)
    ->Arg(1)
    ->Arg(50000)
    ->Arg(100000)
    ->Unit(benchmark::kMillisecond)
    ->Iterations(5);
BENCHMARK_CAPTURE(BM_TurnsWithUpdate, peak_ewma, lb::PolicyKind::kPeakEwma)
    ->Arg(100000)
    ->Unit(benchmark::kMillisecond)
    ->Iterations(5);

}  // namespace
}  // namespace weir::upstream
