#include "source/proxy/filter_chain.h"

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
  const FilterChain* found =
      matcher.match(net::Address::parse(local).value(), net::Address::parse(remote).value(), "raw_buffer");
  return found == nullptr ? "none" : found->name;
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
