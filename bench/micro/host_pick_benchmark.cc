// What one pick costs, by policy, with 1,000 hosts of mixed weights and health checks done: the goal is at most 30 ns.
//   bazel run --config=release //bench/micro:host_pick_benchmark
#include <benchmark/benchmark.h>

#include <memory>
#include <string>
#include <vector>

#include "source/base/random.h"
#include "source/net/address.h"
#include "source/upstream/host_set.h"
#include "source/upstream/lb/balancer.h"
#include "source/upstream/lb/bounded_load.h"
#include "source/upstream/lb/maglev.h"
#include "source/upstream/lb/peak_ewma.h"
#include "source/upstream/lb/pick_first.h"
#include "source/upstream/lb/ring_hash.h"
#include "source/upstream/lb/subset_index.h"
#include "source/upstream/lb/weighted_split.h"

namespace weir::upstream {
namespace {

constexpr uint32_t kHosts = 1000;

std::vector<lb::KeyedCandidate> keyedHosts() {
  std::vector<lb::KeyedCandidate> out;
  for (uint32_t i = 0; i < kHosts; ++i) {
    out.push_back({{i, 1 + i % 3}, "10.0." + std::to_string(i / 256) + "." + std::to_string(i % 256) + ":8080"});
  }
  return out;
}

std::vector<lb::Candidate> hosts() {
  std::vector<lb::Candidate> out;
  for (const lb::KeyedCandidate& host : keyedHosts()) out.push_back(host.candidate);
  return out;
}

std::unique_ptr<lb::Policy> makeMaglev() {
  return std::make_unique<lb::Maglev>(std::make_shared<const lb::MaglevTable>(keyedHosts(), 65537));
}

void pickByHash(benchmark::State& state, const lb::Policy& policy, const lb::HostLoads* loads = nullptr) {
  base::Random random(1);
  uint64_t hash = 1;
  for (auto _ : state) {
    hash = lb::mixHash(hash + 1);
    benchmark::DoNotOptimize(policy.pick({.random = random, .hash = hash, .loads = loads}));
  }
}

void BM_ConfiguredPolicy(benchmark::State& state, lb::PolicyKind policy) {
  std::vector<lb::BalancerHost> list;
  for (const lb::Candidate& candidate : hosts()) list.push_back({.slot = candidate.host, .weight = candidate.weight});
  lb::Options options;
  options.policy = policy;
  const lb::Balancer balancer(list, options);
  lb::HostLoads loads(kHosts);
  std::vector<uint64_t> cursors(balancer.cursors());
  base::Random random(1);
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        balancer.pick({.random = random, .loads = &loads, .cursors = cursors.data()}, lb::PickWish{}));
  }
}
BENCHMARK_CAPTURE(BM_ConfiguredPolicy, round_robin, lb::PolicyKind::kRoundRobin);
BENCHMARK_CAPTURE(BM_ConfiguredPolicy, least_request, lb::PolicyKind::kLeastRequest);
BENCHMARK_CAPTURE(BM_ConfiguredPolicy, random, lb::PolicyKind::kRandom);

void BM_RingHash(benchmark::State& state) {
  lb::RingHash policy(std::make_shared<const lb::HashRing>(
      keyedHosts(), lb::HashRing::Size{.min = static_cast<uint64_t>(state.range(0))}));
  pickByHash(state, policy);
}
BENCHMARK(BM_RingHash)->Arg(1024)->Arg(65536);

void BM_Maglev(benchmark::State& state) { pickByHash(state, *makeMaglev()); }
BENCHMARK(BM_Maglev);

// Every host as full as it may be on average.
void BM_BoundedLoad(benchmark::State& state) {
  lb::HostLoads loads(kHosts);
  for (int round = 0; round < 10; ++round) {
    for (const lb::Candidate& host : hosts()) {
      for (uint32_t i = 0; i < host.weight; ++i) loads.begin(host.host);
    }
  }
  lb::BoundedLoad policy(makeMaglev(), hosts(), 125);
  pickByHash(state, policy, &loads);
}
BENCHMARK(BM_BoundedLoad);

