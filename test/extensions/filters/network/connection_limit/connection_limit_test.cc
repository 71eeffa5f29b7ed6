#include "source/extensions/filters/network/connection_limit/connection_limit.h"

#include <google/protobuf/text_format.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "envoy/extensions/filters/network/connection_limit/v3/connection_limit.pb.h"
#include "gtest/gtest.h"
#include "test/harness/filter/network_harness.h"

namespace weir::extensions::connection_limit {
namespace {

class ConnectionLimitTest : public testing::Test {
 protected:
  void make(const std::string& text) {
    envoy::extensions::filters::network::connection_limit::v3::ConnectionLimit message;
    ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString("stat_prefix: 'edge' " + text, &message));
    base::Diagnostics diagnostics;
    const base::FieldPath path;
    factory_ = connectionLimitType().make(message, {world_.stats, diagnostics, path, "", world_.simulation.clock()});
    ASSERT_NE(factory_, nullptr);
  }
  std::unique_ptr<harness::NetworkHarness> open() {
    std::vector<std::unique_ptr<filter::NetworkFilter>> filters;
    filters.push_back(factory_->create(world_.worker));
    return std::make_unique<harness::NetworkHarness>(world_, std::move(filters));
  }

  harness::FilterWorld world_;
  std::unique_ptr<filter::NetworkFilterFactory> factory_;
};

TEST_F(ConnectionLimitTest, OneAboveTheLimitIsClosed) {
  make("max_connections { value: 2 }");
  const auto one = open();
  auto two = open();
  EXPECT_EQ(world_.stats.gaugeValue("connection_limit.edge.active_connections"), 2);
  const auto three = open();
  EXPECT_EQ(three->closed, 1);
  EXPECT_EQ(one->closed + two->closed, 0);
  EXPECT_EQ(world_.counter("connection_limit.edge.limited_connections"), 1u);
  two->connection().close(net::CloseReason::kLocalReset);
  two->run();
  EXPECT_EQ(world_.stats.gaugeValue("connection_limit.edge.active_connections"), 1);
  const auto four = open();
  four->clientSends("served");
  EXPECT_EQ(four->terminalGot(), "served");
}

TEST_F(ConnectionLimitTest, AConnectionThatIsDroppedGivesItsPlaceBack) {
  make("max_connections { value: 1 }");
  open();
  EXPECT_EQ(open()->closed, 0);
  EXPECT_EQ(world_.stats.gaugeValue("connection_limit.edge.active_connections"), 0);
}

TEST_F(ConnectionLimitTest, ARefusalMayTakeItsTime) {
  make("max_connections { value: 1 } delay { seconds: 3 }");
  const auto one = open();
  const auto two = open();
  two->clientSends("hello");
  EXPECT_EQ(two->terminalGot(), "");
  world_.simulation.runFor(absl::Seconds(2));
  EXPECT_EQ(two->closed, 0);
  world_.simulation.runFor(absl::Seconds(2));
  EXPECT_EQ(two->closed, 1);
  EXPECT_EQ(two->terminalGot(), "");
}

}  // namespace
}  // namespace weir::extensions::connection_limit
