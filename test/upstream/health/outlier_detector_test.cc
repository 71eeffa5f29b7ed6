#include "source/upstream/health/outlier_detector.h"

#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "source/upstream/host_directory.h"
#include "test/upstream/upstream_world.h"

namespace weir::upstream::health {
namespace {

using Kind = RequestOutcome::Kind;

// A cluster whose hosts are told of outcomes by the test, as workers would.
class OutlierDetectorTest : public testing::Test {
 protected:
  void start(uint32_t hosts, const OutlierConfig& config) {
    config_ = config;
    std::vector<net::Address> addresses;
    for (uint32_t i = 0; i < hosts; ++i) {
      addresses.push_back(*net::Address::parseIp("10.0.0." + std::to_string(i + 1), 80));
    }
    snapshot_ = {world_.makeCluster(addresses, [](ClusterConfig& cluster) { cluster.stat_name = "c"; })};
    directory_ = std::make_unique<HostDirectory>(
        snapshot_, worker_.dispatcher, [this](size_t, const std::shared_ptr<const HostSet>&) { ++published_; });
    hosts_ = directory_->find("c");
    detector_ = std::make_unique<OutlierDetector>(OutlierDetector::Context{
        config_, *hosts_, worker_.dispatcher, worker_.random, world_.registry, worker_.context.stats, events_});
  }
  const Host& host(size_t i) const { return *hosts_->entries().at(i).host; }
  bool out(size_t i) const { return hosts_->entries().at(i).flags.has(HealthFlag::kFailedOutlierCheck); }
  std::string outs() const {
    std::string text;
    for (size_t i = 0; i < hosts_->entries().size(); ++i) text += out(i) ? 'x' : '.';
    return text;
  }
  void tell(size_t i, Kind kind, uint16_t status, int times = 1) {
    for (int n = 0; n < times; ++n) host(i).monitor()->onOutcome({kind, status, absl::Milliseconds(1)});
    world_.simulation.runFor(absl::Milliseconds(1));
  }
  void ok(size_t i, int times = 1) { tell(i, Kind::kSuccess, 200, times); }
  void error(size_t i, uint16_t status = 500, int times = 1) { tell(i, Kind::kError, status, times); }
  void pass(absl::Duration time) { world_.simulation.runFor(time); }
  uint64_t counter(const std::string& name) const { return world_.counter("outlier_detection." + name); }
  int64_t active() const { return world_.gauge("outlier_detection.ejections_active"); }

