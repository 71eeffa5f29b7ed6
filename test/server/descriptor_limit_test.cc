#include "source/server/descriptor_limit.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

namespace weir::server {
namespace {

TEST(DescriptorLimit, HalfOfWhatIsLeftIsForClients) {
  EXPECT_EQ(connectionLimit(1024, 2), (1024u - 64 - 32) / 2);
  EXPECT_EQ(connectionLimit(20'000, 1), (20'000u - 80) / 2);
}

TEST(DescriptorLimit, IsNeverZeroAndNeverOverflows) {
  EXPECT_EQ(connectionLimit(0, 1), 1u);
  EXPECT_EQ(connectionLimit(64, 8), 1u);
  EXPECT_EQ(connectionLimit(UINT64_MAX, 1), UINT32_MAX);
}

TEST(DescriptorLimit, RaisesTheSoftLimitToTheHardOne) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit low = before;
  low.rlim_cur = 256;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &low), 0);
  EXPECT_EQ(raiseDescriptorLimit(), before.rlim_max);
  rlimit after{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &after), 0);
  EXPECT_EQ(after.rlim_cur, before.rlim_max);
}

TEST(DescriptorLimit, ThereIsAtLeastOneCpu) { EXPECT_GE(usableCpus(), 1u); }

}  // namespace
}  // namespace weir::server
