#include "source/extensions/filters/http/grpc_web/grpc_web.h"

#include "gtest/gtest.h"
#include "source/extensions/filters/http/cors/cors.h"
#include "source/http/grpc.h"
#include "test/harness/filter/filter_contract.h"
#include "test/harness/filter/filter_harness.h"

namespace weir::extensions::grpc_web {
namespace {

using harness::Fields;
using harness::FilterExchange;
using harness::FilterHarness;

const std::string kMessage("\0\0\0\0\3abc", 8);                       // AAAAAANhYmM=
const std::string kTrailers("\x80\0\0\0\x10grpc-status: 0\r\n", 21);  // gAAAABBncnBjLXN0YXR1czogMA0K

class GrpcWebFilterTest : public testing::Test {
 protected:
  std::unique_ptr<FilterExchange> call(Fields fields, std::string_view body = "") {
    auto x = harness_.open();
    x->client.pushHead(x->request("POST", "/s/m", fields));
    if (!body.empty()) x->client.pushData(body);
    x->client.pushEnd();
    x->settle();
    return x;
  }
  void answer(FilterExchange& x, std::string_view type = "application/grpc+proto") {
    x.upstream.pushHead(x.response(200, {{"content-type", type}}));
    x.upstream.pushData(kMessage);
    x.upstream.pushEnd(x.trailers({{"grpc-status", "0"}}));
    x.settle();
  }