void BM_PickFirst(benchmark::State& state) {
  lb::PickFirst policy(hosts());
  pickByHash(state, policy);
}
BENCHMARK(BM_PickFirst);

void BM_PeakEwma(benchmark::State& state) {
  lb::HostLoads loads(kHosts);
  base::MonotonicTime now{1'000'000'000};
  lb::LatencyEstimates estimates(kHosts, now, {});
  lb::PeakEwma policy(hosts());
  base::Random random(1);
  for (auto _ : state) {
    now.nanoseconds += 10000;
    benchmark::DoNotOptimize(policy.pick({.random = random, .now = now, .loads = &loads, .latencies = &estimates}));
  }
}
BENCHMARK(BM_PeakEwma);

// Three levels of four localities with 250 hosts in all of one level's, each with its table.
void BM_PrioritiesLocalitiesMaglev(benchmark::State& state) {
  const std::vector<lb::KeyedCandidate> all = keyedHosts();
  std::vector<lb::WeightedSplit::Part> levels;
  size_t next = 0;
  for (const double load : {36.0, 36.0, 28.0}) {
    std::vector<lb::WeightedSplit::Part> localities;
    for (int i = 0; i < 4; ++i, next += 83) {
      const std::vector<lb::KeyedCandidate> some(all.begin() + next, all.begin() + next + 83);
      localities.push_back({1.0, std::make_unique<lb::Maglev>(std::make_shared<const lb::MaglevTable>(some, 65537))});
    }
    levels.push_back({load, std::make_unique<lb::WeightedSplit>(std::move(localities), 1)});
  }
  lb::WeightedSplit policy(std::move(levels), 0);
  pickByHash(state, policy);
}
BENCHMARK(BM_PrioritiesLocalitiesMaglev);

void BM_FindSubset(benchmark::State& state) {
  std::vector<lb::Metadata> metadata;
  for (uint32_t i = 0; i < kHosts; ++i) {
    metadata.push_back({{"stage", i % 2 == 0 ? "prod" : "canary"}, {"v", std::to_string(i % 50)}});
  }
  const lb::SubsetIndex index(metadata, {.selectors = {{.keys = {"stage", "v"}}}});
  const lb::SubsetIndex::Wish wish(lb::Metadata{{"stage", "prod"}, {"v", "8"}});
  for (auto _ : state) benchmark::DoNotOptimize(&index.find(wish));
}
BENCHMARK(BM_FindSubset);

// What the main thread does when 100,000 endpoints change: a set with its tables. Workers swap a pointer.
void BM_PublishHosts(benchmark::State& state) {
  std::vector<HostSpec> specs;
  for (int64_t i = 0; i < state.range(0); ++i) {
    HostSpec& spec = specs.emplace_back();
    const uint32_t n = static_cast<uint32_t>(i);
    spec.address = *net::Address::parseIp(
        "10." + std::to_string(n >> 16) + "." + std::to_string(n >> 8 & 255) + "." + std::to_string(n & 255), 80);
    spec.text = spec.address.text();
    spec.weight = 1 + n % 3;
  }
  const std::vector<HostEntry> entries = makeEntries(specs, kLongAgo);
  for (auto _ : state) {
    const HostSet set(entries, entries.size(), {}, {});
    benchmark::DoNotOptimize(set.healthy);
  }
}
BENCHMARK(BM_PublishHosts)->Arg(100000)->Unit(benchmark::kMillisecond);

void BM_BuildMaglev(benchmark::State& state) {
  const std::vector<lb::KeyedCandidate> all = keyedHosts();
  for (auto _ : state) benchmark::DoNotOptimize(lb::MaglevTable(all, 65537).entries().data());
}
BENCHMARK(BM_BuildMaglev);

void BM_BuildRing(benchmark::State& state) {
  const std::vector<lb::KeyedCandidate> all = keyedHosts();
  for (auto _ : state) benchmark::DoNotOptimize(lb::HashRing(all, {}).points());
}
BENCHMARK(BM_BuildRing);

}  // namespace
}  // namespace weir::upstream
