#include "source/upstream/cluster_hosts.h"

#include <atomic>
#include <set>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "source/upstream/host_directory.h"
#include "test/upstream/upstream_world.h"

namespace weir::upstream {
namespace {

HostSpec specOf(const net::Address& address, uint32_t weight = 1) {
  HostSpec spec;
  spec.address = address;
  spec.text = address.text();
  spec.weight = weight;
  return spec;
}

net::Address addressOf(uint32_t number) {
  return *net::Address::parseIp("10.1." + std::to_string(number / 256 % 256) + "." + std::to_string(number % 256),
                                80 + number / 65536);
}

struct Watcher final : public HostObserver {
  void onHostsChanged(std::span<const std::shared_ptr<const Host>> in,
                      std::span<const std::shared_ptr<const Host>> out) override {
    ++calls;
    for (const auto& host : in) added.push_back(host->text);
    for (const auto& host : out) removed.push_back(host->text);
  }
  int calls = 0;
  std::vector<std::string> added;
  std::vector<std::string> removed;
};

// Two workers with one cluster of one origin, whose hosts are changed from a main thread's dispatcher.
class ClusterHostsTest : public testing::Test {
 protected:
  void start(const std::function<void(ClusterConfig&)>& change = {}) {
    snapshot_ = {world_.makeCluster({a_.address()}, change)};
    for (const auto& worker : world_.workers) {
      clusters_.push_back(std::make_unique<WorkerCluster>(snapshot_.front(), worker->context, world_.memory));
    }
    directory_ =
        std::make_unique<HostDirectory>(snapshot_, main_, [this](size_t, const std::shared_ptr<const HostSet>& set) {
          ++published_;
          for (size_t i = 0; i < clusters_.size(); ++i) {
            world_.workers[i]->dispatcher.post([this, i, set] { clusters_[i]->setHosts(set); });
          }
        });
    hosts_ = directory_->find("c");
  }
  std::string servedBy(size_t worker = 0) {
    Asker asker(*world_.workers[worker]);
    asker.ask(*clusters_[worker]);
    world_.settle();
    return asker.answers == 1 ? asker.host->text : "nobody";
  }

