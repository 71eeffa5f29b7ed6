#include "source/upstream/dns/ares_resolver.h"

#include <sys/socket.h>
#include <unistd.h>

#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "source/base/clock.h"
#include "source/base/ticket.h"
#include "source/event/timer.h"
#include "test/upstream/dns/dns_messages.h"
#include "test/upstream/dns/dns_server.h"

namespace weir::upstream::dns {
namespace {

constexpr uint16_t kServerFailed = 2;
constexpr uint16_t kNoSuchName = 3;
constexpr uint16_t kRefused = 5;

// One call, and what came of it.
class Lookup final : public AddressReceiver, public ServiceReceiver {
 public:
  void onAddresses(Outcome outcome, std::vector<AddressRecord> records) override {
    ++calls;
    text = outcomeText(outcome);
    for (const AddressRecord& record : records) {
      if (outcome == Outcome::kFound) text = text == "found" ? "" : text + " ";
      text += record.address.ip();
      least_ttl = std::min(least_ttl, record.ttl);
    }
    count = records.size();
    if (then) then();
  }
  void onServices(Outcome outcome, std::vector<ServiceRecord> records) override {
    ++calls;
    text = outcomeText(outcome);
    count = records.size();
    services = std::move(records);
  }

  int calls = 0;
  std::string text = "nothing yet";
  size_t count = 0;
  absl::Duration least_ttl = absl::InfiniteDuration();
  std::vector<ServiceRecord> services;
  std::function<void()> then;
  base::Ticket ticket;
};

class AresResolverTest : public testing::Test, private event::TimerHandler {
 protected:
  AresResolverTest() {
    options_.servers = {server_.address()};
    options_.use_search_domains = false;
    options_.hosts_path = "";
    options_.query_timeout = absl::Seconds(20);
    options_.tries = 1;
  }

  AresResolver& resolver() {
    if (resolver_ == nullptr) resolver_ = *AresResolver::create(dispatcher_, poller_, options_);
    return *resolver_;
  }
  void ask(Lookup& lookup, std::string_view name, Family family = Family::kV4Only) {
    lookup.ticket = resolver().resolve(name, family, lookup);
    EXPECT_EQ(lookup.calls, 0) << "an answer came inside the call";
  }
  // Turns the loop until `done`, at most a minute.
  void runUntil(const std::function<bool()>& done) {
    expired_ = false;
    guard_.arm(absl::Minutes(1));
    while (!done() && !expired_) dispatcher_.turn(true);
    guard_.cancel();
    EXPECT_FALSE(expired_) << "nothing came of it within a minute";
  }
  std::string resolve(std::string_view name, Family family = Family::kV4Only) {
    Lookup lookup;
    ask(lookup, name, family);
    runUntil([&] { return lookup.calls > 0; });
    return lookup.text;
  }
  void onTimer(event::Timer&) override { expired_ = true; }

