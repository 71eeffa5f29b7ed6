#include "source/server/worker.h"

#include <gtest/gtest.h>

#include <string>

#include "source/server/bind_listeners.h"
#include "test/server/server_world.h"

namespace weir::server {
namespace {

constexpr char kHello[] = R"(
static_resources:
  listeners:
  - name: hello
    address: {socket_address: {address: 127.0.0.1, port_value: 80}}
    filter_chains:
    - filters:
      - name: hcm
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: hello
          access_log:
          - typed_config:
              "@type": type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog
              path: /hello.log
              log_format: {text_format_source: {inline_string: "%REQ(:PATH)% %RESPONSE_CODE%"}}
          http_filters:
          - name: router
            typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}
          route_config:
            virtual_hosts:
            - {name: all, domains: ["*"], routes: [
                {match: {path: /slow}, route: {cluster: silent}},
                {match: {prefix: /}, direct_response: {status: 200, body: {inline_string: hello}}}]}
  - name: echo
    address: {socket_address: {address: 127.0.0.1, port_value: 81}}
    enable_reuse_port: false
    filter_chains:
    - filters:
      - name: echo
        typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.network.echo.v3.Echo}
  clusters:
  - name: silent
    load_assignment:
      cluster_name: silent
      endpoints:
      - lb_endpoints: [{endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: 82}}}}]
)";

constexpr char kGet[] = "GET /a HTTP/1.1\r\nhost: x\r\n\r\n";

TEST(Worker, ServesAConfigurationFromEndToEnd) {
  ServerWorld world(kHello);
  world.start();
  Client& client = world.connect("127.0.0.1:80");
  client.send(kGet);
  world.run();
  EXPECT_TRUE(client.received.starts_with("HTTP/1.1 200 OK\r\n")) << client.received;
  EXPECT_TRUE(client.received.ends_with("\r\n\r\nhello")) << client.received;
  EXPECT_EQ(world.compiled.sinks.lines["/hello.log"], std::vector<std::string>{"/a 200\n"});
  EXPECT_EQ(world.workers[0]->connections(), 1u);
}

TEST(Worker, AListenerLogsConnectionsThatNoChainTakesToo) {
  ServerWorld world(R"(
static_resources:
  listeners:
  - name: echo
    address: {socket_address: {address: 127.0.0.1, port_value: 80}}
    access_log:
    - typed_config:
        "@type": type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog
        path: /connections.log
        log_format: {text_format_source: {inline_string:
          "%RESPONSE_FLAGS% %DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT% %BYTES_RECEIVED% %BYTES_SENT% %DURATION%"}}
    filter_chains:
    - filter_chain_match: {source_prefix_ranges: [{address_prefix: 127.0.0.0, prefix_len: 8}]}
      filters:
      - name: echo
        typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.network.echo.v3.Echo}
)");
  world.start();
  world.connect("127.0.0.1:80");  // from 10.0.0.9
  world.run();
  EXPECT_EQ(world.compiled.sinks.lines["/connections.log"], std::vector<std::string>{"NR 10.0.0.9 0 0 0\n"});
  Client& client = world.connectLocally("127.0.0.1:80", nullptr, "");
  client.send("hello");
  world.run();
  EXPECT_EQ(client.received, "hello");
  EXPECT_EQ(world.compiled.sinks.lines["/connections.log"].size(), 1u);
  world.simulation.runFor(absl::Milliseconds(70));
  client.finish();
  world.run();
  ASSERT_EQ(world.compiled.sinks.lines["/connections.log"].size(), 2u);
  EXPECT_TRUE(world.compiled.sinks.lines["/connections.log"][1].starts_with("- 127.0.0.1 5 5 "))
      << world.compiled.sinks.lines["/connections.log"][1];
}

TEST(Worker, SharedAddressesAreServedByAllWorkersAndOthersByTheFirst) {
  ServerWorld world(kHello, 3);
  world.start();
  for (int i = 0; i < 6; ++i) world.connect("127.0.0.1:80");
  for (int i = 0; i < 3; ++i) world.connect("127.0.0.1:81");
  world.run();
  EXPECT_EQ(world.workers[0]->listener(0).connections(), 2u);
  EXPECT_EQ(world.workers[1]->listener(0).connections(), 2u);
  EXPECT_EQ(world.workers[2]->listener(0).connections(), 2u);
  EXPECT_EQ(world.workers[0]->listener(1).connections(), 3u);
  EXPECT_EQ(world.workers[1]->listener(1).connections(), 0u);
}

