#include "source/extensions/filters/network/local_ratelimit/local_ratelimit.h"

#include <google/protobuf/text_format.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "envoy/extensions/filters/network/local_ratelimit/v3/local_ratelimit.pb.h"
#include "gtest/gtest.h"
#include "test/harness/filter/network_harness.h"

namespace weir::extensions::network_local_ratelimit {
namespace {

TEST(NetworkLocalRatelimitTest, AConnectionWithoutATokenIsClosed) {
  harness::FilterWorld world;
  envoy::extensions::filters::network::local_ratelimit::v3::LocalRateLimit message;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(
      "stat_prefix: 'edge' token_bucket { max_tokens: 2 fill_interval { seconds: 10 } }", &message));
  base::Diagnostics diagnostics;
  const base::FieldPath path;
  const auto factory =
      localRatelimitType().make(message, {world.stats, diagnostics, path, "", world.simulation.clock()});
  const auto refused = [&] {
    std::vector<std::unique_ptr<filter::NetworkFilter>> filters;
    filters.push_back(factory->create(world.worker));
    return harness::NetworkHarness(world, std::move(filters)).closed;
  };
  EXPECT_EQ(refused(), 0);
  EXPECT_EQ(refused(), 0);
  EXPECT_EQ(refused(), 1);
  EXPECT_EQ(world.counter("local_rate_limit.edge.rate_limited"), 1u);
  world.simulation.runFor(absl::Seconds(11));
  EXPECT_EQ(refused(), 0);
  EXPECT_EQ(refused(), 1);
}

}  // namespace
}  // namespace weir::extensions::network_local_ratelimit
