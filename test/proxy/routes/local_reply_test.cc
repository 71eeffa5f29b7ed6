// What clients see of answers that weir makes itself: rules that change them, and the Proxy-Status header.
#include "source/proxy/routes/local_reply.h"

#include <set>
#include <string>

#include "gtest/gtest.h"
#include "source/http/reason.h"
#include "source/proxy/proxy_status.h"
#include "test/proxy/proxy_world.h"

namespace weir::proxy {
namespace {

bool startsWith(std::string_view text, std::string_view start) { return text.substr(0, start.size()) == start; }
bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

LocalReplyFormat format(std::string_view text, std::string_view type) {
  std::shared_ptr<const filter::SubstitutionFormat> parsed = *filter::SubstitutionFormat::parse(text, false);
  return {[parsed](const filter::StreamInfo& info, std::string& out) { parsed->append(info, out); }, std::string(type)};
}

void mapNoRoute(ProxyWorld::Setup& setup) {
  LocalReplyMapper mapper;
  mapper.passes = [](const filter::StreamInfo& info) { return info.status == 404; };
  mapper.status = 418;
  mapper.body = "nothing here";
  mapper.format = format("<%RESPONSE_CODE% %LOCAL_REPLY_BODY% %RESPONSE_CODE_DETAILS% %REQ(:PATH)%>", "text/html");
  HeaderEdit edit;
  edit.name = "x-why";
  edit.value = *filter::SubstitutionFormat::parse("%RESPONSE_FLAGS%", false);
  mapper.headers.add.push_back(edit);
  setup.config->local_replies.mappers.push_back(mapper);
  setup.config->local_replies.format = format("%RESPONSE_CODE%:%LOCAL_REPLY_BODY%", "text/plain");
  setup.config->proxy_status.emplace();
}

TEST(LocalReplyTest, TheFirstMapperThatPassesChangesStatusBodyAndHeaders) {
  ProxyWorld world([](ProxyWorld::Setup& setup) {
    mapNoRoute(setup);
    setup.host->routes.clear();
  });
  const std::string answer = world.ask(world.client(), kGet);
  EXPECT_TRUE(startsWith(answer, "HTTP/1.1 418 ")) << answer;
  EXPECT_TRUE(contains(answer, "content-type: text/html\r\n")) << answer;
  EXPECT_TRUE(contains(answer, "x-why: NR\r\n")) << answer;
  EXPECT_TRUE(contains(answer, "proxy-status: weir; error=destination_not_found; details=\"no_route; NR\"\r\n"))
      << answer;
  EXPECT_TRUE(contains(answer, "\r\n\r\n<418 nothing here no_route /a>")) << answer;
  EXPECT_EQ(world.log.at(0), "418 no_route GET /a");
}

TEST(LocalReplyTest, TheFormatHoldsForEveryOtherReplyAndForNoResponseOfAnUpstream) {
  ProxyWorld world([](ProxyWorld::Setup& setup) {
    mapNoRoute(setup);
    ProxyWorld::addRoute(*setup.host, "/direct").action = DirectAction{200, "made here"};
  });
  world.origin.answerAll();
  RawClient& client = world.client();
  EXPECT_TRUE(contains(world.ask(client, "GET /direct HTTP/1.1\r\nhost: h\r\n\r\n"), "\r\n\r\n200:made here"));
  const std::string proxied = world.ask(client, kGet);
  EXPECT_TRUE(contains(proxied, "\r\n\r\nhi")) << proxied;
  EXPECT_FALSE(contains(proxied, "proxy-status")) << proxied;
  world.origin.stop();
  for (const auto& peer : world.origin.peers) peer->connection().close(net::CloseReason::kLocalReset);
  world.settle();
  const std::string failed = world.ask(client, kGet);
  EXPECT_TRUE(contains(failed, "\r\n\r\n503:The upstream refused")) << failed;
  EXPECT_TRUE(contains(failed, "error=connection_refused; details=\"upstream_connect_failure; UF\"")) << failed;
}

TEST(LocalReplyTest, AGrpcClientGetsTheBodyAsMessageAndTheStatusOfTheMapper) {
  ProxyWorld world([](ProxyWorld::Setup& setup) {
    mapNoRoute(setup);
    setup.config->local_replies.mappers[0].status = 429;
    setup.host->routes.clear();
  });
  const std::string answer = world.ask(
      world.client(), "POST /s/m HTTP/1.1\r\nhost: h\r\ncontent-type: application/grpc\r\ncontent-length: 0\r\n\r\n");
  EXPECT_TRUE(startsWith(answer, "HTTP/1.1 200 ")) << answer;
  EXPECT_TRUE(contains(answer, "content-type: application/grpc\r\n")) << answer;
  EXPECT_TRUE(contains(answer, "grpc-status: 14\r\n")) << answer;
  EXPECT_TRUE(contains(answer, "grpc-message: <429 nothing here")) << answer;
}

TEST(LocalReplyTest, TheRecommendedStatusOfTheErrorReplacesOurs) {
  ProxyWorld world([](ProxyWorld::Setup& setup) {
    setup.config->proxy_status.emplace();
    setup.config->proxy_status->recommended_status = true;
    setup.config->proxy_status->details = false;
    setup.config->proxy_status->flags = false;
    setup.config->proxy_status->name = "edge-1";
  });
  world.origin.stop();
  world.settle();
  const std::string answer = world.ask(world.client(), kGet);
  EXPECT_TRUE(startsWith(answer, "HTTP/1.1 502 ")) << answer;
  EXPECT_TRUE(contains(answer, "proxy-status: edge-1; error=connection_refused\r\n")) << answer;
}

// The list of reasons and the list of errors are both closed: each reason that is an error of its own has one.
TEST(LocalReplyTest, EveryReasonWithAFlagOfAFailureHasAProxyError) {
  const std::set<std::string_view> none = {"DC", "-", "FI"};
  std::set<std::string_view> types;
  const http::Reason reasons[] = {
#define WEIR_REASON(id, flag, status, name, sentence) http::Reason::id,
#include "source/http/reasons.inc"
#undef WEIR_REASON
  };
  for (const http::Reason reason : reasons) {
    const http::ReasonInfo& info = http::reasonInfo(reason);
    const ProxyError error = proxyError(reason);
    types.insert(error.type);
    const bool failure = none.count(info.flag) == 0 && info.status != 0;
    EXPECT_TRUE(!failure || !error.type.empty()) << info.name;
    EXPECT_TRUE(error.recommended == 0 || error.recommended >= 500) << info.name;
  }
  EXPECT_GE(types.size(), 12u);
}

}  // namespace
}  // namespace weir::proxy
