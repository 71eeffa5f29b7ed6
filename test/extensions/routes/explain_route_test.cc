// The explained decision is the decision made, and the index agrees with looking at every route, over random pairs of
// configuration and request.
#include "source/proxy/routes/route_explanation.h"

#include <algorithm>
#include <cstdlib>
#include <string>

#include "gtest/gtest.h"
#include "source/extensions/routes/compile_routes.h"
#include "source/stats/stats.h"
#include "test/extensions/routes/route_worlds.h"

namespace weir::extensions {
namespace {

// How many pairs; the environment may ask for more than the ordinary run looks at.
uint64_t pairs() {
  const char* const text = std::getenv("WEIR_ROUTE_PAIRS");
  return text == nullptr ? 20'000 : std::strtoull(text, nullptr, 10);
}

class ExplainRouteTest : public testing::Test {
 protected:
  std::unique_ptr<const proxy::RouteTable> compile(const envoy::config::route::v3::RouteConfiguration& message) {
    const base::FieldPath root;
    const RouteContext context{stats_, diagnostics_, clock_, registry_, chain_, slot_types_, "test", problem_, false};
    return compileRoutes(message, context, root);
  }

  stats::Registry stats_;
  base::Diagnostics diagnostics_;
  base::RealClock clock_;
  filter::HttpFilterRegistry registry_;
  filter::HttpChainConfig chain_{{}};
  std::vector<const filter::HttpFilterType*> slot_types_;
  std::function<std::string(std::string_view)> problem_ = [](std::string_view) { return ""; };
  base::ChunkPool chunks_;
};

TEST_F(ExplainRouteTest, TheExplainedDecisionIsTheDecisionMade) {
  constexpr uint64_t kPerTable = 100;
  uint64_t taken = 0;
  for (uint64_t round = 0; round < pairs() / kPerTable; ++round) {
    base::Random random(round + 1);
    const auto message = randomRoutes(random);
    const auto table = compile(message);
    ASSERT_TRUE(diagnostics_.ok()) << diagnostics_.all()[0].message << message.DebugString();
    for (uint64_t i = 0; i < kPerTable; ++i) {
      base::Arena arena(chunks_);
      http::Head& head = *arena.make<http::Head>(arena);
      randomRequest(random, head);
      const filter::StreamInfo info;
      const uint64_t seed = random.next();
      base::Random for_decision(seed), for_explanation(seed);
      const proxy::Route* const decided = table->match(head, info, for_decision);
      const proxy::RouteExplanation explained = proxy::explainRoute(*table, head, info, for_explanation);
      ASSERT_EQ(decided, explained.chosen)
          << "round " << round << ": " << head.method << " " << head.authority << head.path << "\n"
          << message.DebugString();
      ASSERT_EQ(table->findHost(head.authority), explained.host);
      ASSERT_EQ(for_decision.next(), for_explanation.next()) << "one of them drew more often";
      if (decided != nullptr) ++taken;
    }
  }
  // The worlds are such that both outcomes are common.
  EXPECT_GT(taken, pairs() / 5);
  EXPECT_LT(taken, pairs() - pairs() / 10);
}

TEST_F(ExplainRouteTest, TellsWhatARouteMissed) {
  envoy::config::route::v3::RouteConfiguration message;
  auto& host = *message.add_virtual_hosts();
  host.set_name("h");
  host.add_domains("*.example");
  auto& first = *host.add_routes();
  first.mutable_match()->set_prefix("/a");
  first.mutable_match()->add_headers()->set_name("x-a");
  first.mutable_direct_response()->set_status(200);
  auto& second = *host.add_routes();
  second.mutable_match()->set_path("/b");
  second.mutable_direct_response()->set_status(201);
  *host.add_routes() = first;
  host.mutable_routes(2)->mutable_match()->clear_headers();
  const auto table = compile(message);
  base::Arena arena(chunks_);
  http::Head& head = *arena.make<http::Head>(arena);
  head.method = "GET";
  head.authority = "x.example";
  head.path = "/a?b";
  base::Random random(1);
  const auto explained = proxy::explainRoute(*table, head, {}, random);
  EXPECT_EQ(explained.domain, "*.example");
  ASSERT_EQ(explained.trials.size(), 3u);
  EXPECT_EQ(explained.trials[0].mismatch.kind, proxy::Mismatch::Kind::kHeader);
  EXPECT_EQ(explained.trials[1].mismatch.kind, proxy::Mismatch::Kind::kPath);
  EXPECT_EQ(explained.trials[2].mismatch.kind, proxy::Mismatch::Kind::kNone);
  EXPECT_EQ(explained.chosen, explained.trials[2].route);
}

}  // namespace
}  // namespace weir::extensions