TEST(Worker, NobodyAcceptsBeforeAllAreBound) {
  ServerWorld world(kHello);
  Client& client = world.connect("127.0.0.1:80");
  world.run();
  EXPECT_TRUE(client.closed.has_value());
  EXPECT_EQ(world.workers[0]->connections(), 0u);
}

TEST(Worker, AConnectionAboveTheLimitOfTheProcessIsClosed) {
  ServerWorld world(kHello, 1, 2);
  world.start();
  for (int i = 0; i < 2; ++i) world.connect("127.0.0.1:81");
  world.run();
  Client& above = world.connect("127.0.0.1:80");
  world.run();
  EXPECT_TRUE(above.ended || above.closed.has_value());
  EXPECT_EQ(world.workers[0]->connections(), 2u);
  EXPECT_EQ(world.compiled.stats.counterValue("listener.127.0.0.1_80.downstream_cx_overflow"), 1u);
}

TEST(Worker, DrainsSoonWhenNothingIsUnderWay) {
  ServerWorld world(kHello);
  world.start();
  Client& idle = world.connect("127.0.0.1:80");
  idle.send(kGet);
  world.run();
  bool done = false;
  world.workers[0]->drain([&done] { done = true; });
  EXPECT_FALSE(done);                         // never from inside the call
  world.simulation.runFor(absl::Seconds(3));  // a client that does not close is waited for a little
  EXPECT_TRUE(done);
  EXPECT_TRUE(idle.ended || idle.closed.has_value());
  Client& late = world.connect("127.0.0.1:80");
  world.run();
  EXPECT_EQ(late.closed, net::CloseReason::kConnectFailed);
}

TEST(Worker, ARequestThatIsUnderWayFinishesAndItsConnectionCloses) {
  ServerWorld world(kHello);
  world.start();
  world.wire.link(*net::Address::parse("127.0.0.1:82")).black_hole = true;
  Client& client = world.connect("127.0.0.1:80");
  client.send("GET /slow HTTP/1.1\r\nhost: x\r\n\r\n");
  world.run();
  bool done = false;
  world.workers[0]->drain([&done] { done = true; });
  world.simulation.runFor(absl::Seconds(3));
  EXPECT_FALSE(done);
  EXPECT_EQ(client.received, "");
  world.simulation.runFor(absl::Seconds(5));  // the connect timeout is over: the request has its answer
  EXPECT_TRUE(done);
  EXPECT_TRUE(client.received.starts_with("HTTP/1.1 503 ")) << client.received;
  EXPECT_NE(client.received.find("connection: close\r\n"), std::string::npos) << client.received;
  EXPECT_TRUE(client.ended);
}

TEST(Worker, ARequestThatComesWhileDrainingIsToldThatTheConnectionEnds) {
  ServerWorld world(kHello);
  world.start();
  Client& client = world.connect("127.0.0.1:80");
  client.send("POST /a HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n");
  world.run();
  bool done = false;
  world.workers[0]->drain([&done] { done = true; });
  client.send("\r\nabc");  // the answer does not wait for the rest of the body
  world.run();
  EXPECT_TRUE(client.received.starts_with("HTTP/1.1 200 OK\r\n")) << client.received;
  EXPECT_NE(client.received.find("connection: close\r\n"), std::string::npos) << client.received;
  world.simulation.runFor(absl::Seconds(5));
  EXPECT_TRUE(client.ended || client.closed.has_value());
  EXPECT_TRUE(done);
}