  UpstreamWorld world_;
  TestWorker& worker_ = world_.worker();
  OutlierConfig config_;
  std::vector<std::string> lines_;
  HealthEvents events_{[this] { return world_.simulation.clock().wall(); },
                       {[this](std::string_view line) { lines_.emplace_back(line); }}};
  std::vector<std::shared_ptr<const Cluster>> snapshot_;
  std::unique_ptr<HostDirectory> directory_;
  ClusterHosts* hosts_ = nullptr;
  std::unique_ptr<OutlierDetector> detector_;
  int published_ = 0;
};

// A line of the log without its first field.
std::string afterTime(const std::string& line) { return line.substr(line.find(',') + 1); }

OutlierConfig allMayGo() {
  OutlierConfig config;
  config.max_ejection_percent = 100;
  return config;
}

TEST_F(OutlierDetectorTest, FiveErrorsInARowEject) {
  start(2, allMayGo());
  error(0, 500, 4);
  ok(0);
  error(0, 500, 4);
  EXPECT_EQ(outs(), "..") << "a success in between";
  error(0, 500);
  EXPECT_EQ(outs(), "x.");
  EXPECT_EQ(counter("ejections_detected_consecutive_5xx"), 1u);
  EXPECT_EQ(counter("ejections_enforced_consecutive_5xx"), 1u);
  EXPECT_EQ(counter("ejections_enforced_total"), 1u);
  EXPECT_EQ(active(), 1);
  EXPECT_GE(published_, 1);
  ASSERT_EQ(lines_.size(), 1u);
  EXPECT_EQ(afterTime(lines_[0]),
            R"("type":"CONSECUTIVE_5XX","cluster_name":"c","upstream_url":"10.0.0.1:80","action":"EJECT",)"
            R"("num_ejections":1,"enforced":true,"eject_consecutive_event":{}})"
            "\n");
}

TEST_F(OutlierDetectorTest, WithoutTheSplitConnectFailuresAreErrorsToo) {
  start(2, allMayGo());
  tell(0, Kind::kConnectFailure, 0, 3);
  tell(0, Kind::kTimeout, 0);
  tell(0, Kind::kReset, 0);
  EXPECT_EQ(outs(), "x.");
}

TEST_F(OutlierDetectorTest, GatewayFailuresAreCountedAlone) {
  OutlierConfig config = allMayGo();
  config.errors.threshold = 0;
  config.gateway = {3, 100};
  start(3, config);
  error(0, 500, 10);
  EXPECT_EQ(outs(), "...");
  error(0, 503, 2);
  error(0, 500);
  error(0, 502, 2);
  EXPECT_EQ(outs(), "...") << "another error in between";
  error(0, 504);
  EXPECT_EQ(outs(), "x..");
  EXPECT_EQ(counter("ejections_enforced_consecutive_gateway_failure"), 1u);
}

TEST_F(OutlierDetectorTest, WhatIsNotEnforcedIsCounted) {
  OutlierConfig config = allMayGo();
  config.errors.enforcing = 0;
  start(2, config);
  error(0, 500, 5);
  EXPECT_EQ(outs(), "..");
  EXPECT_EQ(counter("ejections_detected_consecutive_5xx"), 1u);
  EXPECT_EQ(counter("ejections_enforced_consecutive_5xx"), 0u);
  ASSERT_EQ(lines_.size(), 1u);
  EXPECT_NE(lines_[0].find("\"num_ejections\":0,\"enforced\":false"), std::string::npos) << lines_[0];
}

TEST_F(OutlierDetectorTest, WithTheSplitLocalFailuresAreAnotherRow) {
  OutlierConfig config = allMayGo();
  config.split_local_origin = true;
  config.local_origin = {3, 100};
  start(2, config);
  error(0, 500, 4);
  tell(0, Kind::kConnectFailure, 0, 2);
  EXPECT_EQ(outs(), "..");
  error(0, 500);
  EXPECT_EQ(outs(), "x.") << "the failures to connect are not between the five errors";
  tell(1, Kind::kConnectTimeout, 0, 2);
  error(1);
  tell(1, Kind::kConnectFailure, 0, 2);
  EXPECT_EQ(outs(), "x.") << "an answer ends the row";
  tell(1, Kind::kReset, 0);
  EXPECT_EQ(outs(), "xx");
  EXPECT_EQ(counter("ejections_enforced_consecutive_local_origin_failure"), 1u);
}

TEST_F(OutlierDetectorTest, NoMoreThanThePercentageAreOut) {
  OutlierConfig config;
  config.max_ejection_percent = 50;
  start(4, config);
  for (size_t i = 0; i < 4; ++i) error(i, 500, 5);
  EXPECT_EQ(outs(), "xx..");
  EXPECT_EQ(counter("ejections_overflow"), 2u);
  EXPECT_EQ(active(), 2);
}

TEST_F(OutlierDetectorTest, EjectionsGrowAndShrinkAgain) {
  OutlierConfig config = allMayGo();
  config.interval = absl::Seconds(10);
  config.base_ejection_time = absl::Seconds(25);
  start(2, config);
  error(0, 500, 5);
  pass(absl::Seconds(29));
  EXPECT_TRUE(out(0)) << "until the first look after 25 s";
  pass(absl::Seconds(2));
  EXPECT_FALSE(out(0));
  EXPECT_EQ(active(), 0);
  error(0, 500, 5);
  pass(absl::Seconds(48));
  EXPECT_TRUE(out(0)) << "the second time 50 s";
  pass(absl::Seconds(12));
  EXPECT_FALSE(out(0));
  pass(absl::Seconds(20));  // two looks without an ejection
  error(0, 500, 5);
  pass(absl::Seconds(31));
  EXPECT_FALSE(out(0)) << "25 s again";
  EXPECT_EQ(afterTime(lines_.back()),
            R"("type":"CONSECUTIVE_5XX","cluster_name":"c","upstream_url":"10.0.0.1:80","action":"UNEJECT",)"
            R"("num_ejections":1,"secs_since_last_action":)"
            "28}\n");
}

TEST_F(OutlierDetectorTest, HostsThatFailTogetherComeBackOneByOne) {
  constexpr size_t kHosts = 20;
  OutlierConfig config = allMayGo();
  config.interval = absl::Seconds(1);
  config.base_ejection_time = config.max_ejection_time_jitter = absl::Seconds(30);
  start(kHosts, config);
  for (size_t i = 0; i < kHosts; ++i) error(i, 500, 5);
  pass(absl::Seconds(29));
  EXPECT_EQ(active(), int64_t{kHosts}) << "nobody before its time";
  pass(absl::Seconds(16));
  EXPECT_GT(active(), 3);
  EXPECT_LT(active(), 17);
  pass(absl::Seconds(17));
  EXPECT_EQ(active(), 0);
}

TEST_F(OutlierDetectorTest, ErrorsOfAHostThatIsOutDoNotCountWhenItIsBack) {
  start(2, allMayGo());
  error(0, 500, 5);
  error(0, 500, 4);
  pass(absl::Seconds(41));
  ASSERT_FALSE(out(0));
  error(0, 500, 4);
  EXPECT_FALSE(out(0));
  error(0, 500);
  EXPECT_TRUE(out(0));
}

TEST_F(OutlierDetectorTest, ALowSuccessRateEjects) {
  OutlierConfig config = allMayGo();
  config.errors.threshold = 0;
  start(5, config);
  for (size_t i = 0; i < 5; ++i) {
    ok(i, i == 2 ? 50 : 100);
    if (i == 2) error(i, 500, 50);
  }
  pass(absl::Seconds(10));
  EXPECT_EQ(outs(), "..x..") << "50 is below 90 - 1.9 * 20";
  EXPECT_EQ(counter("ejections_enforced_success_rate"), 1u);
  ASSERT_EQ(lines_.size(), 1u);
  EXPECT_NE(lines_[0].find("\"eject_success_rate_event\":{\"host_success_rate\":50,\"cluster_average_success_rate\":90,"
                           "\"cluster_success_rate_ejection_threshold\":52}"),
            std::string::npos)
      << lines_[0];
}

TEST_F(OutlierDetectorTest, SuccessRatesNeedEnoughRequestsInOneInterval) {
  OutlierConfig config = allMayGo();
  config.errors.threshold = 0;
  start(5, config);
  for (int round = 0; round < 2; ++round) {
    for (size_t i = 0; i < 5; ++i) i == 2 ? error(i, 500, 60) : ok(i, 60);
    pass(absl::Seconds(10));
  }
  EXPECT_EQ(outs(), ".....") << "60 and 60 are two intervals";
}

TEST_F(OutlierDetectorTest, AHighFailurePercentageEjects) {
  OutlierConfig config = allMayGo();
  config.errors.threshold = 0;
  config.enforcing_success_rate = 0;
  config.enforcing_failure_percentage = 100;
  start(5, config);
  for (size_t i = 0; i < 5; ++i) ok(i, i == 1 ? 8 : i == 3 ? 7 : 50);
  error(1, 500, 42);
  error(3, 500, 43);
  pass(absl::Seconds(10));
  EXPECT_EQ(outs(), "...x.") << "84 percent is not enough, 86 is";
  EXPECT_EQ(counter("ejections_enforced_failure_percentage"), 1u);
  ASSERT_EQ(lines_.size(), 1u);
  EXPECT_NE(lines_[0].find("\"eject_failure_percentage_event\":{\"host_success_rate\":14}"), std::string::npos)
      << lines_[0];
}

TEST_F(OutlierDetectorTest, ACheckThatPassesEndsAnEjection) {
  start(2, allMayGo());
  error(0, 500, 5);
  ASSERT_TRUE(out(0));
  detector_->onCheckPassed(host(0));
  EXPECT_FALSE(out(0));
  config_.check_unejects = false;
  error(1, 500, 5);
  detector_->onCheckPassed(host(1));
  EXPECT_TRUE(out(1));
}

TEST_F(OutlierDetectorTest, AHostThatLeavesIsForgotten) {
  start(2, allMayGo());
  error(0, 500, 5);
  HostSpec stays;
  stays.address = host(1).address;
  stays.text = host(1).text;
  host(0).monitor()->onOutcome({Kind::kError, 500, absl::ZeroDuration()});
  hosts_->update({stays});
  pass(absl::Seconds(1));
  EXPECT_EQ(active(), 0);
  EXPECT_EQ(outs(), ".");
  pass(absl::Seconds(60));
  EXPECT_EQ(active(), 0);
}

TEST_F(OutlierDetectorTest, MonitorsOutliveTheDetector) {
  start(1, allMayGo());
  detector_.reset();
  error(0, 500, 10);
  EXPECT_EQ(outs(), ".");
}

}  // namespace
}  // namespace weir::upstream::health
