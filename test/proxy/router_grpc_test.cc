// What the router and the exchange do for gRPC: deadlines and answers of their own.
#include <string>

#include "gtest/gtest.h"
#include "source/http/grpc.h"
#include "source/proxy/router.h"
#include "test/proxy/proxy_world.h"

namespace weir::proxy {
namespace {

bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

std::string call(std::string_view timeout) {
  std::string text = "POST /s/m HTTP/1.1\r\nhost: h\r\ncontent-type: application/grpc\r\ncontent-length: 0\r\n";
  if (!timeout.empty()) text.append("grpc-timeout: ").append(timeout).append("\r\n");
  return text + "\r\n";
}

ForwardAction& forward(ProxyWorld::Setup& setup) { return std::get<ForwardAction>(setup.route->action); }

TEST(RouterGrpcTest, AnswersOfRoutesAreHeadsAlone) {
  ProxyWorld world([](ProxyWorld::Setup& setup) { setup.route->action = DirectAction{403, "no entry"}; });
  const std::string answer = world.ask(world.client(), call(""));
  EXPECT_TRUE(contains(answer, "HTTP/1.1 200 ")) << answer;
  EXPECT_TRUE(contains(answer, "grpc-status: 7\r\n")) << answer;
  EXPECT_TRUE(contains(answer, "grpc-message: no entry\r\n")) << answer;
  EXPECT_TRUE(contains(answer, "content-type: application/grpc\r\n")) << answer;
  EXPECT_EQ(answer.substr(answer.find("\r\n\r\n") + 4), "");
}

TEST(RouterGrpcTest, AClusterThatIsNotThereIsUnavailable) {
  ProxyWorld world([](ProxyWorld::Setup& setup) { forward(setup).cluster = "none"; });
  EXPECT_TRUE(contains(world.ask(world.client(), call("")), "grpc-status: 14\r\n"));
}

TEST(RouterGrpcTest, ARouteTimeoutIsDeadlineExceeded) {
  ProxyWorld world;
  RawClient& client = world.client();
  client.write(call("99999999H"));
  world.settle();
  world.upstream.simulation.runFor(absl::Seconds(20));
  EXPECT_TRUE(contains(client.received, "HTTP/1.1 200 ")) << client.received;
  EXPECT_TRUE(contains(client.received, "grpc-status: 4\r\n")) << client.received;
  EXPECT_EQ(world.log.at(0), "200 route_timeout POST /s/m");
}

TEST(RouterGrpcTest, TheDeadlineOfTheClientIsKeptWhereTheRouteAsksForIt) {
  struct Case {
    const char* timeout;
    absl::Duration max;
    absl::Duration offset;
    absl::Duration expected;
  };
  for (const Case& c : {Case{"3S", absl::ZeroDuration(), absl::ZeroDuration(), absl::Seconds(3)},
                        Case{"3S", absl::Seconds(2), absl::ZeroDuration(), absl::Seconds(2)},
                        Case{"3S", absl::ZeroDuration(), absl::Seconds(1), absl::Seconds(2)},
                        Case{"3S", absl::ZeroDuration(), absl::Seconds(5), absl::Seconds(3)},
                        Case{"99999999H", absl::Seconds(4), absl::ZeroDuration(), absl::Seconds(4)},
                        // Not well formed: the duration of the route holds.
                        Case{"100000000S", absl::Seconds(1), absl::ZeroDuration(), absl::Seconds(5)},
                        Case{"10000000000000000000n", absl::Seconds(1), absl::ZeroDuration(), absl::Seconds(5)},
                        Case{"", absl::Seconds(1), absl::ZeroDuration(), absl::Seconds(5)}}) {
    ProxyWorld world([&c](ProxyWorld::Setup& setup) {
      forward(setup).max_stream_duration = absl::Seconds(5);
      forward(setup).grpc_timeout_max = c.max;
      forward(setup).grpc_timeout_offset = c.offset;
    });
    RawClient& client = world.client();
    const base::MonotonicTime sent = world.upstream.simulation.now();
    client.write(call(c.timeout));
    world.settle();
    world.upstream.simulation.runFor(absl::Seconds(10));
    EXPECT_TRUE(contains(client.received, "grpc-status: 4\r\n")) << c.timeout << client.received;
    const absl::Duration took = client.last_received - sent;
    EXPECT_GE(took, c.expected) << c.timeout;
    EXPECT_LE(took, c.expected + absl::Milliseconds(20)) << c.timeout;
    EXPECT_EQ(world.log.at(0), "200 max_stream_duration POST /s/m");
  }
}

// The grpc-timeout that the origin was sent.
std::string passedOn(ProxyWorld& world, std::string_view timeout) {
  RawClient& client = world.client();
  client.write(call(timeout));
  world.settle();
  const std::string& request = world.origin.peers.at(0)->received;
  const size_t at = request.find("grpc-timeout: ");
  if (at == std::string::npos) return "";
  return request.substr(at + 14, request.find('\r', at) - at - 14);
}

TEST(RouterGrpcTest, TheUpstreamIsToldWhatIsLeftOfTheDeadline) {
  ProxyWorld world;
  const std::string left = passedOn(world, "10S");
  const auto parsed = http::parseGrpcTimeout(left);
  ASSERT_TRUE(parsed) << left;
  EXPECT_LE(*parsed, absl::Seconds(10));
  EXPECT_GT(*parsed, absl::Seconds(9));
}

TEST(RouterGrpcTest, ADeadlineThatTheRouteCutsIsPassedOnCut) {
  ProxyWorld world([](ProxyWorld::Setup& setup) { forward(setup).grpc_timeout_max = absl::Seconds(2); });
  const auto parsed = http::parseGrpcTimeout(passedOn(world, "10S"));
  ASSERT_TRUE(parsed);
  EXPECT_LE(*parsed, absl::Seconds(2));
  EXPECT_GT(*parsed, absl::Seconds(1));
}

TEST(RouterGrpcTest, ATimeoutThatIsNotWellFormedPassesAsItIs) {
  for (const char* text : {"10s", "123456789S", "18446744073709551616n"}) {
    ProxyWorld world;
    EXPECT_EQ(passedOn(world, text), text);
  }
}

}  // namespace
}  // namespace weir::proxy
