#include "source/proxy/listener/filter_chain.h"

#include <string>
#include <utility>

#include "gtest/gtest.h"

namespace weir::proxy {
namespace {

using SourceType = FilterChainMatch::SourceType;

FilterChain chain(std::string name, const std::function<void(FilterChainMatch&)>& change = {}) {
  FilterChain made;
  made.name = std::move(name);
  if (change) change(made.match);
  return made;
}

FilterChainMatch::Prefix prefix(std::string ip, uint32_t length) {
  return {net::CidrRange::parse(ip, length).value(), ip + "/" + std::to_string(length)};
}

template <typename... Chains>
std::vector<FilterChain> list(Chains... chains) {
  std::vector<FilterChain> all;
  (all.push_back(std::move(chains)), ...);
  return all;
}

std::string matched(const FilterChainMatcher& matcher, std::string_view local, std::string_view remote) {
  Inspected connection;
  connection.local = net::Address::parse(local).value();
  connection.remote = connection.direct_remote = net::Address::parse(remote).value();
  const FilterChain* found = matcher.match(connection);
  return found == nullptr ? "none" : found->name;
}

std::string matchedTls(const FilterChainMatcher& matcher, std::string name, std::vector<std::string> protocols = {}) {
  Inspected connection;
  connection.local = net::Address::parse("10.0.0.1:443").value();
  connection.remote = connection.direct_remote = net::Address::parse("192.0.2.1:5").value();
  connection.server_name = std::move(name);
  connection.application_protocols = std::move(protocols);
  connection.transport_protocol = "tls";
  const FilterChain* found = matcher.match(connection);
  return found == nullptr ? "none" : found->name;
}

TEST(FilterChainTest, PicksTheNameThenTheLongestWildcardThenTheProtocol) {
  auto matcher = FilterChainMatcher::make(
      list(chain("any"), chain("exact", [](FilterChainMatch& m) { m.server_names = {"a.b.example"}; }),
           chain("under b", [](FilterChainMatch& m) { m.server_names = {".b.example"}; }),
           chain("under example", [](FilterChainMatch& m) { m.server_names = {".example"}; }),
           chain("h2",
                 [](FilterChainMatch& m) {
                   m.server_names = {"c.test"};
                   m.application_protocols = {"h2"};
                 }),
           chain("h1",
                 [](FilterChainMatch& m) {
                   m.server_names = {"c.test"};
                   m.application_protocols = {"http/1.1"};
                 })),
      nullptr);
  ASSERT_TRUE(matcher.ok()) << matcher.status();
  EXPECT_EQ(matchedTls(**matcher, "a.b.example"), "exact");
  EXPECT_EQ(matchedTls(**matcher, "x.a.b.example"), "under b");
  EXPECT_EQ(matchedTls(**matcher, "b.example"), "under example");
  EXPECT_EQ(matchedTls(**matcher, "example"), "any");
  EXPECT_EQ(matchedTls(**matcher, ""), "any");
  EXPECT_EQ(matchedTls(**matcher, "c.test", {"h2", "http/1.1"}), "h2");
  EXPECT_EQ(matchedTls(**matcher, "c.test", {"http/1.1", "h2"}), "h1");
  // A name that is taken is not looked for again under a wildcard.
  EXPECT_EQ(matchedTls(**matcher, "c.test", {"other"}), "none");
}

TEST(FilterChainTest, PicksTheDestinationAndThePeerOfTheSocket) {
  auto matcher = FilterChainMatcher::make(
      list(chain("any"), chain("here", [](FilterChainMatch& m) { m.prefixes = {prefix("10.0.0.0", 8)}; }),
           chain("here, through the balancer",
                 [](FilterChainMatch& m) {
                   m.prefixes = {prefix("10.0.0.0", 8)};
                   m.direct_source_prefixes = {prefix("172.16.0.0", 12)};
                 })),
      nullptr);
  ASSERT_TRUE(matcher.ok()) << matcher.status();
  EXPECT_EQ(matched(**matcher, "10.0.0.1:80", "192.0.2.1:5"), "here");
  EXPECT_EQ(matched(**matcher, "10.0.0.1:80", "172.16.0.1:5"), "here, through the balancer");
  EXPECT_EQ(matched(**matcher, "11.0.0.1:80", "172.16.0.1:5"), "any");
}

TEST(FilterChainTest, PicksThePortThenTheLongestPrefixThenTheSourcePort) {
  auto matcher = FilterChainMatcher::make(
      list(chain("any"), chain("port", [](FilterChainMatch& m) { m.destination_port = 80; }),
           chain("ten", [](FilterChainMatch& m) { m.source_prefixes = {prefix("10.0.0.0", 8)}; }),
           chain("ten one", [](FilterChainMatch& m) { m.source_prefixes = {prefix("10.1.0.0", 16)}; }),
           chain("ten one, 7",
                 [](FilterChainMatch& m) {
                   m.source_prefixes = {prefix("10.1.0.0", 16)};
                   m.source_ports = {7};
                 })),
      nullptr);
  ASSERT_TRUE(matcher.ok()) << matcher.status();
  EXPECT_EQ(matched(**matcher, "1.1.1.1:81", "2.2.2.2:5"), "any");
  EXPECT_EQ(matched(**matcher, "1.1.1.1:80", "2.2.2.2:5"), "port");
  EXPECT_EQ(matched(**matcher, "1.1.1.1:81", "10.2.2.2:5"), "ten");
  EXPECT_EQ(matched(**matcher, "1.1.1.1:81", "10.1.2.2:5"), "ten one");
  EXPECT_EQ(matched(**matcher, "1.1.1.1:81", "10.1.2.2:7"), "ten one, 7");
  // The port has ruled out the others, whatever the source.
  EXPECT_EQ(matched(**matcher, "1.1.1.1:80", "10.1.2.2:7"), "port");
}

TEST(FilterChainTest, NeverGoesBackToWhatAnEarlierStepRuledOut) {
  auto matcher = FilterChainMatcher::make(list(chain("any"), chain("port and source",
                                                                   [](FilterChainMatch& m) {
                                                                     m.destination_port = 80;
                                                                     m.source_prefixes = {prefix("10.0.0.0", 8)};
                                                                   })),
                                          std::make_unique<FilterChain>(chain("default")));
  ASSERT_TRUE(matcher.ok());
  EXPECT_EQ(matched(**matcher, "1.1.1.1:80", "10.0.0.1:5"), "port and source");
  EXPECT_EQ(matched(**matcher, "1.1.1.1:80", "11.0.0.1:5"), "default");
}

TEST(FilterChainTest, TellsLocalSourcesFromExternalOnes) {
  auto matcher = FilterChainMatcher::make(
      list(chain("local", [](FilterChainMatch& m) { m.source_type = SourceType::kSameIpOrLoopback; }),
           chain("external", [](FilterChainMatch& m) { m.source_type = SourceType::kExternal; })),
      nullptr);
  ASSERT_TRUE(matcher.ok());
  EXPECT_EQ(matched(**matcher, "1.1.1.1:80", "127.0.0.1:5"), "local");
  EXPECT_EQ(matched(**matcher, "1.1.1.1:80", "1.1.1.1:5"), "local");
  EXPECT_EQ(matched(**matcher, "1.1.1.1:80", "1.1.1.2:5"), "external");
}

TEST(FilterChainTest, RefusesChainsOfOtherTransports) {
  auto matcher =
      FilterChainMatcher::make(list(chain("tls", [](FilterChainMatch& m) { m.transport_protocol = "tls"; })), nullptr);
  ASSERT_TRUE(matcher.ok());
  EXPECT_EQ(matched(**matcher, "1.1.1.1:80", "1.1.1.2:5"), "none");
}

TEST(FilterChainTest, NamesTwoChainsThatMatchTheSame) {
  const auto change = [](FilterChainMatch& m) {
    m.source_prefixes = {prefix("10.0.0.0", 8), prefix("11.0.0.0", 8)};
    m.source_ports = {1, 2};
  };
  const auto matcher =
      FilterChainMatcher::make(list(chain("one", change), chain("two",
                                                                [](FilterChainMatch& m) {
                                                                  m.source_prefixes = {prefix("11.0.0.0", 8)};
                                                                  m.source_ports = {2};
                                                                })),
                               nullptr);
  ASSERT_FALSE(matcher.ok());
  EXPECT_EQ(matcher.status().message(),
            "filter chains \"one\" and \"two\" match the same connections (port any, transport any, source type 0, "
            "source prefix 11.0.0.0/8, source port 2); each combination may stand in one chain");
}

}  // namespace
}  // namespace weir::proxy
