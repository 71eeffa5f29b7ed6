#include "source/server/log/log_ring.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"

namespace weir::server {
namespace {

std::vector<std::string> drain(LogRing& ring) {
  std::vector<std::string> lines;
  const uint64_t mark = ring.peek([&](uint32_t sink, std::string_view first, std::string_view second) {
    lines.push_back(absl::StrCat(sink, ":", std::string(first), std::string(second)));
  });
  ring.release(mark);
  return lines;
}

TEST(LogRing, GivesLinesInOrder) {
  // On the heap: the frames that AddressSanitizer makes up do not keep the alignment of a cache line.
  const auto owned = std::make_unique<LogRing>(256);
  LogRing& ring = *owned;
  EXPECT_TRUE(ring.empty());
  EXPECT_TRUE(ring.push(1, "one"));
  EXPECT_TRUE(ring.push(2, ""));
  EXPECT_TRUE(ring.push(1, "three"));
  EXPECT_FALSE(ring.empty());
  EXPECT_EQ(drain(ring), (std::vector<std::string>{"1:one", "2:", "1:three"}));
  EXPECT_TRUE(ring.empty());
  EXPECT_EQ(ring.queued(), 0u);
}

TEST(LogRing, RefusesWhatDoesNotFit) {
  // On the heap: the frames that AddressSanitizer makes up do not keep the alignment of a cache line.
  const auto owned = std::make_unique<LogRing>(64);
  LogRing& ring = *owned;
  EXPECT_TRUE(ring.push(0, std::string(56, 'a')));
  EXPECT_FALSE(ring.push(0, ""));
  EXPECT_EQ(ring.queued(), 64u);
  drain(ring);
  EXPECT_FALSE(ring.push(0, std::string(57, 'a')));
  EXPECT_TRUE(ring.push(0, std::string(56, 'b')));
}

TEST(LogRing, LinesMayWrapAroundTheEndAtEveryPlace) {
  // On the heap: the frames that AddressSanitizer makes up do not keep the alignment of a cache line.
  const auto owned = std::make_unique<LogRing>(128);
  LogRing& ring = *owned;
  for (size_t size = 0; size <= 100; ++size) {
    const std::string line(size, static_cast<char>('a' + size % 26));
    ASSERT_TRUE(ring.push(7, line));
    ASSERT_EQ(drain(ring), std::vector<std::string>{absl::StrCat("7:", line)});
  }
}

TEST(LogRing, CarriesLinesFromOneThreadToAnother) {
  constexpr int kLines = 20'000;
  // On the heap: the frames that AddressSanitizer makes up do not keep the alignment of a cache line.
  const auto owned = std::make_unique<LogRing>(1024);
  LogRing& ring = *owned;
  std::thread producer([&ring] {
    for (int i = 0; i < kLines; ++i) {
      const std::string line = absl::StrCat("line ", i);
      while (!ring.push(0, line)) std::this_thread::yield();
    }
  });
  int seen = 0;
  while (seen < kLines) {
    for (const std::string& line : drain(ring)) ASSERT_EQ(line, absl::StrCat("0:line ", seen++));
  }
  producer.join();
}

}  // namespace
}  // namespace weir::server
