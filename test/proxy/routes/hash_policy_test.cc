#include "source/proxy/routes/hash_policy.h"

#include <string>

#include "gtest/gtest.h"
#include "source/proxy/routes/path_rewrite.h"

namespace weir::proxy {
namespace {

using Rule = HashPolicy::Rule;

class HashPolicyTest : public testing::Test {
 protected:
  HashPolicyTest() {
    head_.method = "GET";
    head_.scheme = "http";
    head_.authority = "h";
    head_.path = "/p?user=ann&x=1";
    info_.start_wall = absl::FromUnixSeconds(1'700'000'000);
    info_.request_id = "one";
    info_.downstream_remote = *net::Address::parseIp("10.1.2.3", 5);
    info_.downstream_direct_remote = info_.downstream_remote;
  }

  HashPolicy::Outcome apply(std::vector<Rule> rules) { return HashPolicy(std::move(rules)).apply(head_, info_); }

  base::ChunkPool chunks_;
  base::Arena arena_{chunks_};
  http::Head head_{arena_};
  filter::StreamInfo info_;
};

TEST_F(HashPolicyTest, HashesWhatIsThereAndNothingElse) {
  EXPECT_FALSE(apply({{.kind = Rule::Kind::kHeader, .name = "x-user"}}).hash);
  EXPECT_FALSE(apply({{.kind = Rule::Kind::kCookie, .name = "c"}}).hash);
  EXPECT_FALSE(apply({{.kind = Rule::Kind::kQueryParameter, .name = "y"}}).hash);
  head_.headers.add("x-user", "ann");
  head_.headers.add("cookie", "a=1; c=\"ann\"");
  const auto header = apply({{.kind = Rule::Kind::kHeader, .name = "x-user"}});
  const auto cookie = apply({{.kind = Rule::Kind::kCookie, .name = "c"}});
  const auto parameter = apply({{.kind = Rule::Kind::kQueryParameter, .name = "user"}});
  ASSERT_TRUE(header.hash);
  EXPECT_EQ(header.hash, cookie.hash);
  EXPECT_EQ(header.hash, parameter.hash);
  EXPECT_NE(header.hash, apply({{.kind = Rule::Kind::kSourceIp}}).hash);
  EXPECT_TRUE(apply({{.kind = Rule::Kind::kHeader, .name = ":path"}}).hash);
}

TEST_F(HashPolicyTest, IgnoresThePortOfTheClient) {
  const auto before = apply({{.kind = Rule::Kind::kSourceIp}}).hash;
  info_.downstream_remote = *net::Address::parseIp("10.1.2.3", 6);
  EXPECT_EQ(before, apply({{.kind = Rule::Kind::kSourceIp}}).hash);
  info_.downstream_remote = *net::Address::parseIp("10.1.2.4", 6);
  EXPECT_NE(before, apply({{.kind = Rule::Kind::kSourceIp}}).hash);
}

TEST_F(HashPolicyTest, CombinesRulesUpToATerminalOneThatHasAHash) {
  head_.headers.add("x-a", "1");
  head_.headers.add("x-b", "1");
  const Rule a{.kind = Rule::Kind::kHeader, .name = "x-a"};
  const Rule b{.kind = Rule::Kind::kHeader, .name = "x-b"};
  const Rule missing{.kind = Rule::Kind::kHeader, .name = "x-c", .terminal = true};
  Rule last = a;
  last.terminal = true;
  EXPECT_NE(apply({a, b}).hash, apply({a}).hash);
  EXPECT_NE(apply({a, b}).hash, uint64_t{0}) << "equal values must not cancel each other out";
  EXPECT_EQ(apply({last, b}).hash, apply({a}).hash);
  EXPECT_EQ(apply({missing, b}).hash, apply({b}).hash);
}

TEST_F(HashPolicyTest, RewritesAHeaderBeforeHashingIt) {
  head_.headers.add("x-session", "ann/42");
  Rule rule{.kind = Rule::Kind::kHeader, .name = "x-session"};
  rule.rewrite = *PathRewrite::make("/.*", "");
  const auto rewritten = apply({rule}).hash;
  head_.headers.set("x-session", "ann/43");
  EXPECT_EQ(rewritten, apply({rule}).hash);
  head_.headers.set("x-session", "bob/43");
  EXPECT_NE(rewritten, apply({rule}).hash);
}

TEST_F(HashPolicyTest, GivesACookieThatLeadsToTheSameHash) {
  Rule rule{.kind = Rule::Kind::kCookie, .name = "lb"};
  rule.ttl = absl::Minutes(2);
  rule.path = "/shop";
  rule.attributes = {{"SameSite", "Strict"}, {"Secure", ""}};
  const auto first = apply({rule});
  ASSERT_NE(first.cookies, nullptr);
  EXPECT_EQ(first.cookies->next, nullptr);
  const std::string set(first.cookies->value);
  const std::string value = set.substr(3, set.find(';') - 3);
  EXPECT_EQ(set, "lb=" + value + "; Max-Age=120; Path=/shop; SameSite=Strict; Secure; HttpOnly");
  EXPECT_EQ(first.hash, apply({rule}).hash) << "the same exchange, asked twice";

  info_.request_id = "two";
  EXPECT_NE(first.hash, apply({rule}).hash) << "another client";
  head_.headers.add("cookie", "lb=" + value);
  const auto second = apply({rule});
  EXPECT_EQ(first.hash, second.hash);
  EXPECT_EQ(second.cookies, nullptr);
}

TEST_F(HashPolicyTest, ASessionCookieHasNoAge) {
  Rule rule{.kind = Rule::Kind::kCookie, .name = "lb"};
  rule.ttl = absl::ZeroDuration();
  const auto outcome = apply({rule});
  ASSERT_NE(outcome.cookies, nullptr);
  EXPECT_EQ(outcome.cookies->value.find("Max-Age"), std::string_view::npos);
}

}  // namespace
}  // namespace weir::proxy