TEST(Worker, HealthChecksFailWhileDraining) {
  std::string text = kHello;
  const std::string router = "          - name: router\n";
  text.insert(text.find(router), R"(          - name: health
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.health_check.v3.HealthCheck
              pass_through_mode: true
              headers: [{name: ":path", string_match: {exact: /healthz}}]
)");
  ServerWorld world(text);
  world.start();
  Client& client = world.connect("127.0.0.1:80");
  client.send("GET /healthz HTTP/1.1\r\nhost: x\r\n\r\nGET /healthz HTTP/1.1\r\n");
  world.run();
  EXPECT_TRUE(client.received.starts_with("HTTP/1.1 200 ")) << client.received;
  EXPECT_TRUE(client.received.ends_with("hello")) << client.received;
  client.received.clear();
  world.workers[0]->drain([] {});
  client.send("host: x\r\n\r\n");
  world.run();
  EXPECT_TRUE(client.received.starts_with("HTTP/1.1 503 ")) << client.received;
  EXPECT_NE(client.received.find("connection: close\r\n"), std::string::npos) << client.received;
}

TEST(Worker, ClosingAllDropsWhatIsLeft) {
  ServerWorld world(kHello);
  world.start();
  world.wire.link(*net::Address::parse("127.0.0.1:82")).black_hole = true;
  Client& client = world.connect("127.0.0.1:80");
  client.send("GET /slow HTTP/1.1\r\nhost: x\r\n\r\n");
  world.run();
  EXPECT_GT(world.workers[0]->connections(), 0u);
  world.workers[0]->closeAll();
  world.run();
  EXPECT_EQ(world.workers[0]->connections(), 0u);
  EXPECT_TRUE(client.closed.has_value());
}

TEST(Worker, MayEndWithRequestsUnderWay) {
  ServerWorld world(kHello);
  world.start();
  world.wire.link(*net::Address::parse("127.0.0.1:82")).black_hole = true;
  Client& client = world.connect("127.0.0.1:80");
  client.send("GET /slow HTTP/1.1\r\nhost: x\r\n\r\n");
  world.run();
  world.workers.clear();
  world.run();
  EXPECT_TRUE(client.closed.has_value() || client.ended);
}

TEST(Worker, MayEndInTheMiddleOfADrain) {
  for (const bool begun : {true, false}) {
    ServerWorld world(kHello);
    world.start();
    world.wire.link(*net::Address::parse("127.0.0.1:82")).black_hole = true;
    Client& client = world.connect("127.0.0.1:80");
    client.send("GET /slow HTTP/1.1\r\nhost: x\r\n\r\n");
    world.run();
    Worker& worker = *world.workers[0];
    bool done = false;
    if (begun) {
      worker.drain([&done] { done = true; });
    } else {
      worker.dispatcher().post([&worker, &done] { worker.drain([&done] { done = true; }); });
    }
    world.workers.clear();  // a timer of the drain that is due, or the drain itself, comes now at the latest
    world.run();
    EXPECT_FALSE(done);
    EXPECT_TRUE(client.closed.has_value() || client.ended);
  }
}

TEST(BindListeners, TheFirstWorkerTakesThePortThatIsFreeAndTheOthersTakeTheSame) {
  ServerWorld world(R"(
static_resources:
  listeners:
  - name: a
    address: {socket_address: {address: 127.0.0.1, port_value: 0}}
    filter_chains:
    - filters:
      - {name: echo, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.network.echo.v3.Echo}}
)",
                    3);
  world.start();
  const net::Address address = world.workers[0]->listener(0).addresses()[0];
  EXPECT_NE(address.port(), 0);
  EXPECT_EQ(world.workers[1]->listener(0).addresses()[0], address);
  EXPECT_EQ(world.workers[2]->listener(0).addresses()[0], address);
}

TEST(BindListeners, AnAddressThatIsTakenIsAnErrorThatNamesTheListener) {
  ServerWorld world(kHello);
  ASSERT_TRUE(world.bound.ok());
  std::vector<Worker*> workers{world.workers[0].get()};
  // The echo listener does not share its port.
  const absl::Status again = bindListeners(std::span(world.compiled.config->listeners).subspan(1), workers);
  ASSERT_FALSE(again.ok());
  EXPECT_TRUE(std::string(again.message()).starts_with("listener echo: ")) << again;
  EXPECT_NE(std::string(again.message()).find("127.0.0.1:81"), std::string::npos) << again;
}

}  // namespace
}  // namespace weir::server
