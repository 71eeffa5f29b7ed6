#include "source/extensions/rate_limits/token_bucket.h"

#include <atomic>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace weir::extensions {
namespace {

using base::MonotonicTime;

constexpr MonotonicTime kStart{5'000'000'000};

int takeAll(TokenBucket& bucket, MonotonicTime at) {
  int taken = 0;
  while (bucket.take(at).ok) ++taken;
  return taken;
}

TEST(TokenBucketTest, ABurstOnARestedBucketGetsExactlyTheMaximum) {
  TokenBucket bucket(10, 10, absl::Seconds(1), kStart);
  EXPECT_EQ(takeAll(bucket, kStart), 10);
  // Rested for a time that is no multiple of the interval: the fills count from the first token taken.
  const MonotonicTime later = kStart + absl::Milliseconds(123'456);
  EXPECT_EQ(takeAll(bucket, later), 10);
  EXPECT_EQ(takeAll(bucket, later + absl::Milliseconds(999)), 0);
  EXPECT_EQ(takeAll(bucket, later + absl::Milliseconds(1000)), 10);
}

TEST(TokenBucketTest, FillsAddUpToTheMaximum) {
  TokenBucket bucket(5, 2, absl::Milliseconds(100), kStart);
  EXPECT_EQ(takeAll(bucket, kStart), 5);
  EXPECT_EQ(takeAll(bucket, kStart + absl::Milliseconds(99)), 0);
  EXPECT_EQ(takeAll(bucket, kStart + absl::Milliseconds(100)), 2);
  EXPECT_EQ(takeAll(bucket, kStart + absl::Milliseconds(350)), 4);
  EXPECT_EQ(takeAll(bucket, kStart + absl::Milliseconds(400)), 2);
  EXPECT_EQ(takeAll(bucket, kStart + absl::Hours(1)), 5);
}

TEST(TokenBucketTest, SaysWhatIsLeftAndWhenMoreComes) {
  TokenBucket bucket(2, 1, absl::Seconds(10), kStart);
  EXPECT_EQ(bucket.take(kStart).left, 1u);
  EXPECT_EQ(bucket.take(kStart + absl::Seconds(4)).next_fill, absl::Seconds(6));
  const TokenBucket::Taken refused = bucket.take(kStart + absl::Seconds(5));
  EXPECT_FALSE(refused.ok);
  EXPECT_EQ(refused.next_fill, absl::Seconds(5));
}

TEST(TokenBucketTest, AWorkerWhoseTurnBeganEarlierDoesNoHarm) {
  TokenBucket bucket(3, 3, absl::Seconds(1), kStart);
  EXPECT_TRUE(bucket.take(kStart + absl::Seconds(5)).ok);
  EXPECT_EQ(takeAll(bucket, kStart + absl::Seconds(4)), 2);
  EXPECT_EQ(takeAll(bucket, kStart), 0);
  EXPECT_EQ(takeAll(bucket, kStart + absl::Seconds(6)), 3);
}

TEST(TokenBucketTest, LargeBucketsAndLongIntervalsStayExactEnough) {
  const uint32_t max = UINT32_MAX;
  TokenBucket bucket(max, 1, absl::Hours(24), kStart);
  EXPECT_EQ(bucket.take(kStart).left, max - 1);
  EXPECT_EQ(bucket.take(kStart + absl::Hours(23)).left, max - 2);
  EXPECT_EQ(bucket.take(kStart + absl::Hours(25)).left, max - 2);
  TokenBucket once(1, 1, absl::Hours(24 * 365 * 50), kStart);
  EXPECT_TRUE(once.take(kStart).ok);
  EXPECT_FALSE(once.take(kStart + absl::Hours(24 * 365 * 5)).ok);
}

TEST(TokenBucketTest, ThreadsNeverShareAToken) {
  constexpr int kThreads = 4;
  constexpr int kTakes = 20'000;
  TokenBucket bucket(1000, 100, absl::Milliseconds(1), kStart);
  std::atomic<int> taken{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < kTakes; ++i) {
        // Time goes from 0 to 9.99 ms: nine fills.
        if (bucket.take(kStart + absl::Microseconds(i / 2)).ok) taken.fetch_add(1);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const int left = takeAll(bucket, kStart + absl::Microseconds(kTakes / 2 - 1));
  EXPECT_EQ(taken.load() + left, 1000 + 9 * 100);
  EXPECT_EQ(takeAll(bucket, kStart + absl::Milliseconds(10)), 100);
}

}  // namespace
}  // namespace weir::extensions
