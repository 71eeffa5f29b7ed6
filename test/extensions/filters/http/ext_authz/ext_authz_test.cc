#include "source/extensions/filters/http/ext_authz/ext_authz.h"

#include <string>

#include "envoy/service/auth/v3/external_auth.pb.h"
#include "google/protobuf/util/message_differencer.h"
#include "gtest/gtest.h"
#include "source/net/transport_info.h"
#include "test/harness/filter/filter_contract.h"
#include "test/harness/filter/filter_harness.h"

namespace weir::extensions::ext_authz {
namespace {

namespace auth = envoy::service::auth::v3;
using harness::FakeSideCaller;
using harness::Fields;
using harness::FilterExchange;
using harness::FilterHarness;
using Answer = FakeSideCaller::Fields;

const std::string kUri = "server_uri { uri: \"http://authz\" cluster: \"authz\" timeout { seconds: 1 } } ";
std::string http(const std::string& service = "", const std::string& rest = "") {
  return "http_service { " + kUri + service + " } " + rest;
}
const std::string kGrpc =
    "grpc_service { envoy_grpc { cluster_name: \"authz\" } timeout { nanos: 250000000 } "
    "initial_metadata { key: \"X-Who\" value: \"weir\" } } ";

// A request that waits for the answer.
std::unique_ptr<FilterExchange> ask(FilterHarness& h, Fields fields = {}) {
  auto x = h.open();
  x->get("/path?query", fields);
  x->settle();
  return x;
}

TEST(ExtAuthzTest, ARequestWaitsAndGoesOn) {
  FilterHarness h(
      extAuthzType(),
      http("path_prefix: \"/check\" authorization_request { allowed_headers { patterns { prefix: \"x-\" } } "
           "headers_to_add { key: \"X-From\" value: \"weir\" } }"));
  auto x = ask(h, {{"authorization", "secret"}, {"x-a", "1"}, {"cookie", "private"}});
  ASSERT_EQ(h.world.side_calls.calls().size(), 1u);
  const FakeSideCaller::Asked& asked = h.world.side_calls.calls()[0];
  EXPECT_EQ(asked.cluster, "authz");
  EXPECT_EQ(asked.head, "example.com GET /check/path?query authorization=secret x-a=1 x-from=weir");
  EXPECT_EQ(asked.timeout, absl::Seconds(1));
  EXPECT_FALSE(x->terminal_open);
  h.world.side_calls.answer(0, 200);
  x->settle();
  EXPECT_TRUE(x->terminal_open);
  x->answer(200);
  x->settle();
  EXPECT_EQ(x->status(), 200);
  EXPECT_EQ(h.world.counter("http.test.ext_authz.ok"), 1u);
}

TEST(ExtAuthzTest, WhatTheServiceDeniesIsAnsweredAsItSays) {
  FilterHarness h(extAuthzType(), http());
  auto x = ask(h);
  h.world.side_calls.answer(0, 401, {{"www-authenticate", "Basic"}, {"x-why", "no"}, {"connection", "x"}},
                            "who are you?");
  x->settle();
  EXPECT_FALSE(x->terminal_open);
  EXPECT_EQ(x->status(), 401);
  EXPECT_EQ(x->client.body(), "who are you?");
  EXPECT_EQ(x->client.head()->headers.get("www-authenticate"), "Basic");
  EXPECT_EQ(x->client.head()->headers.get("x-why"), "no");
  EXPECT_FALSE(x->client.head()->headers.get("connection"));
  EXPECT_EQ(x->info.reason, http::Reason::kAuthzDenied);
  EXPECT_EQ(h.world.counter("http.test.ext_authz.denied"), 1u);
}

TEST(ExtAuthzTest, OnlyAllowedHeadersPass) {
  FilterHarness h(extAuthzType(),
                  http("authorization_response { allowed_upstream_headers { patterns { exact: \"x-user\" } } "
                       "allowed_upstream_headers_to_append { patterns { exact: \"x-role\" } } "
                       "allowed_client_headers { patterns { exact: \"x-why\" } } "
                       "allowed_client_headers_on_success { patterns { exact: \"set-cookie\" } } }"));
  auto x = ask(h, {{"x-user", "forged"}, {"x-role", "one"}, {"x-drop", "1"}});
  h.world.side_calls.answer(0, 200,
                            {{"x-user", "ann"},
                             {"x-role", "two"},
                             {"x-other", "no"},
                             {"x-envoy-auth-headers-to-remove", "x-drop, host"},
                             {"set-cookie", "a=b"}});
  x->settle();
  EXPECT_EQ(x->upstream.sent(), "HEAD GET /path?query x-user=ann x-role=one x-role=two; END; ");
  x->answer(200);
  x->settle();
  EXPECT_EQ(x->client.sent(), "HEAD 200 set-cookie=a=b; END; ");

  auto y = ask(h);
  h.world.side_calls.answer(1, 403, {{"x-why", "no"}, {"x-secret", "1"}, {"location", "/login"}});
  y->settle();
  EXPECT_EQ(y->client.head()->headers.get("x-why"), "no");
  EXPECT_EQ(y->client.head()->headers.get("location"), "/login");
  EXPECT_FALSE(y->client.head()->headers.get("x-secret"));
}

TEST(ExtAuthzTest, FailsClosedUnlessItIsToldOtherwise) {
  {
    FilterHarness h(extAuthzType(), http());
    auto x = ask(h);
    h.world.side_calls.fail(0, http::Reason::kConnectFailure);
    x->settle();
    EXPECT_EQ(x->status(), 403);
    EXPECT_EQ(x->info.reason, http::Reason::kAuthzError);
    EXPECT_EQ(h.world.counter("http.test.ext_authz.error"), 1u);
  }
  {
    FilterHarness h(extAuthzType(), http("", "status_on_error { code: ServiceUnavailable }"));
    auto x = ask(h);
    h.world.side_calls.answer(0, 500);  // says nothing about the request
    x->settle();
    EXPECT_EQ(x->status(), 503);
  }
  FilterHarness h(extAuthzType(), http("", "failure_mode_allow: true failure_mode_allow_header_add: true"));
  auto x = ask(h);
  h.world.side_calls.fail(0, http::Reason::kRouteTimeout);
  x->settle();
  EXPECT_EQ(x->upstream.sent(), "HEAD GET /path?query x-envoy-auth-failure-mode-allowed=true; END; ");
  EXPECT_EQ(h.world.counter("http.test.ext_authz.failure_mode_allowed"), 1u);
}

TEST(ExtAuthzTest, TheServiceMayBeAskedAgain) {
  const std::string policy =
      "retry_policy { num_retries { value: 2 } retry_back_off { base_interval { nanos: 10000000 } } } ";
  FilterHarness h(extAuthzType(), http(policy, "with_request_body { max_request_bytes: 10 }"));
  FakeSideCaller& service = h.world.side_calls;
  auto x = h.open();
  x->client.pushHead(x->request("POST", "/"));
  x->client.pushData("body");
  x->client.pushEnd();
  x->settle();
  service.answer(0, 503);
  h.world.simulation.runFor(absl::Milliseconds(20));
  ASSERT_EQ(service.calls().size(), 2u);
  EXPECT_EQ(service.calls()[1].body, "body");
  EXPECT_LT(service.calls()[1].timeout, absl::Seconds(1));  // of what is left
  service.fail(1, http::Reason::kUpstreamReset);
  h.world.simulation.runFor(absl::Milliseconds(30));
  ASSERT_EQ(service.calls().size(), 3u);
  service.answer(2, 200);
  x->settle();
  EXPECT_EQ(x->upstream.body(), "body");
  EXPECT_EQ(h.world.counter("http.test.ext_authz.retry"), 2u);

  auto refused = ask(h);  // what it says is no failure
  service.answer(3, 403);
  refused->settle();
  EXPECT_EQ(refused->status(), 403);
  EXPECT_EQ(service.calls().size(), 4u);

  auto late = ask(h);  // the time is over
  service.fail(4, http::Reason::kRouteTimeout);
  late->settle();
  EXPECT_EQ(late->info.reason, http::Reason::kAuthzError);

  auto gone = ask(h);  // a client that is gone needs no answer
  service.answer(5, 500);
  gone->settle();
  gone.reset();
  h.world.simulation.runFor(absl::Seconds(1));
  EXPECT_EQ(service.calls().size(), 6u);
}

// What is asked again is what was asked before, whatever became of the bytes that it was made of; and a worker that was
// busy until the time was over asks nobody.
TEST(ExtAuthzTest, WhatIsAskedAgainIsKept) {
  const std::string policy =
      "path_prefix: \"/check\" authorization_request { allowed_headers { patterns { prefix: \"x-\" } } } "
      "retry_policy { num_retries { value: 2 } retry_back_off { base_interval { nanos: 10000000 } } } ";
  FilterHarness h(extAuthzType(),
                  http(policy, "with_request_body { max_request_bytes: 9 allow_partial_message: true }"));
  FakeSideCaller& service = h.world.side_calls;
  auto x = h.open();
  {
    const std::string value(200, 'v');
    x->client.pushHead(x->request("POST", "/", {{"x-a", value}}));
  }
  for (int i = 0; i < 5; ++i) x->client.pushData("abc" + std::to_string(i));
  x->settle();
  service.answer(0, 503);
  x->client.pushData("more that takes its place");
  h.world.simulation.runFor(absl::Milliseconds(20));
  ASSERT_EQ(service.calls().size(), 2u);
  EXPECT_EQ(service.calls()[1].body, "abc0abc1a");
  EXPECT_EQ(service.calls()[1].head, service.calls()[0].head);
  service.answer(1, 503);
  x->settle();
  h.world.simulation.clock().moveTo(h.world.simulation.now() + absl::Seconds(2));
  x->settle();
  EXPECT_EQ(service.calls().size(), 2u);
  EXPECT_EQ(x->info.reason, http::Reason::kAuthzError);
}

TEST(ExtAuthzTest, OnlyOnWhatThePolicyNames) {
  const std::string back_off = "retry_back_off { base_interval { nanos: 1000000 } } ";
  FilterHarness h(extAuthzType(), http("retry_policy { retry_on: \"connect-failure\" " + back_off + "} "));
  FakeSideCaller& service = h.world.side_calls;
  auto x = ask(h);
  service.answer(0, 500);
  h.world.simulation.runFor(absl::Milliseconds(5));
  EXPECT_EQ(x->info.reason, http::Reason::kAuthzError);
  auto y = ask(h);
  service.fail(1, http::Reason::kConnectFailure);
  h.world.simulation.runFor(absl::Milliseconds(5));
  ASSERT_EQ(service.calls().size(), 3u);
  service.fail(2, http::Reason::kConnectFailure);  // once unless it says otherwise
  h.world.simulation.runFor(absl::Milliseconds(5));
  EXPECT_EQ(y->info.reason, http::Reason::kAuthzError);
  EXPECT_EQ(service.calls().size(), 3u);
}

TEST(ExtAuthzTest, TheBodyIsShownUpToItsLimit) {
  FilterHarness h(extAuthzType(), http("", "with_request_body { max_request_bytes: 4 }"));
  auto x = h.open();
  x->client.pushHead(x->request("POST", "/"));
  x->client.pushData("ab");
  x->settle();
  EXPECT_TRUE(h.world.side_calls.calls().empty());
  x->client.pushData("cd");
  x->client.pushEnd();
  x->settle();
  ASSERT_EQ(h.world.side_calls.calls().size(), 1u);
  EXPECT_EQ(h.world.side_calls.calls()[0].body, "abcd");
  h.world.side_calls.answer(0, 200);
  x->settle();
  EXPECT_EQ(x->upstream.sent(), "HEAD POST /; DATA abcd; END; ");

  auto y = h.open();
  y->client.pushHead(y->request("POST", "/"));
  y->client.pushData("abcde");
  y->settle();
  EXPECT_EQ(y->status(), 413);
}

TEST(ExtAuthzTest, PartOfABodyMayBeEnough) {
  FilterHarness h(extAuthzType(), http("", "with_request_body { max_request_bytes: 4 allow_partial_message: true }"));
  auto x = h.open();
  http::Head& head = x->request("POST", "/");
  head.content_length = 9;
  x->client.pushHead(head);
  x->client.pushData("abcdef");
  x->settle();
  ASSERT_EQ(h.world.side_calls.calls().size(), 1u);
  EXPECT_EQ(h.world.side_calls.calls()[0].body, "abcd");
  EXPECT_NE(h.world.side_calls.calls()[0].head.find("x-envoy-auth-partial-body=true"), std::string::npos);
  h.world.side_calls.answer(0, 200);
  x->settle();
  EXPECT_EQ(x->upstream.body(), "abcdef");
  x->client.pushData("ghi");
  x->client.pushEnd();
  x->settle();
  EXPECT_EQ(x->upstream.sent(), "HEAD POST / length=9; DATA abcdefghi; END; ");
  EXPECT_EQ(h.world.side_calls.calls().size(), 1u);
}

TEST(ExtAuthzTest, AskedAgainstTheRouteAfterHeadersChanged) {
  FilterHarness h(extAuthzType(),
                  http("authorization_response { allowed_upstream_headers { patterns { exact: \"x-user\" } } }",
                       "clear_route_cache: true"));
  auto x = ask(h);
  h.world.side_calls.answer(0, 200, {{"x-user", "ann"}});
  x->settle();
  EXPECT_EQ(x->routes_chosen, 2);
  auto y = ask(h);
  h.world.side_calls.answer(1, 200);
  y->settle();
  EXPECT_EQ(y->routes_chosen, 1);
}

TEST(ExtAuthzTest, ARouteMaySwitchItOff) {
  FilterHarness h(extAuthzType(), http());
  h.addRoute("disabled: true");
  EXPECT_EQ(h.get()->status(), 200);
  EXPECT_TRUE(h.world.side_calls.calls().empty());
  EXPECT_EQ(h.world.counter("http.test.ext_authz.disabled"), 1u);
}

// The message of a call over gRPC.
auth::CheckRequest request(const FakeSideCaller::Asked& asked) {
  auth::CheckRequest message;
  EXPECT_GE(asked.body.size(), 5u);
  EXPECT_EQ(static_cast<unsigned char>(asked.body[4]) + 256u * static_cast<unsigned char>(asked.body[3]),
            asked.body.size() - 5);
  EXPECT_TRUE(message.ParseFromString(asked.body.substr(5)));
  return message;
}
std::string framed(const auth::CheckResponse& message) {
  const std::string bytes = message.SerializeAsString();
  return std::string("\0\0\0", 3) + static_cast<char>(bytes.size() >> 8) + static_cast<char>(bytes.size()) + bytes;
}
const Answer kGrpcOk = {{"grpc-status", "0"}};

struct OneCertificate final : net::PeerChain {
  std::string pem() const override { return "-----BEGIN X-----\nYQ==\n"; }
  std::vector<Link> links() const override { return {}; }
};

TEST(ExtAuthzTest, OverGrpcTheServiceSeesTheRequest) {
  FilterHarness h(extAuthzType(), kGrpc +
                                      "disallowed_headers { patterns { exact: \"cookie\" } } include_tls_session: true "
                                      "include_peer_certificate: true");
  h.addRoute(
      "check_settings { context_extensions { key: \"a\" value: \"1\" } context_extensions { key: \"b\" value: \"1\" } "
      "}");
  h.addRoute("check_settings { context_extensions { key: \"b\" value: \"2\" } }");
  net::TransportInfo tls;
  tls.server_name = "front.example";
  tls.peer_chain = std::make_shared<const OneCertificate>();
  auto x = h.open();
  x->info.downstream_transport = &tls;
  x->get("/path?query", {{"x-a", "1"}, {"x-a", "2"}, {"cookie", "private"}});
  x->settle();
  ASSERT_EQ(h.world.side_calls.calls().size(), 1u);
  const FakeSideCaller::Asked& asked = h.world.side_calls.calls()[0];
  EXPECT_EQ(asked.head,
            "authz POST /envoy.service.auth.v3.Authorization/Check content-type=application/grpc te=trailers "
            "grpc-timeout=250000u x-who=weir");
  const auth::AttributeContext context = request(asked).attributes();
  EXPECT_EQ(context.source().address().socket_address().address(), "192.0.2.1");
  EXPECT_EQ(context.destination().address().socket_address().port_value(), 8082u);
  EXPECT_EQ(context.request().http().method(), "GET");
  EXPECT_EQ(context.request().http().path(), "/path?query");
  EXPECT_EQ(context.request().http().host(), "example.com");
  EXPECT_EQ(context.request().http().headers().at("x-a"), "1,2");
  EXPECT_EQ(context.request().http().headers().count("cookie"), 0u);
  EXPECT_EQ(context.context_extensions().at("a"), "1");
  EXPECT_EQ(context.context_extensions().at("b"), "2");
  EXPECT_EQ(context.tls_session().sni(), "front.example");
  EXPECT_EQ(context.source().certificate(), "-----BEGIN%20X-----%0AYQ%3D%3D%0A");
}

TEST(ExtAuthzTest, OverGrpcTheAnswerEditsTheRequestAndTheResponse) {
  FilterHarness h(extAuthzType(), kGrpc);
  auto x = ask(h, {{"x-user", "forged"}, {"x-drop", "1"}, {"x-role", "one"}});
  auth::CheckResponse message;
  const auto add = [](auto* options, const std::string& name, const std::string& value, bool append = false) {
    auto* const option = options->Add();
    option->mutable_header()->set_key(name);
    option->mutable_header()->set_value(value);
    option->mutable_append()->set_value(append);
  };
  add(message.mutable_ok_response()->mutable_headers(), "X-User", "ann");
  add(message.mutable_ok_response()->mutable_headers(), "x-role", "two", true);
  add(message.mutable_ok_response()->mutable_headers(), "x-bad", "a\r\nb: c");
  add(message.mutable_ok_response()->mutable_headers(), "content-length", "7");
  message.mutable_ok_response()->add_headers_to_remove("x-drop");
  add(message.mutable_ok_response()->mutable_response_headers_to_add(), "x-seen", "1");
  h.world.side_calls.answer(0, 200, {}, framed(message), kGrpcOk);
  x->settle();
  EXPECT_EQ(x->upstream.sent(), "HEAD GET /path?query x-user=ann x-role=one x-role=two; END; ");
  x->answer(200);
  x->settle();
  EXPECT_EQ(x->client.sent(), "HEAD 200 x-seen=1; END; ");
}

TEST(ExtAuthzTest, OverGrpcTheServiceMayBeAskedAgain) {
  std::string config = kGrpc;
  config.insert(config.rfind('}'), "retry_policy { retry_back_off { base_interval { nanos: 1000000 } } } ");
  FilterHarness h(extAuthzType(), config);
  auto x = ask(h);
  h.world.side_calls.fail(0, http::Reason::kConnectFailure);
  h.world.simulation.runFor(absl::Milliseconds(5));
  ASSERT_EQ(h.world.side_calls.calls().size(), 2u);
  // Maps of protobuf have no order on the wire.
  using google::protobuf::util::MessageDifferencer;
  const auto& calls = h.world.side_calls.calls();
  EXPECT_TRUE(MessageDifferencer::Equals(request(calls[1]), request(calls[0])));
  h.world.side_calls.answer(1, 200, {}, framed(auth::CheckResponse()), kGrpcOk);
  x->settle();
  EXPECT_TRUE(x->terminal_open);
}

TEST(ExtAuthzTest, OverGrpcADenialAndAFailure) {
  FilterHarness h(extAuthzType(), kGrpc);
  auth::CheckResponse message;
  message.mutable_status()->set_code(7);
  message.mutable_denied_response()->mutable_status()->set_code(envoy::type::v3::Unauthorized);
  message.mutable_denied_response()->set_body("who?");
  auto x = ask(h);
  h.world.side_calls.answer(0, 200, {}, framed(message), kGrpcOk);
  x->settle();
  EXPECT_EQ(x->status(), 401);
  EXPECT_EQ(x->client.body(), "who?");

  const std::string good = framed(auth::CheckResponse());
  struct Bad {
    std::string body;
    Answer trailers;
  };
  const Bad bad[] = {
      {good, {{"grpc-status", "14"}}}, {good, {}}, {"", kGrpcOk}, {"\0\0", kGrpcOk}, {good + "x", kGrpcOk},
      {"\1" + good.substr(1), kGrpcOk}};
  size_t call = 1;
  for (const Bad& one : bad) {
    auto y = ask(h);
    h.world.side_calls.answer(call++, 200, {}, one.body, one.trailers);
    y->settle();
    EXPECT_EQ(y->info.reason, http::Reason::kAuthzError) << call;
  }
}

TEST(ExtAuthzTest, WhatCannotBeIsRefused) {
  harness::FilterWorld world;
  EXPECT_EQ(world.errorsOf(extAuthzType(), ""), ": no service is given; allowed: grpc_service, http_service\n");
  EXPECT_NE(world.errorsOf(extAuthzType(), http("path_prefix: \"x\"")).find("http_service.path_prefix"),
            std::string::npos);
  EXPECT_NE(world.errorsOf(extAuthzType(), "http_service { server_uri { uri: \"a\" cluster: \"a\" timeout { } } }")
                .find("would let requests wait for ever"),
            std::string::npos);
  EXPECT_NE(world.errorsOf(extAuthzType(), kGrpc + "transport_api_version: V2").find("allowed: V3"), std::string::npos);
}

TEST(ExtAuthzTest, KeepsTheContractOfFilters) {
  for (const int status : {200, 403}) {
    for (const char* body : {"", "with_request_body { max_request_bytes: 99 }",
                             "with_request_body { max_request_bytes: 3 allow_partial_message: true }"}) {
      harness::FilterContract contract;
      contract.make = [&](harness::FilterWorld& w) {
        w.side_calls.on_call = [status](FakeSideCaller& caller, size_t call) {
          caller.answer(call, static_cast<uint16_t>(status), {}, "said");
        };
        return w.makeFilter(extAuthzType(), http("", body));
      };
      harness::runFilterContract(contract);
    }
  }
}

}  // namespace
}  // namespace weir::extensions::ext_authz
