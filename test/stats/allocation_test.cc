// Counts calls of the global operator new: counting must make none in steady state.
#include <string>

#include "gtest/gtest.h"
#include "source/stats/registry.h"
#include "test/harness/allocations/allocations.h"

namespace weir::stats {
namespace {

TEST(AllocationTest, CountingAllocatesNothingAfterTheFirstValueOfAHistogram) {
  Registry registry;
  Shard& shard = registry.makeShard();
  CounterId last;
  for (int i = 0; i < 500; ++i) last = registry.counter({"c", std::to_string(i), "x"});
  const GaugeId gauge = registry.gauge({"a", "", "gauge"});
  const HistogramId histogram = registry.histogram({"a", "", "time_ms"});
  const size_t before = harness::allocations();
  EXPECT_GT(before, 0u);
  shard.record(histogram, 1);
  EXPECT_EQ(harness::allocations(), before + 1);
  for (uint64_t i = 0; i < 1000; ++i) {
    shard.add(last);
    shard.gaugeAdd(gauge, 1);
    shard.record(histogram, i * i);
  }
  EXPECT_EQ(harness::allocations(), before + 1);
}

}  // namespace
}  // namespace weir::stats