  FilterHarness harness_{grpcWebType(), ""};
};

TEST_F(GrpcWebFilterTest, BinaryRequestsBecomeGrpc) {
  const auto x = call({{"content-type", "application/grpc-web+proto"}, {"x-grpc-web", "1"}}, kMessage);
  EXPECT_EQ(x->upstream.sent(), "HEAD POST /s/m content-type=application/grpc+proto x-grpc-web=1 te=trailers; DATA " +
                                    kMessage + "; END; ");
  answer(*x);
  EXPECT_EQ(x->client.sent(),
            "HEAD 200 content-type=application/grpc-web+proto; DATA " + kMessage + kTrailers + "; END; ");
  EXPECT_TRUE(x->complete());
  EXPECT_EQ(x->info.grpc_status, http::GrpcStatus::kOk);
}

TEST_F(GrpcWebFilterTest, TextRequestsAreDecodedAndAnsweredAsText) {
  // Two texts in a row.
  const auto x = call({{"content-type", "application/grpc-web-text"}}, "AAAAAANhYmM=AAAAAANhYmM=");
  EXPECT_EQ(x->upstream.body(), kMessage + kMessage);
  EXPECT_EQ(x->upstream.head()->value("content-type"), "application/grpc");
  answer(*x, "application/grpc");
  EXPECT_EQ(x->client.sent(),
            "HEAD 200 content-type=application/grpc-web-text; DATA AAAAAANhYmM=gAAAABBncnBjLXN0YXR1czogMA0K; END; ");
}

TEST_F(GrpcWebFilterTest, AcceptChoosesTheFormOfTheResponse) {
  const auto text = call({{"content-type", "application/grpc-web"}, {"accept", "application/grpc-web-text, */*"}});
  answer(*text);
  EXPECT_EQ(text->client.head()->value("content-type"), "application/grpc-web-text");
  const auto binary = call({{"content-type", "application/grpc-web-text"}, {"accept", "application/grpc-web"}});
  answer(*binary);
  EXPECT_EQ(binary->client.body(), kMessage + kTrailers);
  const auto any = call({{"content-type", "application/grpc-web-text"}, {"accept", "*/*"}});
  answer(*any);
  EXPECT_EQ(any->client.head()->value("content-type"), "application/grpc-web-text");
}

TEST_F(GrpcWebFilterTest, AMessageIsThereBeforeTheNextOneComes) {
  const auto x = call({{"content-type", "application/grpc-web-text+proto"}});
  x->upstream.pushHead(x->response(200, {{"content-type", "application/grpc"}}));
  x->upstream.pushData(kMessage.substr(0, 7));
  x->settle();
  EXPECT_EQ(x->client.body(), "AAAAAANh");
  x->upstream.pushData(kMessage.substr(7));
  x->settle();
  EXPECT_EQ(x->client.body(), "AAAAAANhYmM=");
}

TEST_F(GrpcWebFilterTest, AResponseOfTrailersAloneKeepsThemInItsHead) {
  const auto x = call({{"content-type", "application/grpc-web+proto"}});
  x->answer(200, {{"content-type", "application/grpc"}, {"grpc-status", "5"}, {"grpc-message", "none"}});
  x->settle();
  EXPECT_EQ(x->client.sent(),
            "HEAD 200 content-type=application/grpc-web+proto grpc-status=5 grpc-message=none; END; ");
}

TEST_F(GrpcWebFilterTest, AResponseThatIsNotGrpcPassesWithTheStatusThatItMeans) {
  const auto x = call({{"content-type", "application/grpc-web-text"}});
  x->upstream.pushHead(x->response(503, {{"content-type", "text/html"}}));
  x->upstream.pushData("<html>");
  x->upstream.pushEnd();
  x->settle();
  EXPECT_EQ(x->client.sent(), "HEAD 503 content-type=text/html grpc-status=14; DATA <html>; END; ");
}

TEST_F(GrpcWebFilterTest, TheStandardLocalReplyIsTranslatedToo) {
  const auto x = call({{"content-type", "application/grpc-web-text"}});
  x->upstream.pushFailed(http::Reason::kUpstreamReset);
  x->settle();
  EXPECT_EQ(x->status(), 200);
  EXPECT_EQ(x->client.head()->value("content-type"), "application/grpc-web-text");
  EXPECT_EQ(x->client.head()->value("grpc-status"), "14");
  EXPECT_EQ(x->client.body(), "");
}

TEST_F(GrpcWebFilterTest, BrokenBase64IsRefused) {
  for (const char* body : {"AAAA!AAA", "AAAAAA", "AAA=AAA"}) {
    const auto x = call({{"content-type", "application/grpc-web-text"}}, body);
    EXPECT_EQ(x->status(), 400) << body;
    EXPECT_EQ(x->client.head()->value("content-type"), "text/plain");
    EXPECT_TRUE(x->complete());
  }
}

TEST_F(GrpcWebFilterTest, OtherRequestsAreLeftAlone) {
  for (const char* type : {"application/grpc", "application/grpc-webby", "text/plain", "application/json"}) {
    const auto x = call({{"content-type", type}}, "AAAA");
    EXPECT_EQ(x->upstream.sent(), std::string("HEAD POST /s/m content-type=") + type + "; DATA AAAA; END; ");
    answer(*x);
    EXPECT_EQ(x->client.sent(),
              "HEAD 200 content-type=application/grpc+proto; DATA " + kMessage + "; END grpc-status=0; ");
  }
}

TEST_F(GrpcWebFilterTest, WorksBehindCors) {
  harness::FilterWorld world;
  harness::FakeRoute route;
  std::vector<filter::HttpChainConfig::Slot> slots;
  slots.push_back({"cors", world.makeFilter(cors::corsType(), ""), false});
  slots.push_back({"grpc_web", world.makeFilter(grpcWebType(), ""), false});
  const filter::HttpChainConfig chain(std::move(slots));
  route.configs[0].push_back(world.makeRouteConfig(
      cors::corsType(),
      "allow_origin_string_match { exact: 'https://a' } expose_headers: 'grpc-status' allow_methods: "
      "'POST' allow_headers: 'content-type,x-grpc-web'"));
  FilterExchange preflight(world, chain, &route);
  preflight.client.pushHead(
      preflight.request("OPTIONS", "/s/m", {{"origin", "https://a"}, {"access-control-request-method", "POST"}}));
  preflight.client.pushEnd();
  preflight.settle();
  EXPECT_EQ(preflight.client.head()->value("access-control-allow-headers"), "content-type,x-grpc-web");

  FilterExchange x(world, chain, &route);
  x.client.pushHead(x.request("POST", "/s/m", {{"origin", "https://a"}, {"content-type", "application/grpc-web"}}));
  x.client.pushEnd();
  x.settle();
  answer(x);
  EXPECT_EQ(x.client.sent(),
            "HEAD 200 content-type=application/grpc-web access-control-allow-origin=https://a "
            "access-control-expose-headers=grpc-status; DATA " +
                kMessage + kTrailers + "; END; ");
}

TEST_F(GrpcWebFilterTest, KeepsTheContractOfFilters) {
  harness::FilterContract contract;
  contract.make = [](harness::FilterWorld& w) { return w.makeFilter(grpcWebType(), ""); };
  contract.response_fields = {{"content-type", "application/grpc"}};
  contract.request_fields = {{"content-type", "application/grpc-web+proto"}};
  std::string seen = harness::runFilterContract(contract);
  EXPECT_NE(seen.find("response-trailer: 1\r\n; END; "), std::string::npos) << seen;
  // "and the responseand the response", then the trailers.
  contract.request_fields.emplace_back("accept", "application/grpc-web-text");
  seen = harness::runFilterContract(contract);
  EXPECT_NE(seen.find("DATA YW5kIHRoZSByZXNwb25zZWFuZCB0aGUgcmVzcG9uc2U=gAAAABVyZXNwb25zZS10cmFpbGVyOiAxDQo=; END; "),
            std::string::npos)
      << seen;
}

}  // namespace
}  // namespace weir::extensions::grpc_web
