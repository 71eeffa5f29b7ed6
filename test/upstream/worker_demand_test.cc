// A worker that asks for hosts, the main thread that makes them, and a resolver in between, on the simulated network.

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "source/upstream/cluster_hosts.h"
#include "source/upstream/demand.h"
#include "source/upstream/discovery/demanded_hosts.h"
#include "test/upstream/dns/fake_resolver.h"
#include "test/upstream/upstream_world.h"

namespace weir::upstream {
namespace {

using dns::Outcome;
using http::Reason;

class WorkerDemandTest : public testing::Test {
 protected:
  WorkerDemandTest() { origin_.answerAll(); }
  ~WorkerDemandTest() override {
    worker_cluster_.reset();
    world_.settle();
  }

  void start(DemandConfig config = {}) {
    demand_ = std::make_shared<Demand>(std::move(config));
    cluster_ = world_.makeCluster({}, [this](ClusterConfig& made) { made.demand = demand_; });
    worker_cluster_.emplace(cluster_, world_.worker().context, world_.memory);
    hosts_.emplace(cluster_, main_, [this](const std::shared_ptr<const HostSet>& set) {
      world_.worker().dispatcher.post([this, set] {
        if (worker_cluster_.has_value()) worker_cluster_->setHosts(set);
      });
    });
    source_.emplace(demand_, "c",
                    discovery::DemandedHosts::Seams{main_, world_.simulation.random(), world_.registry,
                                                    world_.registry.makeShard(), &resolver_, *hosts_});
  }
  void ask(Asker& asker, const std::string& key) {
    PickContext pick;
    pick.wanted = key;
    asker.ask(*worker_cluster_, pick);
    world_.settle();
  }
  void answer(Outcome outcome) {
    std::vector<dns::AddressRecord> records;
    if (outcome == Outcome::kFound) records.push_back({*net::Address::parseIp("10.0.0.1", 0), absl::Seconds(3600)});
    resolver_.answer(outcome, std::move(records));
    world_.settle();
  }
  std::string key(const std::string& name) const { return name + ":" + std::to_string(origin_.address().port()); }

