#include "source/upstream/health/health_checker.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "source/upstream/health/health_checks.h"
#include "source/upstream/host_directory.h"
#include "test/upstream/h2_origin.h"
#include "test/upstream/upstream_world.h"

namespace weir::upstream::health {
namespace {

// The checks of one cluster on a main thread of its own, over the simulated network.
class HealthCheckerTest : public testing::Test {
 protected:
  HealthCheckerTest() {
    origin_.on_accept = [this](OriginPeer& peer) { peer.on_input = [this](OriginPeer& from) { onInput(from); }; };
    check_.timeout = absl::Seconds(1);
    check_.interval = check_.no_traffic_interval = absl::Seconds(10);
    check_.kind = HttpCheck{.host = "", .path = "/healthz", .headers = {}, .retriable = {}, .receive = {}};
  }
  HttpCheck& http() { return std::get<HttpCheck>(check_.kind); }

  // Each request is answered with `answer_`, unless it is empty.
  void onInput(OriginPeer& peer) {
    for (size_t at; (at = peer.received.find("\r\n\r\n")) != std::string::npos;) {
      requests_.push_back(peer.received.substr(0, at + 4));
      peer.received.erase(0, at + 4);
      if (!answer_.empty()) peer.write(answer_);
      if (close_) peer.connection().closeAfterFlush(absl::ZeroDuration());
    }
    if (peer.ended && !peer.closed) peer.connection().closeAfterFlush(absl::ZeroDuration());
  }
  static std::string answerOf(int status, std::string_view body = "") {
    return "HTTP/1.1 " + std::to_string(status) + " X\r\ncontent-length: " + std::to_string(body.size()) + "\r\n\r\n" +
           std::string(body);
  }

  void start(std::vector<net::Address> addresses = {}, const std::function<void(ClusterConfig&)>& change = {}) {
    if (addresses.empty()) addresses = {origin_.address()};
    snapshot_ = {world_.makeCluster(addresses, change)};
    configs_[0].checks = {std::make_shared<const CheckConfig>(check_)};
    directory_ = std::make_unique<HostDirectory>(snapshot_, worker_.dispatcher,
                                                 [](size_t, const std::shared_ptr<const HostSet>&) {});
    hosts_ = directory_->find("c");
    const auto open = [this](const std::string& path) -> HealthEvents::Write {
      log_path_ = path;
      return [this](std::string_view line) { lines_.emplace_back(line); };
    };
    checks_ = std::make_unique<HealthChecks>(*directory_, configs_,
                                             HealthChecks::Seams{worker_.context, world_.registry, open, ""});
    pass(absl::Milliseconds(10));
  }
  void pass(absl::Duration time) { world_.simulation.runFor(time); }
  bool has(HealthFlag flag, size_t host = 0) const { return hosts_->entries().at(host).flags.has(flag); }
  bool healthy(size_t host = 0) const { return hosts_->entries().at(host).flags.bits() == 0; }
  uint64_t counter(const std::string& name) const { return world_.counter("health_check." + name); }

