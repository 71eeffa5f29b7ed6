#include "source/extensions/filters/http/header_mutation/header_mutation.h"

#include "gtest/gtest.h"
#include "test/harness/filter/filter_contract.h"
#include "test/harness/filter/filter_harness.h"

namespace weir::extensions::header_mutation {
namespace {

using harness::FilterHarness;

std::string set(std::string_view direction, std::string_view name, std::string_view value, std::string_view action) {
  std::string text(direction);
  text.append("_mutations { append { header { key: '").append(name).append("' value: '").append(value);
  return text.append("' } append_action: ").append(action).append(" } } ");
}

TEST(HeaderMutationFilterTest, EditsHappenInOrder) {
  FilterHarness h(headerMutationType(),
                  "mutations { " + set("request", "x-a", "2", "APPEND_IF_EXISTS_OR_ADD") +
                      set("request", "x-b", "2", "OVERWRITE_IF_EXISTS_OR_ADD") +
                      "request_mutations { remove: 'x-b' } " + set("request", "x-c", "2", "ADD_IF_ABSENT") +
                      set("request", "x-d", "2", "OVERWRITE_IF_EXISTS") +
                      set("response", "x-path", "%REQ(:PATH)%", "OVERWRITE_IF_EXISTS_OR_ADD") + " }");
  const auto x = h.get({{"x-a", "1"}, {"x-b", "1"}, {"x-c", "1"}});
  EXPECT_EQ(x->upstream.sent(), "HEAD GET /path?query x-a=1 x-c=1 x-a=2; END; ");
  EXPECT_EQ(x->client.sent(), "HEAD 200 x-path=/path?query; END; ");
}

TEST(HeaderMutationFilterTest, RemovingAfterAddingRemoves) {
  FilterHarness h(headerMutationType(), "mutations { " + set("request", "x-a", "1", "ADD_IF_ABSENT") +
                                            "request_mutations { remove: 'X-A' } }");
  EXPECT_EQ(h.get()->upstream.sent(), "HEAD GET /path?query; END; ");
}

TEST(HeaderMutationFilterTest, AllThatMatchAreRemoved) {
  FilterHarness h(
      headerMutationType(),
      "mutations { " + set("request", "x-int-new", "1", "ADD_IF_ABSENT") +
          "request_mutations { remove_on_match { key_matcher { prefix: 'x-int-' } } } " +
          set("request", "x-int-late", "1", "ADD_IF_ABSENT") +
          "response_mutations { remove_on_match { key_matcher { safe_regex { regex: 'x-.*-debug' } } } } }");
  auto x = h.open();
  x->get("/", {{"x-int-a", "1"}, {"x-b", "1"}, {"x-int-c", "1"}});
  x->settle();
  EXPECT_EQ(x->upstream.sent(), "HEAD GET / x-b=1 x-int-late=1; END; ");
  x->answer(200, {{"x-a-debug", "1"}, {"x-a", "1"}});
  x->settle();
  EXPECT_EQ(x->client.sent(), "HEAD 200 x-a=1; END; ");
}

TEST(HeaderMutationFilterTest, RoutesAddTheirEditsFromTheMostSpecificOnOrTheOtherWayRound) {
  for (const bool most_specific_wins : {false, true}) {
    FilterHarness h(headerMutationType(), most_specific_wins ? "most_specific_header_mutations_wins: true" : "");
    for (const char* level : {"table", "vhost", "route"}) {
      h.addRoute("mutations { " + set("request", "x-all", level, "APPEND_IF_EXISTS_OR_ADD") +
                 set("request", "x-level", level, "OVERWRITE_IF_EXISTS_OR_ADD") + "}");
    }
    const auto x = h.get();
    EXPECT_EQ(x->upstream.head()->value("x-level"), most_specific_wins ? "route" : "table");
    EXPECT_EQ(x->upstream.head()->value("x-all"), most_specific_wins ? "table,vhost,route" : "route,vhost,table");
  }
}

TEST(HeaderMutationFilterTest, ABadFormatIsAnErrorUnderItsField) {
  harness::FilterWorld world;
  const std::string errors =
      world.errorsOf(headerMutationType(), "mutations { " + set("response", "x-a", "%NOPE%", "ADD_IF_ABSENT") + " }");
  EXPECT_EQ(errors.substr(0, 51), "mutations.response_mutations[0].append.header.value") << errors;
  EXPECT_NE(errors.find("unknown command operator"), std::string::npos) << errors;
}

TEST(HeaderMutationFilterTest, KeepsTheContractOfFilters) {
  harness::FilterContract contract;
  contract.make = [](harness::FilterWorld& w) {
    return w.makeFilter(headerMutationType(), "mutations { " + set("request", "x-a", "1", "ADD_IF_ABSENT") +
                                                  set("response", "x-b", "2", "APPEND_IF_EXISTS_OR_ADD") + " }");
  };
  const std::string seen = harness::runFilterContract(contract);
  EXPECT_NE(seen.find("HEAD 103 link=early; HEAD 200 response-field=1 x-b=2"), std::string::npos) << seen;
}

}  // namespace
}  // namespace weir::extensions::header_mutation