  base::RealClock clock_;
  event::LibeventPoller poller_;
  event::Dispatcher dispatcher_{poller_, clock_};
  event::Timer guard_{dispatcher_, *this};
  bool expired_ = false;
  DnsServer server_{poller_};
  AresOptions options_;
  std::unique_ptr<AresResolver> resolver_;
};

TEST_F(AresResolverTest, FindsAddressesWithTheirTimesToLive) {
  server_.answerWith(0, {addressRecord("web.example", "10.0.0.1", 30), addressRecord("web.example", "10.0.0.2", 20)});
  Lookup lookup;
  ask(lookup, "web.example");
  EXPECT_EQ(resolver().pending(), 1u);
  runUntil([&] { return lookup.calls > 0; });
  EXPECT_EQ(lookup.text, "10.0.0.1 10.0.0.2");
  EXPECT_EQ(lookup.least_ttl, absl::Seconds(20));
  EXPECT_FALSE(lookup.ticket);
  EXPECT_EQ(resolver().pending(), 0u);
  EXPECT_EQ(server_.seen.size(), 1u);
}

TEST_F(AresResolverTest, PassesOnATimeToLiveOfZero) {
  server_.answerWith(0, {addressRecord("web.example", "10.0.0.1", 0)});
  Lookup lookup;
  ask(lookup, "web.example");
  runUntil([&] { return lookup.calls > 0; });
  EXPECT_EQ(lookup.least_ttl, absl::ZeroDuration());
}

TEST_F(AresResolverTest, TellsTheWaysOfFindingNothingApart) {
  server_.answerWith(kNoSuchName, {});
  EXPECT_EQ(resolve("a.example"), outcomeText(Outcome::kNoName));
  server_.answerWith(0, {});
  EXPECT_EQ(resolve("a.example"), outcomeText(Outcome::kNoData));
  server_.answerWith(0, {aliasRecord("a.example", "b.example", 5)});
  EXPECT_EQ(resolve("a.example"), outcomeText(Outcome::kNoData));
  server_.answerWith(0, {aliasRecord("a.example", "b.example", 5), aliasRecord("b.example", "a.example", 5)});
  EXPECT_EQ(resolve("a.example"), outcomeText(Outcome::kBadAnswer));
  server_.answerWith(0, {rawRecord("a.example", RecordType::kA, 5, "abc")});
  EXPECT_EQ(resolve("a.example"), outcomeText(Outcome::kBadAnswer));
}

TEST_F(AresResolverTest, ServersThatFailOrRefuseAreNotSilence) {
  server_.answerWith(kServerFailed, {});
  EXPECT_EQ(resolve("a.example"), outcomeText(Outcome::kServerFailure));
  server_.answerWith(kRefused, {});
  EXPECT_EQ(resolve("a.example"), outcomeText(Outcome::kServerFailure));
}

TEST_F(AresResolverTest, AsksTheNextServerWhenOneFails) {
  DnsServer second(poller_);
  options_.servers.push_back(second.address());
  server_.answerWith(kServerFailed, {});
  second.answerWith(0, {addressRecord("a.example", "10.0.0.9", 5)});
  EXPECT_EQ(resolve("a.example"), "10.0.0.9");
  EXPECT_EQ(server_.seen.size(), 1u);
  resolver_.reset();
}

TEST_F(AresResolverTest, TimesOutWhenNobodyAnswers) {
  options_.query_timeout = absl::Milliseconds(50);
  options_.tries = 2;
  const base::MonotonicTime start = clock_.monotonic();
  EXPECT_EQ(resolve("a.example"), outcomeText(Outcome::kTimeout));
  EXPECT_EQ(server_.seen.size(), 2u);
  EXPECT_GE(clock_.monotonic() - start, absl::Milliseconds(100));
}

TEST_F(AresResolverTest, AServerThatIsNotThereIsAFailureAtOnce) {
  {
    DnsServer gone(poller_);
    options_.servers = {gone.address()};
  }
  EXPECT_EQ(resolve("a.example"), outcomeText(Outcome::kServerFailure));
}

TEST_F(AresResolverTest, TakesAThousandRecordsOverTcpAfterTruncation) {
  std::vector<std::string> records;
  for (int i = 0; i < 1000; ++i) {
    records.push_back(
        addressRecord("big.example", "10.1." + std::to_string(i / 250) + "." + std::to_string(i % 250), 60));
  }
  server_.answerWith(0, records);
  Lookup lookup;
  ask(lookup, "big.example");
  runUntil([&] { return lookup.calls > 0; });
  EXPECT_EQ(lookup.count, 1000u);
  ASSERT_EQ(server_.seen.size(), 2u);
  EXPECT_FALSE(server_.seen[0].tcp);
  EXPECT_TRUE(server_.seen[1].tcp);
}

TEST_F(AresResolverTest, UsesTcpAloneWhenToldTo) {
  options_.use_tcp = true;
  server_.answerWith(0, {addressRecord("a.example", "10.0.0.1", 60)});
  EXPECT_EQ(resolve("a.example"), "10.0.0.1");
  ASSERT_EQ(server_.seen.size(), 1u);
  EXPECT_TRUE(server_.seen[0].tcp);
}

TEST_F(AresResolverTest, AsksForTheFamiliesThatAreWanted) {
  const std::string v4 = addressRecord("both.example", "10.0.0.1", 60);
  const std::string v6 = addressRecord("both.example", "2001:db8::1", 60);
  server_.answerWith([&](const DnsServer::Question& question) {
    std::vector<std::string> records;
    if (question.name == "both.example") records = {question.type == 1 ? v4 : v6};
    if (question.name == "four.example" && question.type == 1)
      records = {addressRecord("four.example", "10.0.0.4", 60)};
    if (question.name == "six.example" && question.type == 28) records = {addressRecord("six.example", "::6", 60)};
    return std::vector<std::string>{message(question.id, 0x8180, question.name, question.type, records)};
  });
  struct Row {
    Family family;
    const char *both, *four, *six;
  };
  const char* none = "no such record";
  for (const Row& row : std::vector<Row>{{Family::kAuto, "2001:db8::1", "10.0.0.4", "::6"},
                                         {Family::kV4Only, "10.0.0.1", "10.0.0.4", none},
                                         {Family::kV6Only, "2001:db8::1", none, "::6"},
                                         {Family::kV4Preferred, "10.0.0.1", "10.0.0.4", "::6"},
                                         {Family::kAll, "10.0.0.1 2001:db8::1", "10.0.0.4", "::6"}}) {
    EXPECT_EQ(resolve("both.example", row.family), row.both);
    EXPECT_EQ(resolve("four.example", row.family), row.four);
    EXPECT_EQ(resolve("six.example", row.family), row.six);
    EXPECT_EQ(resolve("neither.example", row.family), none);
  }
}

TEST_F(AresResolverTest, AFailureForOneFamilyCountsMoreThanNothingForTheOther) {
  server_.answerWith([](const DnsServer::Question& question) {
    const uint16_t code = question.type == 1 ? kServerFailed : 0;
    return std::vector<std::string>{
        message(question.id, static_cast<uint16_t>(0x8180 | code), question.name, question.type, {})};
  });
  for (const Family family : {Family::kAuto, Family::kV4Preferred, Family::kAll}) {
    EXPECT_EQ(resolve("a.example", family), outcomeText(Outcome::kServerFailure));
  }
}

TEST_F(AresResolverTest, IgnoresGarbageAndAnswersWithAnotherId) {
  server_.answerWith([](const DnsServer::Question& question) {
    const std::string good =
        message(question.id, 0x8180, question.name, question.type, {addressRecord(question.name, "10.0.0.1", 60)});
    std::string forged = message(static_cast<uint16_t>(question.id + 1), 0x8180, question.name, question.type,
                                 {addressRecord(question.name, "6.6.6.6", 60)});
    const std::string other =
        message(question.id, 0x8180, "other.example", question.type, {addressRecord("other.example", "6.6.6.6", 60)});
    return std::vector<std::string>{"x", std::string(40, '\xff'), good.substr(0, 9), forged, other, good};
  });
  EXPECT_EQ(resolve("a.example"), "10.0.0.1");
}

TEST_F(AresResolverTest, GarbageAloneIsATimeout) {
  options_.query_timeout = absl::Milliseconds(50);
  server_.answerWith([](const DnsServer::Question&) { return std::vector<std::string>{std::string(100, '\x7f')}; });
  EXPECT_EQ(resolve("a.example"), outcomeText(Outcome::kTimeout));
}

TEST_F(AresResolverTest, FindsServices) {
  server_.answerWith(
      0, {serviceRecord("_web._tcp.x", 1, 2, 8080, "a.x", 9), serviceRecord("_web._tcp.x", 3, 4, 80, "b.x", 8)});
  Lookup lookup;
  lookup.ticket = resolver().resolveService("_web._tcp.x", lookup);
  EXPECT_EQ(lookup.calls, 0);
  runUntil([&] { return lookup.calls > 0; });
  ASSERT_EQ(lookup.services.size(), 2u);
  EXPECT_EQ(lookup.services[0].target + " " + lookup.services[1].target, "a.x b.x");
  EXPECT_EQ(lookup.services[1].port, 80);
  server_.answerWith(kNoSuchName, {});
  Lookup missing;
  missing.ticket = resolver().resolveService("_web._tcp.y", missing);
  runUntil([&] { return missing.calls > 0; });
  EXPECT_EQ(missing.text, outcomeText(Outcome::kNoName));
}

TEST_F(AresResolverTest, AnswersWithoutServersWhatNeedsNone) {
  const std::string path = testing::TempDir() + "ares_resolver_test.hosts." + std::to_string(getpid());
  std::ofstream(path) << "10.7.7.7 listed.example\n::7 listed.example\n10.8.8.8 four.example\n";
  options_.hosts_path = path;
  server_.answerWith(0, {addressRecord("four.example", "::8", 60)});
  EXPECT_EQ(resolve("192.0.2.1"), "192.0.2.1");
  EXPECT_EQ(resolve("::1", Family::kAuto), "::1");
  EXPECT_EQ(resolve("::1", Family::kV4Only), outcomeText(Outcome::kNoData));
  EXPECT_EQ(resolve("Listed.Example"), "10.7.7.7");
  EXPECT_EQ(resolve("listed.example", Family::kAuto), "::7");
  EXPECT_EQ(resolve("listed.example.", Family::kAll), "10.7.7.7 ::7");
  EXPECT_EQ(resolve("localhost"), "127.0.0.1");
  EXPECT_EQ(resolve("a.LOCALHOST.", Family::kV6Only), "::1");
  for (const char* name : {"", ".", "a..b", "a b", "a/b", "a\\b"}) {
    EXPECT_EQ(resolve(name), outcomeText(Outcome::kBadName)) << name;
  }
  EXPECT_EQ(resolve(std::string_view("a\0b", 3)), outcomeText(Outcome::kBadName));
  EXPECT_EQ(resolve(std::string(64, 'a') + ".x"), outcomeText(Outcome::kBadName));
  EXPECT_TRUE(server_.seen.empty());
  EXPECT_EQ(resolve("four.example", Family::kV6Only), "::8");  // only half of it is in the file
  ::unlink(path.c_str());
}

TEST_F(AresResolverTest, ManyAreAskedAtOnceButNoMoreThanTheLimit) {
  options_.max_parallel = 50;
  size_t open = 0, most = 0;
  server_.answerWith([&](const DnsServer::Question& question) {
    most = std::max(most, ++open);
    return std::vector<std::string>{
        message(question.id, 0x8180, question.name, question.type, {addressRecord(question.name, "10.0.0.1", 60)})};
  });
  std::vector<std::unique_ptr<Lookup>> lookups;
  size_t done = 0;
  for (int i = 0; i < 1000; ++i) {
    lookups.push_back(std::make_unique<Lookup>());
    lookups.back()->then = [&] {
      ++done;
      --open;
    };
    ask(*lookups.back(), "n" + std::to_string(i) + ".example");
  }
  EXPECT_EQ(resolver().pending(), 1000u);
  runUntil([&] { return done == 1000; });
  for (const auto& lookup : lookups) EXPECT_EQ(lookup->text, "10.0.0.1");
  EXPECT_LE(most, 50u);
  EXPECT_GE(most, 10u);
}

TEST_F(AresResolverTest, NothingIsCalledAfterTheTicketIsGone) {
  server_.answerWith(0, {addressRecord("a.example", "10.0.0.1", 60)});
  Lookup gone, local, stays;
  ask(gone, "a.example", Family::kAll);
  ask(local, "192.0.2.1");
  ask(stays, "a.example");
  gone.ticket.cancel();
  local.ticket.cancel();
  EXPECT_EQ(resolver().pending(), 1u);
  runUntil([&] { return stays.calls > 0; });
  EXPECT_EQ(gone.calls + local.calls, 0);
}

TEST_F(AresResolverTest, CancelledQuestionsMakeRoomForOthers) {
  options_.max_parallel = 1;
  options_.query_timeout = absl::Milliseconds(100);
  server_.answerWith([](const DnsServer::Question& question) {
    if (question.name == "silent.example") return std::vector<std::string>();
    return std::vector<std::string>{
        message(question.id, 0x8180, question.name, question.type, {addressRecord(question.name, "10.0.0.1", 60)})};
  });
  Lookup silent, waiting, cancelled;
  ask(silent, "silent.example");
  ask(cancelled, "cancelled.example");
  ask(waiting, "a.example");
  silent.ticket.cancel();
  cancelled.ticket.cancel();
  runUntil([&] { return waiting.calls > 0; });
  EXPECT_EQ(waiting.text, "10.0.0.1");
  EXPECT_EQ(silent.calls + cancelled.calls, 0);
}

TEST_F(AresResolverTest, ReceiversMayAskAndCancelFromInside) {
  server_.answerWith([](const DnsServer::Question& question) {
    return std::vector<std::string>{
        message(question.id, 0x8180, question.name, question.type, {addressRecord(question.name, "10.0.0.1", 60)})};
  });
  // Of two that come in the same turn, the first cancels the second, and asks again, twice.
  Lookup first, second, again, more;
  first.then = [&] {
    second.ticket.cancel();
    ask(again, "again.example");
    ask(more, "192.0.2.9");
  };
  second.then = [&] { first.ticket.cancel(); };
  more.then = [&] { more.ticket.cancel(); };  // its own, which is over
  ask(first, "192.0.2.1");
  ask(second, "192.0.2.2");
  runUntil([&] { return again.calls > 0 && more.calls > 0; });
  EXPECT_EQ(first.calls, 1);
  EXPECT_EQ(second.calls, 0);
  EXPECT_EQ(again.text, "10.0.0.1");
}

TEST_F(AresResolverTest, MayBeDestroyedWithQuestionsOpen) {
  Lookup asked, queued, finished;
  options_.max_parallel = 1;
  ask(asked, "a.example", Family::kAll);
  ask(queued, "b.example");
  ask(finished, "192.0.2.1");
  dispatcher_.turn(false);
  resolver_.reset();
  EXPECT_FALSE(asked.ticket);
  EXPECT_FALSE(queued.ticket);
  EXPECT_EQ(asked.calls + queued.calls, 0);
  while (dispatcher_.turn(false)) {
  }
}

TEST_F(AresResolverTest, RefusesAServerThatIsNoIpAddress) {
  options_.servers = {*net::Address::unixPath("/run/dns")};
  EXPECT_EQ(AresResolver::create(dispatcher_, poller_, options_).status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace weir::upstream::dns
