#include "source/stats/registry.h"

#include <atomic>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace weir::stats {
namespace {

std::vector<std::string> textsOf(const std::vector<Sample>& samples) {
  std::vector<std::string> out;
  for (const Sample& sample : samples) out.emplace_back(sample.text);
  return out;
}

TEST(RegistryTest, GivesTheSameIdForTheSameName) {
  Registry registry;
  const CounterId a = registry.counter({"cluster", "a", "x"});
  const CounterId b = registry.counter({"cluster", "b", "x"});
  EXPECT_NE(a.index, b.index);
  EXPECT_EQ(registry.counter({"cluster", "a", "x"}).index, a.index);
}

// Whatever the order in which instances register, and with what in between, each metric has a cell of its own.
TEST(RegistryTest, InstancesShareTitlesAndNothingElse) {
  Registry registry;
  Shard& shard = registry.makeShard();
  const std::vector<std::string> metrics = {"x", "y", "z.w", "v_2xx"};
  const auto nameOf = [](const std::string& instance, const std::string& metric) {
    return Name{"cluster", instance, metric};
  };
  uint64_t value = 0;
  std::map<std::string, uint64_t> expected;
  const auto count = [&](const std::string& instance, size_t metric) {
    const Name name = nameOf(instance, metrics[metric]);
    if (metric == 1) {
      shard.gaugeAdd(registry.gauge(name), static_cast<int64_t>(++value));
    } else {
      shard.add(registry.counter(name), ++value);
    }
    expected[textName(name)] += value;
  };
  for (const size_t metric : {0, 1, 2, 3}) count("a", metric);
  for (const size_t metric : {3, 2, 1, 0}) count("b.c", metric);
  for (const size_t metric : {0, 1}) count("d:80", metric);
  for (const size_t metric : {0, 1, 2, 3}) count("e", metric);
  for (const size_t metric : {2, 3, 0}) count("d:80", metric);
  for (const size_t metric : {1, 3}) count("a", metric);
  std::vector<std::string> texts;
  for (const auto& [text, sum] : expected) {
    texts.push_back(text);
    const bool gauge = text.ends_with(".y");
    EXPECT_EQ(gauge ? static_cast<uint64_t>(registry.gaugeValue(text).value()) : registry.counterValue(text).value(),
              sum)
        << text;
  }
  EXPECT_EQ(textsOf(registry.read({})), texts);
  EXPECT_EQ(registry.counterValue("cluster.d_80.z.w"), expected["cluster.d_80.z.w"]);
  EXPECT_EQ(registry.counterValue("cluster.b.x"), std::nullopt);
  EXPECT_EQ(registry.counterValue("cluster..x"), std::nullopt);
  EXPECT_EQ(registry.counterValue("cluster.x"), std::nullopt);
}

TEST(RegistryTest, FindsInstancesThatStandFirst) {
  Registry registry;
  Shard& shard = registry.makeShard();
  shard.add(registry.counter({"http_local_rate_limit", "a.b", "ok"}), 3);
  shard.add(registry.counter({"server", "", "live.x"}), 4);
  EXPECT_EQ(registry.counterValue("a.b.http_local_rate_limit.ok"), 3u);
  EXPECT_EQ(registry.counterValue("server.live.x"), 4u);
}

TEST(RegistryTest, SumsCountersAndGaugesOverShards) {
  Registry registry;
  const CounterId requests = registry.counter({"http", "in", "rq"});
  const GaugeId active = registry.gauge({"http", "in", "active"});
  Shard& one = registry.makeShard();
  Shard& two = registry.makeShard();
  one.add(requests);
  two.add(requests, 41);
  one.gaugeAdd(active, 5);
  two.gaugeAdd(active, -7);
  EXPECT_EQ(registry.value(requests), 42u);
  EXPECT_EQ(registry.value(active), -2);
  EXPECT_EQ(registry.counterValue("http.in.rq"), 42u);
  EXPECT_EQ(registry.gaugeValue("http.in.active"), -2);
  EXPECT_EQ(registry.counterValue("http.in.active"), std::nullopt);
  EXPECT_EQ(registry.gaugeValue("nothing"), std::nullopt);
  one.gaugeSet(active, 100);
  EXPECT_EQ(registry.value(active), 93);
}

TEST(RegistryTest, KeepsLargeAndNegativeGauges) {
  Registry registry;
  const GaugeId bytes = registry.gauge({"server", "", "memory"});
  Shard& shard = registry.makeShard();
  const int64_t large = int64_t{1} << 61;
  shard.gaugeSet(bytes, large);
  EXPECT_EQ(registry.value(bytes), large);
  shard.gaugeAdd(bytes, -2 * large);
  EXPECT_EQ(registry.value(bytes), -large);
}

TEST(RegistryTest, LetsShardsWriteWhatIsRegisteredLater) {
  Registry registry;
  Shard& shard = registry.makeShard();
  std::vector<CounterId> ids;
  for (int i = 0; i < 1000; ++i) {
    ids.push_back(registry.counter({"cluster", "c" + std::to_string(i), "x"}));
    shard.add(ids.back(), static_cast<uint64_t>(i));
  }
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(registry.value(ids[static_cast<size_t>(i)]), static_cast<uint64_t>(i));
}

TEST(RegistryTest, ReadsWhatIsAskedForSorted) {
  Registry registry;
  Shard& shard = registry.makeShard();
  registry.counter({"b", "", "unused"});
  shard.add(registry.counter({"c", "", "used"}));
  const GaugeId back_to_zero = registry.gauge({"a", "", "gauge"});
  shard.gaugeAdd(back_to_zero, 1);
  shard.gaugeAdd(back_to_zero, -1);
  registry.gauge({"a", "", "idle"});
  registry.histogram({"d", "", "time_ms"});
  EXPECT_EQ(textsOf(registry.read({})),
            (std::vector<std::string>{"a.gauge", "a.idle", "b.unused", "c.used", "d.time_ms"}));
  EXPECT_EQ(textsOf(registry.read({.filter = {}, .used_only = true})), (std::vector<std::string>{"a.gauge", "c.used"}));
  const auto only_c = [](std::string_view text) { return text.starts_with("c."); };
  EXPECT_EQ(textsOf(registry.read({.filter = only_c})), (std::vector<std::string>{"c.used"}));
}

TEST(RegistryTest, ResetsCountersOnly) {
  Registry registry;
  const CounterId counter = registry.counter({"a", "", "counter"});
  const GaugeId gauge = registry.gauge({"a", "", "gauge"});
  const HistogramId histogram = registry.histogram({"a", "", "time_ms"});
  Shard& shard = registry.makeShard();
  shard.add(counter, 5);
  shard.gaugeAdd(gauge, 3);
  shard.record(histogram, 9);
  registry.resetCounters();
  EXPECT_EQ(registry.value(counter), 0u);
  EXPECT_EQ(registry.value(gauge), 3);
  EXPECT_EQ(registry.value(histogram).count, 1u);
  shard.add(counter, 2);
  EXPECT_EQ(registry.counterValue("a.counter"), 2u);
  const CounterId later = registry.counter({"a", "", "later"});
  shard.add(later, 4);
  EXPECT_EQ(registry.value(later), 4u);
  registry.resetCounters();
  EXPECT_EQ(registry.value(counter) + registry.value(later), 0u);
}

// Under ThreadSanitizer this also shows that reading and registering beside writers is no race.
TEST(RegistryTest, LosesNothingWhileReadingAndRegisteringBesideWorkers) {
  constexpr int kWorkers = 4;
  constexpr uint64_t kTimes = 20'000;
  Registry registry;
  const CounterId requests = registry.counter({"http", "in", "rq"});
  const GaugeId active = registry.gauge({"http", "in", "active"});
  const HistogramId time = registry.histogram({"http", "in", "time_ms"});
  std::atomic<int> running{kWorkers};
  std::vector<std::thread> workers;
  for (int w = 0; w < kWorkers; ++w) {
    Shard& shard = registry.makeShard();
    workers.emplace_back([&, w] {
      for (uint64_t i = 0; i < kTimes; ++i) {
        shard.add(requests);
        shard.gaugeAdd(active, w % 2 == 0 ? 1 : -1);
        shard.record(time, i % 100);
        if (i % 1000 == 0) shard.add(registry.counter({"w", std::to_string(w), "n" + std::to_string(i)}));
      }
      running.fetch_sub(1);
    });
  }
  uint64_t last = 0;
  do {
    const uint64_t now = registry.value(requests);
    EXPECT_GE(now, last);
    last = now;
    EXPECT_FALSE(registry.read({}).empty());
  } while (running.load() > 0);
  for (std::thread& worker : workers) worker.join();
  EXPECT_EQ(registry.value(requests), kWorkers * kTimes);
  EXPECT_EQ(registry.value(active), 0);
  const HistogramSummary summary = registry.value(time);
  EXPECT_EQ(summary.count, kWorkers * kTimes);
  EXPECT_EQ(summary.sum, kWorkers * kTimes / 100 * 4950);
  EXPECT_EQ(registry.counterValue("w.3.n19000"), 1u);
}

TEST(RegistryDeathTest, AnotherKindUnderAKnownNameIsABug) {
  Registry registry;
  registry.counter({"a", "", "x"});
  EXPECT_DEATH(registry.gauge({"a", "", "x"}), "keeps its kind");
  EXPECT_DEATH(registry.gauge({"a", "other", "x"}), "of one kind");
}

TEST(RegistryDeathTest, WritingAnIdThatNobodyGaveIsABug) {
  Registry registry;
  Shard& shard = registry.makeShard();
  EXPECT_DEATH(shard.add(CounterId{}), "registered before");
}

}  // namespace
}  // namespace weir::stats
