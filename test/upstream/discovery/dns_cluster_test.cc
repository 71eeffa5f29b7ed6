#include "source/upstream/discovery/dns_cluster.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "test/harness/sim/simulation.h"
#include "test/upstream/dns/fake_resolver.h"

namespace weir::upstream::discovery {
namespace {

using dns::AddressRecord;
using dns::Outcome;
using dns::ServiceRecord;

std::vector<AddressRecord> records(const std::vector<std::string>& ips) {
  std::vector<AddressRecord> out;
  for (const std::string& ip : ips) out.push_back({*net::Address::parseIp(ip, 0), absl::Seconds(30)});
  return out;
}

NamedHost named(const std::string& name, uint16_t port, uint32_t weight = 1) {
  NamedHost endpoint;
  endpoint.name = name;
  endpoint.port = port;
  endpoint.host.hostname = name;
  endpoint.host.weight = weight;
  return endpoint;
}

NamedHost fixed(const std::string& ip, uint16_t port) {
  NamedHost endpoint;
  endpoint.host.address = *net::Address::parseIp(ip, port);
  endpoint.host.text = endpoint.host.address.text();
  return endpoint;
}

class DnsClusterTest : public testing::Test, public HostsReceiver {
 protected:
  void start(std::vector<NamedHost> endpoints) {
    auto config = std::make_shared<DnsDiscovery>();
    config->endpoints = std::move(endpoints);
    config->options.keep_stale = absl::Seconds(60);
    cluster_.emplace(config, dns::DnsStats::make(registry_, registry_.makeShard(), "web"), resolver_,
                     simulation_.random(), dispatcher_, *this);
  }
  void onHosts(std::vector<HostSpec> hosts) override {
    ++lists_;
    list_ = std::move(hosts);
    text_.clear();
    for (const HostSpec& host : list_) {
      text_ += (text_.empty() ? "" : " ") + host.text + "*" + std::to_string(host.weight);
      EXPECT_EQ(host.text, host.address.text());
    }
  }
  void answer(Outcome outcome, std::vector<AddressRecord> found = {}) {
    ASSERT_TRUE(simulation_.runUntil([this] { return resolver_.hasOpen(); }, absl::Hours(1)));
    resolver_.answer(outcome, std::move(found));
    simulation_.runFor(absl::ZeroDuration());
  }
  uint64_t counted(const std::string& what) { return registry_.counterValue("cluster.web." + what).value(); }

  harness::Simulation simulation_{7};
  event::Dispatcher& dispatcher_ = simulation_.addDispatcher();
  dns::FakeResolver resolver_{dispatcher_};
  stats::Registry registry_;
  int lists_ = 0;
  std::vector<HostSpec> list_;
  std::string text_;
  std::optional<DnsCluster> cluster_;
};

TEST_F(DnsClusterTest, TheFirstListComesWhenEveryNameHasHadAnOutcome) {
  start({named("a", 80, 3), fixed("10.9.9.9", 99), named("b", 81)});
  EXPECT_FALSE(cluster_->resolved());
  answer(Outcome::kFound, records({"10.0.0.2", "10.0.0.1"}));
  EXPECT_EQ(lists_, 0);
  answer(Outcome::kServerFailure);
  EXPECT_TRUE(cluster_->resolved());
  EXPECT_EQ(lists_, 1);
  EXPECT_EQ(text_, "10.0.0.1:80*3 10.0.0.2:80*3 10.9.9.9:99*1");
  EXPECT_EQ(list_[0].hostname, "a");
}

TEST_F(DnsClusterTest, AnAddressOfTwoNamesIsOneHost) {
  start({named("a", 80), named("b", 80)});
  answer(Outcome::kFound, records({"10.0.0.1"}));
  answer(Outcome::kFound, records({"10.0.0.1", "10.0.0.2"}));
  EXPECT_EQ(text_, "10.0.0.1:80*1 10.0.0.2:80*1");
  EXPECT_EQ(list_[0].hostname, "a");
}

TEST_F(DnsClusterTest, AFailureKeepsTheListForAWhileAndIsCounted) {
  start({named("a", 80)});
  answer(Outcome::kFound, records({"10.0.0.1"}));
  answer(Outcome::kTimeout);
  answer(Outcome::kNoName);
  EXPECT_EQ(text_, "10.0.0.1:80*1");
  EXPECT_EQ(counted("update_attempt"), 3u);
  EXPECT_EQ(counted("update_success"), 1u);
  EXPECT_EQ(counted("update_failure"), 1u);
  EXPECT_EQ(counted("update_empty"), 1u);
  EXPECT_EQ(registry_.gaugeValue("cluster.web.update_stale"), 1);
  cluster_->forEachName([](const DnsCluster::NameState& name) {
    EXPECT_EQ(name.name, "a");
    EXPECT_EQ(name.state, dns::DnsHosts::State::kStale);
    EXPECT_EQ(name.outcome, Outcome::kNoName);
    EXPECT_EQ(name.hosts, 1u);
  });
  while (counted("update_expired") == 0) answer(Outcome::kTimeout);
  EXPECT_EQ(text_, "");
  EXPECT_EQ(lists_, 2);
  EXPECT_EQ(registry_.gaugeValue("cluster.web.update_stale"), 0);
  answer(Outcome::kFound, records({"10.0.0.1"}));
  EXPECT_EQ(text_, "10.0.0.1:80*1");
}

TEST_F(DnsClusterTest, AnUnchangedAnswerIsNotToldAgain) {
  start({named("a", 80)});
  answer(Outcome::kFound, records({"10.0.0.1", "10.0.0.2"}));
  answer(Outcome::kFound, records({"10.0.0.2", "10.0.0.1"}));
  EXPECT_EQ(lists_, 1);
  EXPECT_EQ(counted("update_no_rebuild"), 1u);
}

TEST_F(DnsClusterTest, TheHostsOfAServiceHaveItsPortsWeightsAndPriorities) {
  NamedHost service = named("_http._tcp.web", 1, 5);
  service.health_port = 7;
  auto group = std::make_shared<HostGroup>();
  group->priority = 1;
  group->locality.zone = "z";
  service.host.group = group;
  start({service});
  const absl::Duration ttl = absl::Seconds(9);
  resolver_.answerServices(Outcome::kFound, {{"x", 8001, 1, 30, ttl}, {"y", 8002, 2, 40, ttl}});
  simulation_.runFor(absl::ZeroDuration());
  answer(Outcome::kFound, records({"10.0.0.1"}));
  answer(Outcome::kFound, records({"10.0.0.2"}));
  EXPECT_EQ(text_, "10.0.0.1:8001*30 10.0.0.2:8002*40");
  EXPECT_EQ(list_[0].group->priority, 1u);
  EXPECT_EQ(list_[1].group->priority, 2u);
  EXPECT_EQ(list_[1].group->locality.zone, "z");
  EXPECT_EQ(list_[1].health_address.text(), "10.0.0.2:7");
}

TEST_F(DnsClusterTest, ManyHostsChangeInOneList) {
  start({named("a", 80)});
  std::vector<std::string> ips;
  for (int i = 0; i < 500; ++i) ips.push_back("10.1." + std::to_string(i / 250) + "." + std::to_string(i % 250));
  answer(Outcome::kFound, records(ips));
  EXPECT_EQ(list_.size(), 500u);
  ips.pop_back();
  answer(Outcome::kFound, records(ips));
  EXPECT_EQ(list_.size(), 499u);
  EXPECT_EQ(lists_, 2);
}

}  // namespace
}  // namespace weir::upstream::discovery
