#include "source/upstream/dns/answer.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "source/base/random.h"
#include "test/upstream/dns/dns_messages.h"

namespace weir::upstream::dns {
namespace {

std::string answerTo(std::string_view name, RecordType type, const std::vector<std::string>& records) {
  return message(7, 0x8180, name, static_cast<uint16_t>(type), records);
}

std::vector<std::string> texts(const Answer& answer) {
  std::vector<std::string> out;
  for (const AddressRecord& record : answer.addresses) {
    out.push_back(record.address.ip() + " " + absl::FormatDuration(record.ttl));
  }
  return out;
}

using Texts = std::vector<std::string>;

TEST(AnswerTest, ReadsAddressesOfTheNameThatWasAskedFor) {
  const auto v4 =
      readAnswer(answerTo("Web.Example", RecordType::kA,
                          {addressRecord("web.example", "10.0.0.1", 30), addressRecord("evil.example", "6.6.6.6", 30),
                           addressRecord("WEB.example", "10.0.0.2", 0)}),
                 RecordType::kA);
  ASSERT_TRUE(v4.ok());
  EXPECT_EQ(texts(*v4), (Texts{"10.0.0.1 30s", "10.0.0.2 0"}));
  const auto v6 = readAnswer(answerTo("a.b", RecordType::kAaaa,
                                      {addressRecord("a.b", "2001:db8::1", 60), addressRecord("a.b", "10.0.0.1", 60)}),
                             RecordType::kAaaa);
  EXPECT_EQ(texts(*v6), (Texts{"2001:db8::1 1m"}));
}

TEST(AnswerTest, FollowsAliasesInAnyOrderWithTheLeastTimeToLive) {
  const auto answer = readAnswer(answerTo("a.x", RecordType::kA,
                                          {aliasRecord("b.x", "c.x", 7), addressRecord("c.x", "10.0.0.3", 100),
                                           aliasRecord("a.x", "b.x", 50), addressRecord("a.x", "10.9.9.9", 1)}),
                                 RecordType::kA);
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(texts(*answer), (Texts{"10.0.0.3 7s"}));
}

TEST(AnswerTest, AnAliasThatLeadsNowhereIsEmptyAndACircleIsAnError) {
  const auto nowhere = readAnswer(answerTo("a.x", RecordType::kA, {aliasRecord("a.x", "b.x", 5)}), RecordType::kA);
  ASSERT_TRUE(nowhere.ok());
  EXPECT_TRUE(nowhere->addresses.empty());
  for (const std::vector<std::string>& circle : std::vector<std::vector<std::string>>{
           {aliasRecord("a.x", "a.x", 5)},
           {aliasRecord("a.x", "b.x", 5), aliasRecord("b.x", "a.x", 5)},
           {aliasRecord("a.x", "b.x", 5), aliasRecord("b.x", "c.x", 5), aliasRecord("c.x", "b.x", 5)}}) {
    EXPECT_EQ(readAnswer(answerTo("a.x", RecordType::kA, circle), RecordType::kA).status().message(),
              "aliases lead in a circle");
  }
}

TEST(AnswerTest, FollowsLongChains) {
  std::vector<std::string> records;
  for (int i = 0; i < 200; ++i) {
    records.push_back(aliasRecord("n" + std::to_string(i) + ".x", "n" + std::to_string(i + 1) + ".x", 100));
  }
  records.push_back(addressRecord("n200.x", "10.0.0.1", 100));
  EXPECT_EQ(texts(*readAnswer(answerTo("n0.x", RecordType::kA, records), RecordType::kA)), (Texts{"10.0.0.1 1m40s"}));
}

TEST(AnswerTest, ReadsServices) {
  const auto answer = readAnswer(answerTo("_http._tcp.x", RecordType::kSrv,
                                          {serviceRecord("_http._tcp.x", 1, 20, 8080, "Host.x", 30),
                                           serviceRecord("_http._tcp.x", 2, 0, 80, "", 30)}),
                                 RecordType::kSrv);
  ASSERT_TRUE(answer.ok());
  ASSERT_EQ(answer->services.size(), 1u);  // "." is none
  const ServiceRecord& service = answer->services[0];
  EXPECT_EQ(service.target, "host.x");
  EXPECT_EQ(service.priority, 1);
  EXPECT_EQ(service.weight, 20);
  EXPECT_EQ(service.port, 8080);
  EXPECT_EQ(service.ttl, absl::Seconds(30));
}

TEST(AnswerTest, ReadsCompressedNames) {
  // The owner points to the question at 12.
  std::string record = addressRecord("", "10.0.0.1", 9);
  record = std::string("\xc0\x0c", 2) + record.substr(1);
  EXPECT_EQ(texts(*readAnswer(answerTo("a.x", RecordType::kA, {record}), RecordType::kA)), (Texts{"10.0.0.1 9s"}));
  // "b" and then the ".x" of the question, at 14; the service's target likewise.
  std::string alias = rawRecord("", RecordType::kCname, 5,
                                std::string("\x01"
                                            "b\xc0\x0e",
                                            4));
  alias = std::string("\xc0\x0c", 2) + alias.substr(1);
  EXPECT_EQ(
      texts(*readAnswer(answerTo("a.x", RecordType::kA, {alias, addressRecord("b.x", "10.0.0.2", 9)}), RecordType::kA)),
      (Texts{"10.0.0.2 5s"}));
}

TEST(AnswerTest, PointersForwardOrToThemselvesAreErrors) {
  const std::string rest = addressRecord("", "10.0.0.1", 9).substr(1);
  const size_t owner = answerTo("a.x", RecordType::kA, {}).size();
  for (const size_t target : {owner, owner + 2, owner + 500}) {
    const std::string pointer = {static_cast<char>(0xc0 | target >> 8), static_cast<char>(target)};
    EXPECT_FALSE(readAnswer(answerTo("a.x", RecordType::kA, {pointer + rest}), RecordType::kA).ok()) << target;
  }
  // Two pointers at each other: the second leads forward.
  const std::string first = {static_cast<char>(0xc0), static_cast<char>(owner + rest.size() + 2)};
  const std::string second = {static_cast<char>(0xc0), static_cast<char>(owner)};
  EXPECT_FALSE(readAnswer(answerTo("a.x", RecordType::kA, {first + rest, second + rest}), RecordType::kA).ok());
}

TEST(AnswerTest, ATimeToLiveWithTheHighestBitIsZero) {
  EXPECT_EQ(
      texts(*readAnswer(answerTo("a", RecordType::kA, {addressRecord("a", "10.0.0.1", 0x80000001)}), RecordType::kA)),
      (Texts{"10.0.0.1 0"}));
}

TEST(AnswerTest, RecordsOfTheWrongLengthAreErrors) {
  EXPECT_FALSE(
      readAnswer(answerTo("a", RecordType::kA, {rawRecord("a", RecordType::kA, 1, "abc")}), RecordType::kA).ok());
  EXPECT_FALSE(
      readAnswer(answerTo("a", RecordType::kA, {rawRecord("a", RecordType::kA, 1, "abcde")}), RecordType::kA).ok());
  EXPECT_FALSE(
      readAnswer(answerTo("a", RecordType::kAaaa, {rawRecord("a", RecordType::kAaaa, 1, "abcd")}), RecordType::kAaaa)
          .ok());
  EXPECT_FALSE(
      readAnswer(answerTo("a", RecordType::kSrv, {rawRecord("a", RecordType::kSrv, 1, "abcd")}), RecordType::kSrv)
          .ok());
  EXPECT_FALSE(readAnswer(answerTo("a", RecordType::kA, {rawRecord("a", RecordType::kCname, 1, wireName("b") + "x")}),
                          RecordType::kA)
                   .ok());
}

TEST(AnswerTest, EveryPrefixOfAnAnswerIsAnError) {
  const std::string whole =
      answerTo("a.x", RecordType::kSrv, {aliasRecord("a.x", "b.x", 5), serviceRecord("b.x", 1, 2, 3, "c.x", 30)});
  ASSERT_TRUE(readAnswer(whole, RecordType::kSrv).ok());
  for (size_t length = 0; length < whole.size(); ++length) {
    EXPECT_FALSE(readAnswer(whole.substr(0, length), RecordType::kSrv).ok()) << length;
  }
}

// Nothing is promised of the result but that there is one: sanitizers watch.
TEST(AnswerTest, TakesAnyBytes) {
  base::Random random(5);
  const std::string whole = answerTo(
      "a.x", RecordType::kA,
      {aliasRecord("a.x", "b.x", 5), addressRecord("b.x", "10.0.0.1", 3), serviceRecord("b.x", 1, 2, 3, "c.x", 30)});
  size_t good = 0;
  for (int i = 0; i < 20000; ++i) {
    std::string bytes = whole;
    for (uint64_t n = 1 + random.below(4); n > 0; --n)
      bytes[random.below(bytes.size())] = static_cast<char>(random.next());
    for (const RecordType type : {RecordType::kA, RecordType::kAaaa, RecordType::kSrv}) {
      good += readAnswer(bytes, type).ok();
    }
  }
  EXPECT_GT(good, 0u);
  for (int i = 0; i < 20000; ++i) {
    std::string bytes(random.below(64), '\0');
    for (char& c : bytes) c = static_cast<char>(random.next());
    good += readAnswer(bytes, RecordType::kA).ok();
  }
}

}  // namespace
}  // namespace weir::upstream::dns