  UpstreamWorld world_;
  Origin origin_{world_.origin_worker, "10.0.0.1"};
  event::Dispatcher& main_ = world_.simulation.addDispatcher();
  dns::FakeResolver resolver_{main_};
  std::shared_ptr<Demand> demand_;
  std::shared_ptr<const Cluster> cluster_;
  std::optional<WorkerCluster> worker_cluster_;
  std::optional<ClusterHosts> hosts_;
  std::optional<discovery::DemandedHosts> source_;
  Asker asker_{world_.worker()};
  Asker other_{world_.worker()};
};

TEST_F(WorkerDemandTest, TheFirstRequestWaitsForTheNameAndTheNextDoesNot) {
  start();
  ask(asker_, key("a.test"));
  EXPECT_EQ(asker_.opened + asker_.failed, 0);
  ASSERT_EQ(resolver_.questions.size(), 1u);
  EXPECT_EQ(resolver_.questions[0].name, "a.test");
  answer(Outcome::kFound);
  EXPECT_EQ(asker_.opened, 1);
  EXPECT_EQ(asker_.answers, 1);
  ask(other_, key("a.test"));
  EXPECT_EQ(other_.answers, 1);
  EXPECT_EQ(resolver_.questions.size(), 1u);
}

TEST_F(WorkerDemandTest, AllWhoWaitForOneNameAskOnce) {
  start();
  ask(asker_, key("a.test"));
  ask(other_, key("a.test"));
  EXPECT_EQ(resolver_.questions.size(), 1u);
  answer(Outcome::kFound);
  EXPECT_EQ(asker_.answers, 1);
  EXPECT_EQ(other_.answers, 1);
}

TEST_F(WorkerDemandTest, NamesThatLeadToOneAddressAreTwoHosts) {
  start();
  ask(asker_, key("a.test"));
  answer(Outcome::kFound);
  ask(other_, key("b.test"));
  answer(Outcome::kFound);
  EXPECT_EQ(asker_.answers, 1);
  EXPECT_EQ(other_.answers, 1);
  EXPECT_EQ(hosts_->entries().size(), 2u);
}

TEST_F(WorkerDemandTest, ANameThatIsNotThereIsAFailureAndRemembered) {
  start();
  ask(asker_, "a.test:80");
  answer(Outcome::kNoName);
  EXPECT_EQ(asker_.failed, 1);
  EXPECT_EQ(asker_.reason, Reason::kDnsFailure);
  ask(other_, "a.test:80");
  EXPECT_EQ(other_.reason, Reason::kDnsFailure);
  EXPECT_EQ(resolver_.questions.size(), 1u);
}

TEST_F(WorkerDemandTest, WhatIsNoKeyFails) {
  start();
  for (const char* key : {"", "a.test", "a.test:", "a.test:0", "a.test:x", ":80", "a.test:99999"}) {
    Asker asker(world_.worker());
    ask(asker, key);
    EXPECT_EQ(asker.failed, 1) << key;
  }
  EXPECT_EQ(source_->size(), 0u);
}

TEST_F(WorkerDemandTest, WhoLeavesIsNotTold) {
  DemandConfig config;
  config.max_pending = 1;
  start(std::move(config));
  ask(asker_, key("a.test"));
  asker_.cancel();
  answer(Outcome::kFound);
  EXPECT_EQ(asker_.opened + asker_.failed, 0);
  ask(other_, key("b.test"));  // there is a place again
  answer(Outcome::kFound);
  EXPECT_EQ(other_.answers, 1);
}

TEST_F(WorkerDemandTest, OnlySoManyWait) {
  DemandConfig config;
  config.max_pending = 1;
  start(std::move(config));
  ask(asker_, key("a.test"));
  ask(other_, key("a.test"));
  EXPECT_EQ(other_.reason, Reason::kUpstreamOverflow);
  answer(Outcome::kFound);
  EXPECT_EQ(asker_.answers, 1);
}

TEST_F(WorkerDemandTest, PatienceEnds) {
  DemandConfig config;
  config.patience = absl::Seconds(2);
  start(std::move(config));
  ask(asker_, "a.test:80");
  world_.simulation.runFor(absl::Seconds(1));
  EXPECT_EQ(asker_.failed, 0);
  world_.simulation.runFor(absl::Seconds(2));
  EXPECT_EQ(asker_.reason, Reason::kDnsFailure);
}

TEST_F(WorkerDemandTest, ThereAreNeverMoreHostsThanAllowed) {
  DemandConfig config;
  config.max_hosts = 1;
  start(std::move(config));
  ask(asker_, key("a.test"));
  answer(Outcome::kFound);
  ask(other_, key("b.test"));
  EXPECT_EQ(other_.reason, Reason::kUpstreamOverflow);
  EXPECT_EQ(source_->size(), 1u);
}

TEST_F(WorkerDemandTest, AnAddressNeedsNoResolver) {
  DemandConfig config;
  config.kind = DemandConfig::Kind::kAddresses;
  start(std::move(config));
  ask(asker_, origin_.address().text());
  EXPECT_EQ(asker_.answers, 1);
  ask(other_, "a.test:80");
  EXPECT_EQ(other_.failed, 1);
  EXPECT_TRUE(resolver_.questions.empty());
}

TEST_F(WorkerDemandTest, TheKeyOfAnAddressIsItsText) {
  DemandConfig config;
  config.kind = DemandConfig::Kind::kAddresses;
  DemandConfig::KeyText text;
  for (const char* address : {"10.0.0.1:80", "255.255.255.255:65535", "[::1]:80", "[2001:db8:1:2:3:4:5:6]:65535"}) {
    EXPECT_EQ(config.keyOf(*net::Address::parse(address), text), address);
  }
  for (const char* address : {"0.0.0.0:80", "[::]:80", "10.0.0.1:0", "unix:/tmp/x"}) {
    EXPECT_EQ(config.keyOf(*net::Address::parse(address), text), "") << address;
  }
  EXPECT_EQ(config.keyOf(net::Address(), text), "");
  config.port_override = 81;
  EXPECT_EQ(config.keyOf(*net::Address::parse("[::1]:80"), text), "[::1]:81");
  EXPECT_EQ(config.keyOf(*net::Address::parse("10.0.0.1:0"), text), "10.0.0.1:81");
}

TEST_F(WorkerDemandTest, WhatNobodyUsesIsForgotten) {
  DemandConfig config;
  config.host_ttl = absl::Seconds(10);
  start(std::move(config));
  ask(asker_, key("a.test"));
  answer(Outcome::kFound);
  world_.simulation.runFor(absl::Seconds(11));
  ask(other_, key("a.test"));  // in use
  world_.simulation.runFor(absl::Seconds(10));
  EXPECT_EQ(source_->size(), 1u);
  world_.simulation.runFor(absl::Seconds(21));
  EXPECT_EQ(source_->size(), 0u);
  EXPECT_TRUE(hosts_->entries().empty());
}

TEST_F(WorkerDemandTest, TheWorkerMayGoFirst) {
  start();
  ask(asker_, key("a.test"));
  worker_cluster_.reset();
  answer(Outcome::kFound);
  EXPECT_EQ(asker_.opened + asker_.failed, 0);
}

TEST_F(WorkerDemandTest, TheSourceMayGoFirst) {
  start();
  source_.reset();
  ask(asker_, key("a.test"));
  EXPECT_EQ(asker_.opened + asker_.failed, 0);
  EXPECT_TRUE(resolver_.questions.empty());
  asker_.cancel();
}

}  // namespace
}  // namespace weir::upstream
