#include "source/upstream/dns/dns_hosts.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "test/harness/sim/simulation.h"
#include "test/upstream/dns/fake_resolver.h"

namespace weir::upstream::dns {
namespace {

using State = DnsHosts::State;

std::vector<AddressRecord> records(const std::vector<std::string>& ips, absl::Duration ttl = absl::Seconds(30)) {
  std::vector<AddressRecord> out;
  for (const std::string& ip : ips) out.push_back({*net::Address::parseIp(ip, 0), ttl});
  return out;
}

class DnsHostsTest : public testing::Test, public DnsHostsReceiver {
 protected:
  void start() { hosts_.emplace(options_, resolver_, simulation_.random(), dispatcher_, *this); }
  void onDnsHosts(const std::vector<ResolvedHost>& hosts) override {
    std::string text;
    for (const ResolvedHost& host : hosts) text += (text.empty() ? "" : " ") + host.address.text();
    lists_.push_back(text);
    if (destroy_inside_) hosts_.reset();
  }
  // Answers the open question, and lets this instant's work be done.
  void answer(Outcome outcome, std::vector<AddressRecord> records = {}) {
    ASSERT_TRUE(resolver_.hasOpen());
    resolver_.answer(outcome, std::move(records));
    simulation_.runFor(absl::ZeroDuration());
  }
  // How long it takes until the next question comes.
  absl::Duration untilAsked() {
    const base::MonotonicTime start = simulation_.now();
    EXPECT_TRUE(simulation_.runUntil([this] { return resolver_.hasOpen(); }, absl::Hours(100)));
    return simulation_.now() - start;
  }
  std::string last() const { return lists_.empty() ? "never called" : lists_.back(); }