  UpstreamWorld world_;
  TestWorker& worker_ = world_.worker();
  Origin origin_{world_.origin_worker, "10.0.0.1"};
  CheckConfig check_;
  std::string answer_ = answerOf(200, "fine");
  bool close_ = false;
  std::vector<std::string> requests_;
  std::vector<std::string> lines_;
  std::string log_path_;
  std::vector<ClusterHealth> configs_{1};
  std::vector<std::shared_ptr<const Cluster>> snapshot_;
  std::unique_ptr<HostDirectory> directory_;
  ClusterHosts* hosts_ = nullptr;
  std::unique_ptr<HealthChecks> checks_;
};

TEST_F(HealthCheckerTest, AHostIsUnhealthyUntilItsFirstCheckHasPassed) {
  answer_.clear();
  http().headers = {{"x-check", "yes"}};
  start();
  EXPECT_TRUE(has(HealthFlag::kFailedActiveCheck));
  EXPECT_TRUE(has(HealthFlag::kPendingActiveCheck));
  EXPECT_FALSE(checks_->warm());
  ASSERT_EQ(requests_.size(), 1u);
  EXPECT_NE(requests_[0].find("GET /healthz HTTP/1.1\r\n"), std::string::npos) << requests_[0];
  EXPECT_NE(requests_[0].find("host: c\r\n"), std::string::npos) << requests_[0];
  EXPECT_NE(requests_[0].find("x-check: yes\r\n"), std::string::npos) << requests_[0];
  origin_.peers.back()->write(answerOf(200));
  pass(absl::Milliseconds(10));
  EXPECT_TRUE(healthy());
  EXPECT_TRUE(checks_->warm());
  EXPECT_EQ(world_.gauge("health_check.healthy"), 1);
}

TEST_F(HealthCheckerTest, AHostMaySayThatItMustNotBeUsed) {
  check_.unhealthy_threshold = 3;
  check_.healthy_threshold = 2;
  check_.no_traffic_interval = check_.interval;
  start();
  ASSERT_TRUE(healthy());
  ASSERT_TRUE(snapshot_[0]->checked());
  snapshot_[0]->failAtOnce(hosts_->entries()[0].host);
  pass(absl::Milliseconds(10));
  EXPECT_TRUE(has(HealthFlag::kFailedActiveCheck)) << "the first time, whatever the threshold";
  EXPECT_TRUE(has(HealthFlag::kExcludedByCheck));
  EXPECT_EQ(counter("passive_failure"), 1u);
  EXPECT_EQ(world_.gauge("health_check.healthy"), 0);
  pass(check_.interval);
  EXPECT_TRUE(has(HealthFlag::kFailedActiveCheck)) << "one check that passes is not enough";
  pass(check_.interval);
  EXPECT_TRUE(healthy());
}

TEST_F(HealthCheckerTest, WhatAHostSaysToNobodyIsNotHeard) {
  start();
  const std::shared_ptr<const Host> host = hosts_->entries()[0].host;
  checks_.reset();
  snapshot_[0]->failAtOnce(host);
  pass(absl::Milliseconds(10));
  EXPECT_EQ(counter("passive_failure"), 0u);
}

TEST_F(HealthCheckerTest, ChecksGoOnOverOneConnection) {
  start();
  pass(absl::Seconds(50));
  EXPECT_EQ(requests_.size(), 6u);
  EXPECT_EQ(origin_.peers.size(), 1u);
  EXPECT_EQ(counter("attempt"), 6u);
  EXPECT_EQ(counter("success"), 6u);
}

TEST_F(HealthCheckerTest, WithoutReuseEachCheckHasItsConnection) {
  check_.reuse_connection = false;
  start();
  pass(absl::Seconds(50));
  EXPECT_EQ(requests_.size(), 6u);
  EXPECT_EQ(origin_.peers.size(), 6u);
  EXPECT_EQ(origin_.open(), 0u);
  EXPECT_EQ(counter("success"), 6u);
}

TEST_F(HealthCheckerTest, AHostThatClosesAfterEachAnswerIsHealthy) {
  close_ = true;
  start();
  pass(absl::Seconds(50));
  EXPECT_EQ(counter("success"), 6u);
  EXPECT_EQ(counter("failure"), 0u);
}

TEST_F(HealthCheckerTest, AnOldConnectionThatBreaksIsNoFailureOfTheHost) {
  start();
  answer_.clear();
  close_ = true;  // the next request finds its connection closed
  pass(absl::Seconds(10));
  ASSERT_EQ(requests_.size(), 3u) << "asked again over a new connection";
  EXPECT_EQ(counter("network_failure"), 1u) << "which ends without an answer too";
  EXPECT_EQ(counter("attempt"), 2u);
}

TEST_F(HealthCheckerTest, AnUnexpectedStatusFailsAtOnceAndARetriableOneByTheThreshold) {
  check_.unhealthy_threshold = 3;
  http().retriable = {{503, 504}};
  start();
  answer_ = answerOf(503);
  pass(absl::Seconds(20));
  EXPECT_TRUE(healthy()) << "two of three";
  pass(absl::Seconds(10));
  EXPECT_TRUE(has(HealthFlag::kFailedActiveCheck));
  answer_ = answerOf(200);
  pass(absl::Seconds(10));
  EXPECT_TRUE(healthy());
  answer_ = answerOf(500);
  pass(absl::Seconds(10));
  EXPECT_TRUE(has(HealthFlag::kFailedActiveCheck));
  EXPECT_EQ(world_.gauge("health_check.healthy"), 0);
  EXPECT_EQ(counter("failure"), 4u);
}

TEST_F(HealthCheckerTest, ExpectedStatusesAndTheBodyDecide) {
  http().expected = {{200, 201}, {300, 400}};
  http().receive = {"all", "well"};
  answer_ = answerOf(302, "all is well");
  start();
  EXPECT_TRUE(healthy());
  answer_ = answerOf(200, "well, that is all");
  pass(absl::Seconds(10));
  EXPECT_TRUE(has(HealthFlag::kFailedActiveCheck)) << "in this order";
}

TEST_F(HealthCheckerTest, NoAnswerIsATimeout) {
  start();
  answer_.clear();
  pass(absl::Milliseconds(10'900));
  EXPECT_TRUE(healthy());
  pass(absl::Milliseconds(200));
  EXPECT_TRUE(has(HealthFlag::kFailedActiveCheck));
  EXPECT_TRUE(has(HealthFlag::kActiveCheckTimeout));
  EXPECT_EQ(counter("timeout"), 1u);
  answer_ = answerOf(200);
  pass(absl::Seconds(10));
  EXPECT_TRUE(healthy());
  EXPECT_EQ(origin_.peers.size(), 2u) << "the connection that stalled is not used again";
}

TEST_F(HealthCheckerTest, AHostThatRefusesIsUnhealthy) {
  world_.wire.link(origin_.address()).refuse = true;
  start();
  EXPECT_TRUE(has(HealthFlag::kFailedActiveCheck));
  EXPECT_TRUE(checks_->warm());
  EXPECT_EQ(counter("network_failure"), 1u);
  world_.wire.link(origin_.address()).refuse = false;
  pass(absl::Seconds(10));
  EXPECT_TRUE(healthy());
}

TEST_F(HealthCheckerTest, ADegradedHostSaysSo) {
  answer_ = "HTTP/1.1 200 OK\r\nx-envoy-degraded: \r\ncontent-length: 0\r\n\r\n";
  start();
  EXPECT_TRUE(has(HealthFlag::kDegradedActiveCheck));
  EXPECT_FALSE(has(HealthFlag::kFailedActiveCheck));
}

TEST_F(HealthCheckerTest, EndpointsMayBeCheckedElsewhereUnderAnotherNameOrNotAtAll) {
  const net::Address nobody = *net::Address::parseIp("10.0.0.7", 81);
  const net::Address unchecked = *net::Address::parseIp("10.0.0.8", 81);
  start({nobody, unchecked}, [&](ClusterConfig& config) {
    config.hosts[0].health_address = origin_.address();
    config.hosts[0].health_hostname = "check.test";
    config.hosts[1].no_health_check = true;
  });
  EXPECT_TRUE(healthy(0));
  EXPECT_TRUE(healthy(1));
  ASSERT_EQ(requests_.size(), 1u);
  EXPECT_NE(requests_[0].find("host: check.test\r\n"), std::string::npos) << requests_[0];
}

TEST_F(HealthCheckerTest, HostsThatComeAreCheckedAndThoseThatGoAreNot) {
  start();
  Origin second(world_.origin_worker, "10.0.0.2");
  second.answerAll();
  HostSpec spec;
  spec.address = second.address();
  spec.text = spec.address.text();
  hosts_->update({spec});
  pass(absl::Seconds(1));
  EXPECT_TRUE(healthy());
  EXPECT_EQ(second.peers.size(), 1u);
  EXPECT_EQ(origin_.open(), 0u);
  EXPECT_EQ(world_.gauge("health_check.healthy"), 1);
  pass(absl::Seconds(20));
  EXPECT_EQ(requests_.size(), 1u);
  hosts_->update({});
  pass(absl::Seconds(20));
  EXPECT_EQ(world_.gauge("health_check.healthy"), 0);
  EXPECT_TRUE(checks_->warm());
}

TEST_F(HealthCheckerTest, ABodyMayBeSentWithTheQuestion) {
  http().method = "POST";
  http().send = "how are you?";
  std::string seen;
  origin_.on_accept = [&](OriginPeer& peer) {
    peer.on_input = [&](OriginPeer& from) {
      if (from.received.find("how are you?") == std::string::npos) return;
      seen = std::exchange(from.received, {});
      from.write(answer_);
    };
  };
  start();
  EXPECT_TRUE(healthy());
  EXPECT_TRUE(seen.starts_with("POST /healthz HTTP/1.1\r\n")) << seen;
  EXPECT_NE(seen.find("content-length: 12\r\n"), std::string::npos) << seen;
  EXPECT_TRUE(seen.ends_with("\r\n\r\nhow are you?")) << seen;
  pass(absl::Seconds(30));
  EXPECT_EQ(counter("success"), 4u);
  EXPECT_EQ(origin_.peers.size(), 1u) << "the connection serves on";
}

// What discovery says about a host that answers its checks is not believed at once.
TEST_F(HealthCheckerTest, AHostThatPassesStaysUntilItFails) {
  check_.unhealthy_threshold = 2;
  Origin other(world_.origin_worker, "10.0.0.2");
  other.answerAll();
  http().expected = {{200, 300}};
  start({origin_.address(), other.address()}, [](ClusterConfig& config) { config.keep_hosts_that_pass = true; });
  ASSERT_TRUE(healthy(0) && healthy(1));
  HostSpec stays;
  stays.address = other.address();
  stays.text = stays.address.text();
  hosts_->update({stays});
  pass(absl::Seconds(30));
  ASSERT_EQ(hosts_->entries().size(), 2u);
  const std::string text = origin_.address().text();
  EXPECT_TRUE(hosts_->findByText(text)->flags.has(HealthFlag::kPendingRemoval));
  EXPECT_EQ(hosts_->findByText(text)->flags.status(), lb::Status::kHealthy);
  const size_t asked = requests_.size();
  answer_ = answerOf(503);
  pass(absl::Seconds(30));
  ASSERT_EQ(hosts_->entries().size(), 1u);
  EXPECT_EQ(hosts_->entries()[0].host->text, stays.text);
  EXPECT_EQ(hosts_->findByText(text), nullptr);
  EXPECT_EQ(requests_.size(), asked + 1) << "an unexpected status counts at once, and nobody asks it any more";
}

TEST_F(HealthCheckerTest, AHostThatIsListedAgainStaysForGood) {
  start({origin_.address()}, [](ClusterConfig& config) { config.keep_hosts_that_pass = true; });
  HostSpec spec;
  spec.address = origin_.address();
  spec.text = spec.address.text();
  hosts_->update({});
  ASSERT_TRUE(has(HealthFlag::kPendingRemoval));
  hosts_->update({spec});
  pass(absl::Milliseconds(10));
  EXPECT_TRUE(healthy());
  answer_ = answerOf(503);
  pass(absl::Seconds(30));
  ASSERT_EQ(hosts_->entries().size(), 1u);
  EXPECT_TRUE(has(HealthFlag::kFailedActiveCheck));
  hosts_->update({});
  pass(absl::Milliseconds(10));
  EXPECT_TRUE(hosts_->entries().empty()) << "it fails already";
}

TEST_F(HealthCheckerTest, ChangesAreLogged) {
  check_.event_logs = {"events.log"};
  check_.log_every_failure = true;
  start();
  answer_ = answerOf(500);
  pass(absl::Seconds(20));
  EXPECT_EQ(log_path_, "events.log");
  ASSERT_EQ(lines_.size(), 3u);
  const std::string head = ",\"cluster_name\":\"c\",\"host\":\"" + origin_.address().text() + "\",\"event\":";
  EXPECT_NE(lines_[0].find(head + "\"add_healthy\",\"first_check\":true}\n"), std::string::npos) << lines_[0];
  EXPECT_NE(lines_[1].find(head + "\"eject_unhealthy\",\"reason\":\"status 500\",\"first_check\":false}\n"),
            std::string::npos)
      << lines_[1];
  EXPECT_NE(lines_[2].find(head + "\"health_check_failure\",\"reason\":\"status 500\"}\n"), std::string::npos)
      << lines_[2];
}

TEST_F(HealthCheckerTest, ATcpCheckIsAConnectionThatOpens) {
  check_.kind = TcpCheck{};
  start();
  EXPECT_TRUE(healthy());
  world_.wire.link(origin_.address()).black_hole = true;
  pass(absl::Seconds(12));
  EXPECT_TRUE(has(HealthFlag::kActiveCheckTimeout));
}

TEST_F(HealthCheckerTest, ATcpCheckSendsAndReceives) {
  check_.kind = TcpCheck{"ping", {"po", "ng"}};
  std::string reply = "po";
  origin_.on_accept = [&](OriginPeer& peer) {
    peer.on_input = [&](OriginPeer& from) {
      requests_.push_back(std::exchange(from.received, ""));
      if (!from.ended) from.write(reply);
    };
  };
  start();
  EXPECT_EQ(requests_, std::vector<std::string>({"ping"}));
  EXPECT_FALSE(healthy()) << "half of it";
  origin_.peers.back()->write("-ng");
  pass(absl::Milliseconds(10));
  EXPECT_TRUE(healthy());
  reply = "no";
  pass(absl::Seconds(12));
  EXPECT_TRUE(has(HealthFlag::kFailedActiveCheck));
}

class GrpcCheckTest : public HealthCheckerTest {
 protected:
  // Answers the request that waits with a HealthCheckResponse of `status`.
  void answer(char status, const std::string& grpc_status = "0") {
    namespace h2 = http::h2;
    H2Origin::Connection& connection = grpc_.at(grpc_.connections.size() - 1);
    const uint32_t stream = connection.waiting.at(0);
    connection.waiting.clear();
    const std::string message = std::string("\0\0\0\0\x02\x08", 6) + status;
    grpc_.write(connection, h2::headers(stream, h2::ok({{"content-type", "application/grpc"}}), false) +
                                h2::data(stream, message) + h2::headers(stream, {{"grpc-status", grpc_status}}, true));
    pass(absl::Milliseconds(10));
  }

  Origin server_{world_.origin_worker, "10.0.0.3"};
  H2Origin grpc_{server_};
};

TEST_F(GrpcCheckTest, ServingPassesAndNotServingFails) {
  check_.kind = GrpcCheck{"shop.Cart", "", {}};
  start({server_.address()});
  answer(1);
  EXPECT_TRUE(healthy());
  EXPECT_EQ(grpc_.at(0).data_bytes, 5u + 2u + 9u) << "a HealthCheckRequest with the name of the service";
  pass(absl::Seconds(10));
  answer(2);
  EXPECT_TRUE(has(HealthFlag::kFailedActiveCheck));
  pass(absl::Seconds(10));
  answer(1);
  EXPECT_TRUE(healthy());
}

TEST_F(GrpcCheckTest, AnErrorOfGrpcFails) {
  check_.kind = GrpcCheck{};
  start({server_.address()});
  answer(1, "12");
  EXPECT_TRUE(has(HealthFlag::kFailedActiveCheck));
  EXPECT_EQ(counter("failure"), 1u);
}

}  // namespace
}  // namespace weir::upstream::health
