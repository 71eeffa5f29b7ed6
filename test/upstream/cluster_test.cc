#include "source/upstream/cluster.h"

#include <atomic>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace weir::upstream {
namespace {

TEST(SharedLimitTest, GivesAsManyPermitsAsTheLimitSays) {
  SharedLimit limit(2);
  EXPECT_EQ(limit.tryTake(), SharedLimit::Take::kTaken);
  EXPECT_EQ(limit.tryTake(), SharedLimit::Take::kTakenLast);
  EXPECT_EQ(limit.tryTake(), SharedLimit::Take::kRefused);
  EXPECT_EQ(limit.used(), 2u);
  EXPECT_TRUE(limit.give());
  EXPECT_FALSE(limit.give());
  EXPECT_EQ(limit.used(), 0u);
}

TEST(SharedLimitTest, ALimitOfZeroRefusesEverything) {
  SharedLimit limit(0);
  EXPECT_EQ(limit.tryTake(), SharedLimit::Take::kRefused);
}

TEST(SharedLimitDeathTest, GivingBackWhatWasNotTakenIsABug) {
  SharedLimit limit(1);
  EXPECT_DEATH(limit.give(), "permit");
}

// Opened and no longer open alternate exactly, whichever threads see them, so that a gauge summed over workers is
// right.
TEST(SharedLimitTest, IsNeverExceededByManyThreads) {
  constexpr uint32_t kLimit = 3;
  SharedLimit limit(kLimit);
  std::atomic<uint32_t> out{0};
  std::atomic<bool> exceeded{false};
  std::atomic<int> open{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 20'000; ++i) {
        const SharedLimit::Take taken = limit.tryTake();
        if (taken == SharedLimit::Take::kRefused) continue;
        if (taken == SharedLimit::Take::kTakenLast) ++open;
        if (++out > kLimit) exceeded = true;
        --out;
        if (limit.give()) --open;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_FALSE(exceeded);
  EXPECT_EQ(limit.used(), 0u);
  EXPECT_EQ(open, 0);
}

TEST(ClusterTest, CountsTheHostsThatMayBePicked) {
  stats::Registry registry;
  ClusterConfig config;
  config.name = "c";
  config.hosts.resize(3);
  config.hosts[1].health = HostHealth::kDraining;
  const Cluster cluster(config, registry);
  EXPECT_EQ(cluster.initialHosts()->healthy, 2u);
  EXPECT_EQ(cluster.initialHosts()->total, 3u);
}

TEST(ClusterTest, CountsUnderItsAlternativeName) {
  stats::Registry registry;
  ClusterConfig config;
  config.name = "c";
  config.stat_name = "other";
  const Cluster cluster(config, registry);
  EXPECT_TRUE(registry.counterValue("cluster.other.upstream_cx_total").has_value());
  EXPECT_FALSE(registry.counterValue("cluster.c.upstream_cx_total").has_value());
  EXPECT_TRUE(registry.counterValue("cluster.other.upstream_rq_2xx").has_value());
  EXPECT_TRUE(registry.gaugeValue("cluster.other.circuit_breakers.high.cx_open").has_value());
}

}  // namespace
}  // namespace weir::upstream
