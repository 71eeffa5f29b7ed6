#include "source/upstream/dns/service_lookup.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "source/upstream/dns/dns_hosts.h"
#include "test/harness/sim/simulation.h"
#include "test/upstream/dns/fake_resolver.h"

namespace weir::upstream::dns {
namespace {

ServiceRecord record(const std::string& target, uint16_t port, uint16_t priority = 0, uint16_t weight = 1) {
  return {target, port, priority, weight, absl::Seconds(20)};
}

std::vector<AddressRecord> address(const std::string& ip, absl::Duration ttl = absl::Seconds(30)) {
  return {{*net::Address::parseIp(ip, 0), ttl}};
}

class ServiceLookupTest : public testing::Test, public AddressReceiver {
 protected:
  void onAddresses(Outcome outcome, std::vector<AddressRecord> records) override {
    ++calls_;
    text_ = outcomeText(outcome);
    for (size_t i = 0; i < records.size(); ++i) {
      const AddressRecord& one = records[i];
      text_ += " " + one.address.text() + "/" + std::to_string(one.rank) + "/" + std::to_string(one.weight);
    }
    if (!records.empty()) ttl_ = records.front().ttl;
  }
  void services(Outcome outcome, std::vector<ServiceRecord> records = {}) {
    resolver_.answerServices(outcome, std::move(records));
    simulation_.runFor(absl::ZeroDuration());
  }
  void addresses(Outcome outcome, std::vector<AddressRecord> records = {}) {
    resolver_.answer(outcome, std::move(records));
    simulation_.runFor(absl::ZeroDuration());
  }
  void start() { lookup_->start("_http._tcp.web.example", Family::kV4Only); }

  harness::Simulation simulation_{7};
  event::Dispatcher& dispatcher_ = simulation_.addDispatcher();
  FakeResolver resolver_{dispatcher_};
  int calls_ = 0;
  std::string text_;
  absl::Duration ttl_;
  std::optional<ServiceLookup> lookup_{std::in_place, resolver_, static_cast<AddressReceiver&>(*this)};
};

TEST_F(ServiceLookupTest, KnowsTheNameOfAService) {
  EXPECT_TRUE(isServiceName("_http._tcp.web.example"));
  EXPECT_FALSE(isServiceName("_dmarc.example"));
  EXPECT_FALSE(isServiceName("web.example"));
  EXPECT_FALSE(isServiceName("_"));
  EXPECT_FALSE(isServiceName("_http."));
  EXPECT_FALSE(isServiceName(""));
}

TEST_F(ServiceLookupTest, GivesAddressesWithPortsWeightsAndRanks) {
  start();
  services(Outcome::kFound, {record("b", 8002, 20, 0), record("a", 8001, 10, 5), record("c", 8003, 10, 7)});
  ASSERT_EQ(resolver_.questions.size(), 4u);
  EXPECT_EQ(resolver_.questions[1].name, "a");
  EXPECT_EQ(resolver_.questions[1].family, Family::kV4Only);
  addresses(Outcome::kFound, address("10.0.0.1"));
  addresses(Outcome::kFound, address("10.0.0.3"));
  EXPECT_EQ(calls_, 0);
  addresses(Outcome::kFound, address("10.0.0.2"));
  EXPECT_EQ(text_, "found 10.0.0.1:8001/0/5 10.0.0.3:8003/0/7 10.0.0.2:8002/1/1");
  EXPECT_EQ(ttl_, absl::Seconds(20));
}

TEST_F(ServiceLookupTest, PassesOnThatThereIsNothing) {
  start();
  services(Outcome::kNoName);
  EXPECT_EQ(text_, outcomeText(Outcome::kNoName));
  start();
  services(Outcome::kFound, {record(".", 0)});
  EXPECT_EQ(text_, outcomeText(Outcome::kNoData));
  start();
  services(Outcome::kFound, {record("a", 1)});
  addresses(Outcome::kNoName);
  EXPECT_EQ(text_, outcomeText(Outcome::kNoData));
  start();
  services(Outcome::kFound, {record("a", 1), record("b", 1)});
  addresses(Outcome::kTimeout);
  addresses(Outcome::kNoName);
  EXPECT_EQ(text_, outcomeText(Outcome::kTimeout));
}

TEST_F(ServiceLookupTest, ATargetThatFailsKeepsTheAddressesThatItHad) {
  const std::vector<ServiceRecord> both = {record("a", 80), record("b", 80)};
  start();
  services(Outcome::kFound, both);
  addresses(Outcome::kFound, address("10.0.0.1"));
  addresses(Outcome::kFound, address("10.0.0.2"));
  for (int i = 0; i < 3; ++i) {
    start();
    services(Outcome::kFound, both);
    addresses(Outcome::kServerFailure);
    addresses(Outcome::kFound, address("10.0.0.3"));
    EXPECT_EQ(text_, "found 10.0.0.1:80/0/1 10.0.0.3:80/0/1");
  }
  start();
  services(Outcome::kFound, both);
  addresses(Outcome::kNoName);
  addresses(Outcome::kFound, address("10.0.0.3"));
  EXPECT_EQ(text_, "found 10.0.0.3:80/0/1");
}

TEST_F(ServiceLookupTest, AsksForSoManyTargetsAndNoMore) {
  start();
  std::vector<ServiceRecord> many;
  for (int i = 0; i < 1000; ++i) many.push_back(record("t" + std::to_string(i), 80));
  services(Outcome::kFound, many);
  EXPECT_EQ(resolver_.questions.size(), 1 + ServiceLookup::kMaxTargets);
}

TEST_F(ServiceLookupTest, ItsEndCancelsEveryQuestion) {
  start();
  services(Outcome::kFound, {record("a", 80), record("b", 80)});
  EXPECT_TRUE(resolver_.hasOpen());
  lookup_.reset();
  EXPECT_FALSE(resolver_.hasOpen());
}

}  // namespace
}  // namespace weir::upstream::dns
