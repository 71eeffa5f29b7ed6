#include "source/extensions/filters/http/buffer/buffer.h"

#include "gtest/gtest.h"
#include "test/harness/filter/filter_contract.h"
#include "test/harness/filter/filter_harness.h"

namespace weir::extensions::buffer_filter {
namespace {

using harness::FilterHarness;

TEST(BufferFilterTest, ARequestGoesOnWhenItIsWhole) {
  FilterHarness h(bufferType(), "max_request_bytes { value: 6 }");
  auto x = h.open();
  x->client.pushHead(x->request("POST", "/"));
  x->client.pushData("abc");
  x->settle();
  EXPECT_FALSE(x->terminal_open);
  x->client.pushData("def");
  x->client.pushEnd();
  x->settle();
  EXPECT_EQ(x->upstream.sent(), "HEAD POST / length=6; DATA abcdef; END; ");
}

TEST(BufferFilterTest, AboveTheLimitIs413) {
  FilterHarness h(bufferType(), "max_request_bytes { value: 6 }");
  auto x = h.open();
  x->client.pushHead(x->request("POST", "/"));
  x->client.pushData("abcdefg");
  x->settle();
  EXPECT_EQ(x->status(), 413);
  EXPECT_EQ(x->info.reason, http::Reason::kBodyTooLarge);
}

TEST(BufferFilterTest, ARequestWithoutABodyAndAnUpgradeJustPass) {
  FilterHarness h(bufferType(), "max_request_bytes { value: 6 }");
  EXPECT_EQ(h.get()->upstream.sent(), "HEAD GET /path?query; END; ");
  auto x = h.open();
  http::Head& head = x->request("GET", "/ws");
  head.upgrade = "websocket";
  x->client.pushHead(head);
  x->settle();
  EXPECT_TRUE(x->terminal_open);
}

TEST(BufferFilterTest, ARouteSetsAnotherLimitOrSwitchesItOff) {
  for (const bool off : {false, true}) {
    FilterHarness h(bufferType(), "max_request_bytes { value: 6 }");
    h.addRoute(off ? "disabled: true" : "buffer { max_request_bytes { value: 2 } }");
    auto x = h.open();
    x->client.pushHead(x->request("POST", "/"));
    x->client.pushData("abc");
    x->settle();
    EXPECT_EQ(x->terminal_open, off);
    EXPECT_EQ(x->status(), off ? 0 : 413);
  }
}

TEST(BufferFilterTest, KeepsTheContractOfFilters) {
  harness::FilterContract contract;
  contract.make = [](harness::FilterWorld& w) { return w.makeFilter(bufferType(), "max_request_bytes { value: 99 }"); };
  EXPECT_NE(harness::runFilterContract(contract).find("DATA the request body"), std::string::npos);
  contract.make = [](harness::FilterWorld& w) { return w.makeFilter(bufferType(), "max_request_bytes { value: 2 }"); };
  EXPECT_NE(harness::runFilterContract(contract).find("HEAD 413"), std::string::npos);
}

}  // namespace
}  // namespace weir::extensions::buffer_filter