  UpstreamWorld world_{2};
  event::Dispatcher& main_ = world_.simulation.addDispatcher();
  Origin a_{world_.origin_worker, "10.0.0.1"};
  Origin b_{world_.origin_worker, "10.0.0.2"};
  std::vector<std::shared_ptr<const Cluster>> snapshot_;
  std::vector<std::unique_ptr<WorkerCluster>> clusters_;
  std::unique_ptr<HostDirectory> directory_;
  ClusterHosts* hosts_ = nullptr;
  int published_ = 0;
};

TEST_F(ClusterHostsTest, EveryWorkerTakesTheNewListOver) {
  start();
  a_.answerAll();
  b_.answerAll();
  EXPECT_EQ(servedBy(0), a_.address().text());
  hosts_->update({specOf(b_.address())});
  world_.settle();
  EXPECT_EQ(servedBy(0), b_.address().text());
  EXPECT_EQ(servedBy(1), b_.address().text());
  EXPECT_EQ(world_.gauge("membership_total"), 1);
  EXPECT_EQ(world_.counter("membership_change"), 1u);
  EXPECT_EQ(directory_->find("d"), nullptr);
}

TEST_F(ClusterHostsTest, ManyChangesInOneTurnArePublishedOnce) {
  start();
  Watcher watcher;
  hosts_->observe(watcher);
  hosts_->update({specOf(b_.address())});
  hosts_->update({specOf(a_.address()), specOf(b_.address())});
  hosts_->update({specOf(b_.address()), specOf(addressOf(1))});
  hosts_->update({specOf(b_.address())});
  world_.settle();
  EXPECT_EQ(published_, 1);
  EXPECT_EQ(watcher.calls, 1);
  EXPECT_EQ(watcher.added, std::vector<std::string>{b_.address().text()});
  EXPECT_EQ(watcher.removed, std::vector<std::string>{a_.address().text()});
  hosts_->update({specOf(b_.address())});
  world_.settle();
  EXPECT_EQ(published_, 1);
}

// The request that is under way at a host that leaves ends as it would have, and what is kept of the host goes with it.
TEST_F(ClusterHostsTest, ARemovedHostIsDrained) {
  start();
  b_.answerAll();
  Asker asker(world_.worker());
  asker.ask(*clusters_[0]);
  world_.settle();
  ASSERT_EQ(asker.opened, 1);
  HostRef hold = clusters_[0]->hold(0);
  const std::weak_ptr<const Host> old = hosts_->current()->hosts[0];
  hosts_->update({specOf(b_.address())});
  world_.settle();
  EXPECT_EQ(servedBy(), b_.address().text());
  EXPECT_EQ(a_.open(), 1u);
  a_.peers[0]->write(kOk);
  world_.settle();
  EXPECT_EQ(asker.answers, 1);
  EXPECT_EQ(a_.open(), 0u);
  EXPECT_EQ(hold->text, a_.address().text());
  world_.simulation.runFor(absl::Seconds(1));
  EXPECT_FALSE(old.expired());
  hold = nullptr;
  world_.simulation.runFor(absl::Seconds(1));
  EXPECT_TRUE(old.expired());
  EXPECT_EQ(b_.open(), 1u);
}

TEST_F(ClusterHostsTest, IdleConnectionsToARemovedHostClose) {
  start();
  a_.answerAll();
  servedBy();
  EXPECT_EQ(a_.open(), 1u);
  hosts_->update({});
  world_.settle();
  EXPECT_EQ(a_.open(), 0u);
  EXPECT_EQ(servedBy(), "nobody");
  EXPECT_EQ(world_.gauge("upstream_cx_active"), 0);
}

TEST_F(ClusterHostsTest, ARequestThatWaitsForARemovedHostIsServed) {
  start();
  a_.answerAll();
  Asker asker(world_.worker());
  hosts_->update({});
  asker.ask(*clusters_[0]);
  world_.settle();
  EXPECT_EQ(asker.answers, 1);
  EXPECT_EQ(a_.open(), 0u);
}

TEST_F(ClusterHostsTest, AHostThatStaysKeepsItsConnectionsAndCounters) {
  start();
  a_.answerAll();
  b_.answerAll();
  servedBy();
  hosts_->update({specOf(b_.address()), specOf(a_.address(), 7)});
  world_.settle();
  EXPECT_EQ(a_.open(), 1u);
  for (int i = 0; i < 16; ++i) servedBy();
  EXPECT_EQ(a_.peers.size(), 1u);
  EXPECT_EQ(hosts_->entries()[1].host->totals().rq_total, 15u);  // 14 of 16 by weight
  EXPECT_EQ(hosts_->entries()[0].host->totals().rq_total, 2u);
}

TEST_F(ClusterHostsTest, FlagsAndWeightsTakeEffectOnEveryWorker) {
  start();
  a_.answerAll();
  b_.answerAll();
  hosts_->update({specOf(a_.address()), specOf(b_.address())});
  world_.settle();
  const std::shared_ptr<const Host> a = hosts_->entries()[0].host;
  EXPECT_TRUE(hosts_->setFlag(*a, HealthFlag::kFailedActiveCheck, true));
  EXPECT_TRUE(hosts_->setFlag(*a, HealthFlag::kFailedOutlierCheck, true));
  world_.settle();
  EXPECT_EQ(world_.gauge("membership_healthy"), 1);
  for (int i = 0; i < 8; ++i) EXPECT_EQ(servedBy(i % 2), b_.address().text());
  hosts_->setFlag(*a, HealthFlag::kFailedActiveCheck, false);
  world_.settle();
  EXPECT_EQ(world_.gauge("membership_healthy"), 1);  // one reason is left
  hosts_->setFlag(*a, HealthFlag::kFailedOutlierCheck, false);
  EXPECT_TRUE(hosts_->setWeight(*a, 3));
  world_.settle();
  EXPECT_EQ(world_.gauge("membership_healthy"), 2);
  int at_a = 0;
  for (int i = 0; i < 8; ++i) at_a += servedBy(1) == a->text;
  EXPECT_EQ(at_a, 6);
  // Discovery says another weight; the operator's stands, until it is taken back.
  hosts_->update({specOf(a_.address(), 9), specOf(b_.address())});
  EXPECT_EQ(hosts_->find(*a)->effectiveWeight(), 3u);
  hosts_->setWeight(*a, 0);
  EXPECT_EQ(hosts_->findByText(a->text)->effectiveWeight(), 9u);
  hosts_->update({});
  EXPECT_FALSE(hosts_->setFlag(*a, HealthFlag::kFailedActiveCheck, true));
  EXPECT_FALSE(hosts_->setWeight(*a, 1));
  EXPECT_EQ(hosts_->find(*a), nullptr);
}

TEST_F(ClusterHostsTest, AHostThatComesTwiceInAListCountsOnce) {
  start();
  hosts_->update({specOf(b_.address()), specOf(a_.address()), specOf(b_.address()), specOf(a_.address())});
  EXPECT_EQ(hosts_->entries().size(), 2u);
  hosts_->update({specOf(a_.address()), specOf(a_.address()), specOf(b_.address())});
  EXPECT_EQ(hosts_->entries().size(), 2u);
  EXPECT_EQ(hosts_->entries()[0].host->text, a_.address().text());
  HostSpec named = specOf(a_.address());
  named.hostname = "another";
  hosts_->update({specOf(a_.address()), named});
  EXPECT_EQ(hosts_->entries().size(), 2u);
}

// Places are used again once no thread knows the host that had them.
TEST_F(ClusterHostsTest, PlacesAreUsedAgain) {
  start();
  for (uint32_t round = 0; round < 50; ++round) {
    std::vector<HostSpec> list;
    for (uint32_t i = 0; i < 10; ++i) list.push_back(specOf(addressOf(round * 10 + i)));
    hosts_->update(list);
    world_.settle();
    world_.simulation.runFor(absl::Seconds(1));
  }
  EXPECT_LE(hosts_->current()->hosts.size(), 30u);
}

TEST_F(ClusterHostsTest, MonitorsSeeTheOutcomesOfAllWorkers) {
  struct Counting final : public HostMonitor {
    explicit Counting(std::atomic<int>& to) : count(to) {}
    void onOutcome(const RequestOutcome& outcome) override { count += outcome.status; }
    std::atomic<int>& count;
  };
  std::atomic<int> count{0};
  start();
  hosts_->monitorWith([&](const Host&) { return std::make_unique<Counting>(count); });
  for (const auto& cluster : clusters_) {
    cluster->recordOutcome(cluster->hold(0), {RequestOutcome::Kind::kError, 503, absl::ZeroDuration()});
  }
  EXPECT_EQ(count, 1006);
  hosts_->update({specOf(b_.address())});
  world_.settle();
  clusters_[0]->recordOutcome(clusters_[0]->hold(1), {RequestOutcome::Kind::kSuccess, 200, absl::ZeroDuration()});
  EXPECT_EQ(count, 1206);
  EXPECT_FALSE(clusters_[0]->hold(7));
}

// Requests go on while hosts come and go; none is lost.
TEST_F(ClusterHostsTest, NoRequestIsLostWhileHostsComeAndGo) {
  start();
  a_.answerAll();
  b_.answerAll();
  int answers = 0, asked = 0;
  for (int round = 0; round < 200; ++round) {
    std::vector<std::unique_ptr<Asker>> askers;
    for (size_t i = 0; i < 8; ++i) {
      askers.push_back(std::make_unique<Asker>(*world_.workers[i % 2]));
      askers.back()->ask(*clusters_[i % 2]);
      ++asked;
    }
    switch (round % 4) {
      case 0:
        hosts_->update({specOf(b_.address())});
        break;
      case 1:
        hosts_->update({specOf(a_.address(), 1 + static_cast<uint32_t>(round)), specOf(b_.address())});
        break;
      case 2:
        hosts_->update({specOf(a_.address())});
        break;
      default:
        hosts_->setFlag(*hosts_->entries()[0].host, HealthFlag::kDegradedActiveCheck, round % 8 == 3);
    }
    world_.simulation.runFor(absl::Milliseconds(round % 3));
    world_.settle();
    for (const auto& asker : askers) answers += asker->answers;
  }
  EXPECT_EQ(answers, asked);
  EXPECT_EQ(world_.gauge("upstream_rq_active"), 0);
}

// Requests that say which host they are for get it, if it may be used and they have not been there.
TEST_F(ClusterHostsTest, ARequestMayPreferAHost) {
  start([](ClusterConfig& config) { config.lb.override_headers = {"x-host"}; });
  a_.answerAll();
  b_.answerAll();
  hosts_->update({specOf(a_.address()), specOf(b_.address())});
  world_.settle();
  const auto served = [&](const std::string& preferred, std::span<const HostRef> attempted = {}) {
    Asker asker(*world_.workers[0]);
    PickContext pick;
    pick.preferred = preferred;
    pick.attempted = attempted;
    asker.ask(*clusters_[0], pick);
    world_.settle();
    return asker.host->text;
  };
  const std::string a = a_.address().text(), b = b_.address().text();
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(served(a), a);
    EXPECT_EQ(served(b + ", " + a), b);
    EXPECT_EQ(served("10.9.9.9:1,,nonsense, " + b), b);
    const HostRef tried = clusters_[0]->hold(hosts_->entries()[0].host->slot);
    EXPECT_EQ(served(a + "," + b, std::span(&tried, 1)), b);
  }
  EXPECT_NE(served("10.9.9.9:1"), "") << "the balancer's choice";
  hosts_->setFlag(*hosts_->entries()[0].host, HealthFlag::kFailedActiveCheck, true);
  world_.settle();
  EXPECT_EQ(served(a), b);
}

// Requests to others do not wait until all connections are closed.
TEST_F(ClusterHostsTest, ManyHostsThatLeaveAreDrainedOverSomeTurns) {
  constexpr uint32_t kMany = 1000;
  start([](ClusterConfig& config) {
    for (uint32_t i = 0; i < kMany; ++i) config.hosts.push_back(specOf(addressOf(i)));
  });
  b_.answerAll();
  const std::vector<std::shared_ptr<const Host>> before = hosts_->current()->hosts;
  ASSERT_EQ(before.size(), kMany + 1);
  for (uint32_t slot = 0; slot < before.size(); ++slot) ASSERT_TRUE(clusters_[0]->hold(slot));
  std::vector<long> uses;
  for (const auto& host : before) uses.push_back(host.use_count());
  // Whom only the worker's own state has let go of.
  const auto gone = [&] {
    size_t count = 0;
    for (size_t i = 0; i < before.size(); ++i) count += before[i].use_count() < uses[i];
    return count;
  };
  const std::vector<HostEntry> entries = {HostEntry(
      specOf(b_.address()), std::make_shared<const Host>(specOf(b_.address()), kMany + 1), world_.simulation.now())};
  clusters_[0]->setHosts(
      std::make_shared<const HostSet>(entries, kMany + 2, snapshot_[0]->config().lb, world_.simulation.now()));
  event::Dispatcher& worker = world_.worker().dispatcher;
  worker.turn(false);
  EXPECT_GT(gone(), 0u);
  EXPECT_LT(gone(), before.size());
  EXPECT_EQ(servedBy(), b_.address().text());
  EXPECT_EQ(gone(), before.size());
}

TEST_F(ClusterHostsTest, AChangeWhileHostsAreDrainedForgetsNone) {
  constexpr uint32_t kMany = 1000;
  start([](ClusterConfig& config) {
    for (uint32_t i = 0; i < kMany; ++i) config.hosts.push_back(specOf(addressOf(i)));
  });
  const std::shared_ptr<const HostSet> all = hosts_->current();
  std::vector<HostEntry> half;
  for (uint32_t i = 0; i <= kMany / 2; ++i) half.push_back(hosts_->entries()[i]);
  const auto setOf = [&](const std::vector<HostEntry>& entries) {
    return std::make_shared<const HostSet>(entries, kMany + 1, snapshot_[0]->config().lb, world_.simulation.now());
  };
  for (uint32_t slot = 0; slot <= kMany; ++slot) ASSERT_TRUE(clusters_[0]->hold(slot));
  const HostRef held = clusters_[0]->hold(kMany);
  std::vector<long> uses;
  for (const auto& host : all->hosts) uses.push_back(host.use_count());
  const std::shared_ptr<const HostSet> some = setOf(half);
  for (size_t i = 0; i < half.size(); ++i) ++uses[i];  // of `some`
  event::Dispatcher& worker = world_.worker().dispatcher;
  clusters_[0]->setHosts(some);
  worker.turn(false);
  const std::shared_ptr<const HostSet> none = setOf({});
  clusters_[0]->setHosts(none);
  world_.settle();
  for (size_t i = 0; i < kMany; ++i) ASSERT_EQ(all->hosts[i].use_count(), uses[i] - 1) << i;
  EXPECT_EQ(all->hosts[kMany].use_count(), uses[kMany]) << "somebody holds it";
}

HostSpec inZone(const net::Address& address, const std::string& zone) {
  HostSpec spec = specOf(address);
  auto group = std::make_shared<HostGroup>();
  group->locality.zone = zone;
  spec.group = std::move(group);
  return spec;
}

// The cluster that the proxy belongs to changes, and with it where the traffic of another one goes.
TEST(ZoneAwareClusterTest, FollowsTheOwnCluster) {
  UpstreamWorld world;
  event::Dispatcher& main = world.simulation.addDispatcher();
  const auto make = [&world](const std::string& name, std::vector<HostSpec> hosts, bool zone_aware) {
    return world.makeCluster({}, [&](ClusterConfig& config) {
      config.name = config.stat_name = name;
      config.hosts = std::move(hosts);
      if (zone_aware) config.lb.zone_aware.emplace().min_cluster_size = 2;
    });
  };
  const std::vector<std::shared_ptr<const Cluster>> clusters = {
      make("us", {inZone(addressOf(1), "a"), inZone(addressOf(2), "b")}, false),
      make("them", {inZone(addressOf(11), "a"), inZone(addressOf(12), "b")}, true)};
  const auto published = std::make_shared<std::vector<std::shared_ptr<const HostSet>>>(2);
  HostDirectory directory(clusters, main, [published](size_t cluster, const std::shared_ptr<const HostSet>& set) {
    (*published)[cluster] = set;
  });
  const auto state = [&] {
    world.settle();
    return directory.find("them")->current()->balancer.zoneState();
  };
  EXPECT_EQ(state(), lb::ZoneState::kLocalNotOk);
  directory.setLocalCluster("us", {"", "a", ""});
  EXPECT_EQ(state(), lb::ZoneState::kDirect);
  EXPECT_NE((*published)[1], nullptr);
  ClusterHosts& us = *directory.find("us");
  us.update({inZone(addressOf(1), "a"), inZone(addressOf(3), "a"), inZone(addressOf(2), "b")});
  EXPECT_EQ(state(), lb::ZoneState::kResidual);
  us.setFlag(*us.entries()[0].host, HealthFlag::kFailedActiveCheck, true);
  EXPECT_EQ(state(), lb::ZoneState::kDirect);
  us.update({inZone(addressOf(2), "b")});
  EXPECT_EQ(state(), lb::ZoneState::kLocalNotOk);
}

}  // namespace
}  // namespace weir::upstream
