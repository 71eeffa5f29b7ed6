#include "source/proxy/listener/selective_filter.h"

#include "gtest/gtest.h"

namespace weir::proxy {
namespace {

using Rule = SelectiveFilter::Rule;

Rule ports(int32_t first, int32_t end) { return {.kind = Rule::Kind::kPorts, .first_port = first, .end_port = end}; }
Rule of(Rule::Kind kind, std::vector<Rule> rules) { return {.kind = kind, .rules = std::move(rules)}; }

std::string matching(const Rule& rule) {
  std::string out;
  for (const uint16_t port : {79, 80, 81, 90, 443}) {
    if (rule.matches(*net::Address::parseIp("10.0.0.1", port))) out += std::to_string(port) + " ";
  }
  return out;
}

TEST(SelectiveFilterTest, RulesAreAboutThePort) {
  EXPECT_EQ(matching({}), "79 80 81 90 443 ");
  EXPECT_EQ(matching(ports(80, 90)), "80 81 ");
  EXPECT_EQ(matching(ports(80, 81)), "80 ");
  EXPECT_EQ(matching(of(Rule::Kind::kNot, {ports(80, 90)})), "79 90 443 ");
  EXPECT_EQ(matching(of(Rule::Kind::kAny, {ports(1, 80), ports(400, 500)})), "79 443 ");
  EXPECT_EQ(matching(of(Rule::Kind::kAll, {ports(80, 500), of(Rule::Kind::kNot, {ports(90, 91)})})), "80 81 443 ");
  EXPECT_FALSE(ports(0, 65536).matches(*net::Address::unixPath("/s")));
}

// Knows a protocol when it is asked.
class Names final : public ListenerFilter {
 public:
  Verdict inspect(Look&, Inspected& result) const override {
    result.transport_protocol = "tls";
    return Verdict::kDone;
  }
  size_t maxBytes() const override { return 7; }
};

TEST(SelectiveFilterTest, OthersAreLookedAtAsBefore) {
  const SelectiveFilter filter(std::make_unique<const Names>(), ports(80, 81));
  EXPECT_EQ(filter.maxBytes(), 7u);
  const auto seen = [&filter](uint16_t port) {
    Inspected result;
    result.local = *net::Address::parseIp("10.0.0.1", port);
    stats::Shard shard;
    class NoSocket final : public net::Socket {
     public:
      void watch(event::ReadyHandler&) override {}
      net::IoResult read(std::span<const iovec>) override { return {}; }
      net::IoResult write(std::span<const iovec>) override { return {}; }
      void shutdownWrite() override {}
      void resetOnClose() override {}
      absl::Status connectResult() override { return absl::OkStatus(); }
      net::Address localAddress() const override { return {}; }
      net::Address remoteAddress() const override { return {}; }
    } socket;
    ListenerFilter::Look look{"", false, socket, shard};
    EXPECT_EQ(filter.inspect(look, result), ListenerFilter::Verdict::kDone);
    return std::string(result.transport_protocol);
  };
  EXPECT_EQ(seen(80), "raw_buffer");
  EXPECT_EQ(seen(81), "tls");
}

}  // namespace
}  // namespace weir::proxy