  harness::Simulation simulation_{7};
  event::Dispatcher& dispatcher_ = simulation_.addDispatcher();
  FakeResolver resolver_{dispatcher_};
  DnsHostsOptions options_ = {.name = "web.example", .port = 80};
  std::vector<std::string> lists_;
  bool destroy_inside_ = false;
  std::optional<DnsHosts> hosts_;
};

TEST_F(DnsHostsTest, AsksAtOnceAndTellsLater) {
  options_.family = Family::kV4Preferred;
  start();
  ASSERT_EQ(resolver_.questions.size(), 1u);
  EXPECT_EQ(resolver_.questions[0].name, "web.example");
  EXPECT_EQ(resolver_.questions[0].family, Family::kV4Preferred);
  EXPECT_TRUE(lists_.empty());
  EXPECT_EQ(hosts_->state(), State::kUnknown);
  answer(Outcome::kFound, records({"10.0.0.2", "10.0.0.1", "::1", "10.0.0.2"}));
  EXPECT_EQ(last(), "10.0.0.1:80 10.0.0.2:80 [::1]:80");
  EXPECT_EQ(hosts_->state(), State::kFresh);
}

TEST_F(DnsHostsTest, RefreshesAtItsRateAndTellsOnlyChanges) {
  start();
  answer(Outcome::kFound, records({"10.0.0.1", "10.0.0.2"}));
  EXPECT_EQ(untilAsked(), absl::Seconds(5));
  answer(Outcome::kFound, records({"10.0.0.2", "10.0.0.1"}));  // another order is no change
  EXPECT_EQ(untilAsked(), absl::Seconds(5));
  answer(Outcome::kFound, records({"10.0.0.2"}));
  EXPECT_EQ(lists_, (std::vector<std::string>{"10.0.0.1:80 10.0.0.2:80", "10.0.0.2:80"}));
  EXPECT_EQ(hosts_->counts().attempts, 3u);
  EXPECT_EQ(hosts_->counts().successes, 3u);
  EXPECT_EQ(hosts_->counts().unchanged, 1u);
}

TEST_F(DnsHostsTest, RespectsTheLeastTimeToLiveWithinItsBounds) {
  options_.respect_ttl = true;
  options_.refresh_rate = absl::Seconds(7);
  options_.min_refresh = absl::Seconds(2);
  options_.max_refresh = absl::Seconds(100);
  start();
  struct Row {
    absl::Duration first, second, refresh;
  };
  for (const Row& row : std::vector<Row>{{absl::Seconds(50), absl::Seconds(20), absl::Seconds(20)},
                                         {absl::Seconds(1), absl::Seconds(50), absl::Seconds(2)},
                                         {absl::Hours(9), absl::Hours(8), absl::Seconds(100)},
                                         {absl::ZeroDuration(), absl::Hours(8), absl::Seconds(7)},  // TTL 0
                                         {absl::InfiniteDuration(), absl::InfiniteDuration(), absl::Seconds(7)}}) {
    std::vector<AddressRecord> found = records({"10.0.0.1"}, row.first);
    for (const AddressRecord& record : records({"10.0.0.2"}, row.second)) found.push_back(record);
    answer(Outcome::kFound, found);
    EXPECT_EQ(untilAsked(), row.refresh);
  }
}

TEST_F(DnsHostsTest, JitterIsAddedToEachRefresh) {
  options_.jitter = absl::Seconds(2);
  start();
  absl::Duration least = absl::Hours(1), most;
  for (int i = 0; i < 200; ++i) {
    answer(Outcome::kFound, records({"10.0.0.1"}));
    const absl::Duration waited = untilAsked();
    least = std::min(least, waited);
    most = std::max(most, waited);
  }
  // Of 200, one is within 5 % of either end but for one seed in 15,000.
  EXPECT_GE(least, absl::Seconds(5));
  EXPECT_LT(least, absl::Seconds(5.1));
  EXPECT_LE(most, absl::Seconds(7) + absl::Milliseconds(2));
  EXPECT_GT(most, absl::Seconds(6.9));
}

TEST_F(DnsHostsTest, BacksOffAfterFailuresWithJitterUpToTheMaximum) {
  options_.failure_base = absl::Seconds(2);
  options_.failure_max = absl::Seconds(16);
  start();
  for (int round = 0; round < 50; ++round) {
    for (const int limit : {2, 4, 8, 16, 16, 16}) {
      answer(Outcome::kTimeout);
      const absl::Duration waited = untilAsked();
      EXPECT_LE(waited, absl::Seconds(limit) + absl::Milliseconds(2));
      EXPECT_GE(waited, absl::Seconds(limit) / 10);
    }
    answer(Outcome::kFound, records({"10.0.0.1"}));  // begins anew
    EXPECT_EQ(untilAsked(), absl::Seconds(5));
  }
}

TEST_F(DnsHostsTest, WithoutABackOffFailuresAreRetriedAtTheRefreshRate) {
  start();
  answer(Outcome::kServerFailure);
  EXPECT_EQ(untilAsked(), absl::Seconds(5));
  options_.failure_base = absl::Seconds(1);  // the maximum is ten times as much
  hosts_.reset();
  EXPECT_FALSE(resolver_.hasOpen());
  start();
  for (int i = 0; i < 100; ++i) {
    answer(Outcome::kServerFailure);
    EXPECT_LE(untilAsked(), absl::Seconds(10) + absl::Milliseconds(2));
  }
}

TEST_F(DnsHostsTest, KeepsTheLastGoodHostsForABoundedTime) {
  for (const Outcome outcome :
       {Outcome::kNoName, Outcome::kNoData, Outcome::kServerFailure, Outcome::kTimeout, Outcome::kBadAnswer}) {
    lists_.clear();
    start();
    answer(Outcome::kFound, records({"10.0.0.1"}));
    const base::MonotonicTime good = simulation_.now();
    while (hosts_->state() != State::kGone) {
      untilAsked();
      answer(outcome);
      EXPECT_EQ(hosts_->hosts().size(), hosts_->state() == State::kStale ? 1u : 0u);
      EXPECT_EQ(hosts_->lastOutcome(), outcome);
      simulation_.runFor(absl::Seconds(1));
    }
    EXPECT_GE(simulation_.now() - good, absl::Minutes(5));
    EXPECT_LE(simulation_.now() - good, absl::Minutes(5) + absl::Seconds(6));
    EXPECT_EQ(lists_, (std::vector<std::string>{"10.0.0.1:80", ""}));
    EXPECT_EQ(hosts_->counts().expired, 1u);
    EXPECT_EQ(isEmpty(outcome) ? hosts_->counts().empty : hosts_->counts().failures, 60u);
    untilAsked();
    answer(Outcome::kFound, records({"10.0.0.1"}));
    EXPECT_EQ(last(), "10.0.0.1:80");
    EXPECT_EQ(hosts_->state(), State::kFresh);
    hosts_.reset();
  }
}

TEST_F(DnsHostsTest, AGoodAnswerEndsStaleness) {
  start();
  answer(Outcome::kFound, records({"10.0.0.1"}));
  untilAsked();
  answer(Outcome::kServerFailure);
  EXPECT_EQ(hosts_->state(), State::kStale);
  untilAsked();
  answer(Outcome::kFound, records({"10.0.0.1"}));
  EXPECT_EQ(hosts_->state(), State::kFresh);
  simulation_.runFor(absl::Hours(1));  // one question is open; the old deadline is void
  EXPECT_EQ(hosts_->state(), State::kFresh);
  EXPECT_EQ(lists_.size(), 1u);
}

TEST_F(DnsHostsTest, MayKeepStaleHostsForever) {
  options_.keep_stale = absl::InfiniteDuration();
  start();
  answer(Outcome::kFound, records({"10.0.0.1"}));
  for (int i = 0; i < 1000; ++i) {
    untilAsked();
    answer(Outcome::kTimeout);
  }
  EXPECT_EQ(hosts_->state(), State::kStale);
  EXPECT_EQ(lists_.size(), 1u);
}

TEST_F(DnsHostsTest, TheFirstFailureIsToldAsAnEmptyList) {
  start();
  answer(Outcome::kNoName);
  EXPECT_EQ(lists_, std::vector<std::string>{""});
  EXPECT_EQ(hosts_->state(), State::kGone);
  untilAsked();
  answer(Outcome::kNoName);
  EXPECT_EQ(lists_.size(), 1u);
}

TEST_F(DnsHostsTest, LogicalTakesTheFirstAddressOfEachAnswer) {
  options_.semantics = DnsHostsOptions::Semantics::kLogical;
  start();
  answer(Outcome::kFound, records({"10.0.0.2", "10.0.0.1"}));
  untilAsked();
  answer(Outcome::kFound, records({"10.0.0.1", "10.0.0.2"}));
  untilAsked();
  answer(Outcome::kFound, records({"10.0.0.1"}));
  EXPECT_EQ(lists_, (std::vector<std::string>{"10.0.0.2:80", "10.0.0.1:80"}));
}

TEST_F(DnsHostsTest, MayBeDestroyedAtAnyTimeAndFromInside) {
  start();
  hosts_.reset();
  EXPECT_FALSE(resolver_.hasOpen());
  destroy_inside_ = true;
  start();
  answer(Outcome::kFound, records({"10.0.0.1"}));
  EXPECT_FALSE(hosts_.has_value());
  start();
  answer(Outcome::kNoName);
  EXPECT_FALSE(hosts_.has_value());
  destroy_inside_ = false;
  start();
  answer(Outcome::kFound, records({"10.0.0.1"}));
  destroy_inside_ = true;
  while (hosts_.has_value()) {  // until the stale list comes to its end
    simulation_.runFor(absl::Seconds(1));
    if (resolver_.hasOpen()) answer(Outcome::kTimeout);
  }
  EXPECT_EQ(last(), "");
}

TEST_F(DnsHostsTest, TakesManyRecords) {
  std::vector<std::string> ips;
  for (int i = 0; i < 600; ++i) ips.push_back("10.1." + std::to_string(i / 200) + "." + std::to_string(i % 200));
  start();
  answer(Outcome::kFound, records(ips));
  EXPECT_EQ(hosts_->hosts().size(), 600u);
}

}  // namespace
}  // namespace weir::upstream::dns
