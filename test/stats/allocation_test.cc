// Counts calls of the global operator new: counting must make none in steady state.
#include <cstdlib>
#include <new>
#include <string>

#include "gtest/gtest.h"
#include "source/stats/registry.h"

namespace {
size_t allocations = 0;
}  // namespace

void* operator new(size_t bytes) {
  ++allocations;
  void* const memory = malloc(bytes);
  if (memory == nullptr) abort();
  return memory;
}
void* operator new(size_t bytes, std::align_val_t alignment) {
  ++allocations;
  void* memory = nullptr;
  if (posix_memalign(&memory, static_cast<size_t>(alignment), bytes) != 0) abort();
  return memory;
}
void operator delete(void* memory) noexcept { free(memory); }
void operator delete(void* memory, size_t) noexcept { free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { free(memory); }
void operator delete(void* memory, size_t, std::align_val_t) noexcept { free(memory); }

namespace weir::stats {
namespace {

TEST(AllocationTest, CountingAllocatesNothingAfterTheFirstValueOfAHistogram) {
  Registry registry;
  Shard& shard = registry.makeShard();
  CounterId last;
  for (int i = 0; i < 500; ++i) last = registry.counter({"c", std::to_string(i), "x"});
  const GaugeId gauge = registry.gauge({"a", "", "gauge"});
  const HistogramId histogram = registry.histogram({"a", "", "time_ms"});
  const size_t before = allocations;
  EXPECT_GT(before, 0u);
  shard.record(histogram, 1);
  EXPECT_EQ(allocations, before + 1);
  for (uint64_t i = 0; i < 1000; ++i) {
    shard.add(last);
    shard.gaugeAdd(gauge, 1);
    shard.record(histogram, i * i);
  }
  EXPECT_EQ(allocations, before + 1);
}

}  // namespace
}  // namespace weir::stats
