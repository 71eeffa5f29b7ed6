// A request through plugins allocates what it would without them, in steady state: nothing is allocated for a stream.
#include <cstdlib>
#include <new>

#include "gtest/gtest.h"
#include "test/extensions/plugins/plugin_world.h"

namespace {
size_t allocations = 0;
}

void* operator new(size_t bytes) {
  ++allocations;
  if (void* const memory = std::malloc(bytes)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }

namespace weir::extensions::plugins {
namespace {

size_t allocationsOfOne(harness::FilterWorld& world, const filter::HttpChainConfig& chain) {
  harness::FakeRoute route;
  size_t made = 0;
  for (int round = 0; round < 5; ++round) {
    const size_t before = allocations;
    harness::FilterExchange exchange(world, chain, &route);
    exchange.get("/");
    exchange.settle();
    exchange.answer(200);
    exchange.settle();
    EXPECT_TRUE(exchange.complete());
    made = allocations - before;
  }
  return made;
}

TEST(PluginAllocationTest, AStreamAllocatesNothing) {
  Catalogue catalogue(testSetup());
  harness::FilterWorld world;
  std::vector<filter::HttpChainConfig::Slot> slots;
  for (int i = 0; i < 20; ++i) {
    slots.push_back({"probe", world.makeFilter(plugin_filter::pluginType(catalogue), "name: 'probe'"), false});
  }
  const filter::HttpChainConfig none({});
  const filter::HttpChainConfig twenty(std::move(slots));
  const size_t without = allocationsOfOne(world, none);
  EXPECT_GT(without, 0u);
  EXPECT_EQ(allocationsOfOne(world, twenty), without);
}

}  // namespace
}  // namespace weir::extensions::plugins
