// The network terminals, each made from its configuration and served on the simulated network.
#include <google/protobuf/text_format.h>

#include <memory>
#include <string>

#include "envoy/extensions/filters/network/direct_response/v3/direct_response.pb.h"
#include "envoy/extensions/filters/network/echo/v3/echo.pb.h"
#include "envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy.pb.h"
#include "gtest/gtest.h"
#include "source/extensions/filters/network/direct_response/direct_response.h"
#include "source/extensions/filters/network/echo/echo.h"
#include "source/extensions/filters/network/tcp_proxy/tcp_proxy_config.h"
#include "test/proxy/session_world.h"

namespace weir::extensions {
namespace {

using envoy::extensions::filters::network::echo::v3::Echo;
using envoy::extensions::filters::network::tcp_proxy::v3::TcpProxy;
using DirectResponse = envoy::extensions::filters::network::direct_response::v3::Config;
using upstream::Origin;
using upstream::OriginPeer;

class NoSinks final : public proxy::LogSinks {
 public:
  absl::StatusOr<filter::LogSink*> open(std::string_view) override { return absl::NotFoundError("no sinks here"); }
};

class SessionConfigsTest : public testing::Test {
 protected:
  template <typename Message>
  std::unique_ptr<proxy::SessionFactory> make(const proxy::SessionType& type, const std::string& text) {
    Message message;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message)) << text;
    EXPECT_EQ(type.config_type, message.GetDescriptor()->full_name());
    const base::FieldPath path;
    const filter::HttpFilterRegistry http_filters;
    const proxy::AccessLogRegistry access_logs;
    NoSinks sinks;
    const std::function<std::string(std::string_view)> problem = [](std::string_view name) {
      return name == "c" ? "" : "no such cluster";
    };
    const proxy::SessionContext context{world_.world.registry, diagnostics_, path,  world_.world.simulation.clock(),
                                        http_filters,          access_logs,  sinks, problem};
    return type.make(message, context);
  }
  std::string onlyError() {
    EXPECT_EQ(diagnostics_.errors(), 1u);
    return diagnostics_.ok() ? "" : diagnostics_.all()[0].path + ": " + diagnostics_.all()[0].message;
  }
  OriginPeer& open() {
    OriginPeer& client = world_.connect();
    world_.settle();
    return client;
  }

  proxy::SessionWorld world_;
  base::Diagnostics diagnostics_;
};

TEST_F(SessionConfigsTest, EchoSendsBackWhatItReads) {
  world_.start(make<Echo>(echo::echoType(), ""));
  OriginPeer& client = open();
  client.write("one");
  world_.settle();
  client.write("two");
  client.connection().finishOutput();
  world_.settle();
  EXPECT_EQ(client.received, "onetwo");
  EXPECT_TRUE(client.ended);
  EXPECT_EQ(world_.connections().size(), 0u);
}

TEST_F(SessionConfigsTest, EchoHoldsNoMoreThanItsLimits) {
  world_.start(make<Echo>(echo::echoType(), ""));
  OriginPeer& client = open();
  client.connection().pauseReading(true);
  const std::string all(1'000'000, 'e');
  client.write(all);
  world_.settle();
  EXPECT_LE(world_.world.worker().blocks.inUse(), 8u);
  client.connection().pauseReading(false);
  client.connection().finishOutput();
  world_.world.simulation.runUntil([&] { return client.ended; }, absl::Seconds(10));
  EXPECT_EQ(client.received_bytes, all.size());
}

TEST_F(SessionConfigsTest, EchoClosesWhenDrained) {
  world_.start(make<Echo>(echo::echoType(), ""));
  OriginPeer& client = open();
  world_.connections().drain();
  world_.settle();
  EXPECT_TRUE(client.ended);
}

TEST_F(SessionConfigsTest, DirectResponseWritesItsBytesAndCloses) {
  world_.start(
      make<DirectResponse>(direct_response::directResponseType(), "response { inline_string: 'hello world' }"));
  OriginPeer& client = open();
  client.write("whatever");
  world_.settle();
  EXPECT_EQ(client.received, "hello world");
  EXPECT_TRUE(client.ended);
  client.connection().finishOutput();
  world_.settle();
  EXPECT_EQ(world_.connections().size(), 0u);
}

TEST_F(SessionConfigsTest, DirectResponseDropsAClientThatDoesNotClose) {
  world_.start(make<DirectResponse>(direct_response::directResponseType(), "response { inline_string: 'x' }"));
  open();
  EXPECT_EQ(world_.connections().size(), 1u);
  world_.world.simulation.runFor(absl::Seconds(6));
  EXPECT_EQ(world_.connections().size(), 0u);
}

TEST_F(SessionConfigsTest, DirectResponseWithoutBytesCloses) {
  world_.start(make<DirectResponse>(direct_response::directResponseType(), ""));
  EXPECT_TRUE(open().ended);
}

TEST_F(SessionConfigsTest, DirectResponseNamesAFileThatItCannotRead) {
  EXPECT_EQ(make<DirectResponse>(direct_response::directResponseType(), "response { filename: '/no/such/file' }"),
            nullptr);
  EXPECT_EQ(onlyError().rfind("response", 0), 0u) << onlyError();
}

TEST_F(SessionConfigsTest, TcpProxyIsMadeFromItsConfiguration) {
  Origin origin(world_.world.origin_worker, "10.0.0.1");
  std::unique_ptr<proxy::SessionFactory> factory =
      make<TcpProxy>(tcp_proxy::tcpProxyType(), R"(stat_prefix: 'p' cluster: 'c' idle_timeout { seconds: 2 }
          max_downstream_connection_duration { seconds: 60 } max_connect_attempts { value: 2 })");
  ASSERT_NE(factory, nullptr);
  EXPECT_EQ(factory->clusters(), std::vector<std::string>{"c"});
  world_.start(std::move(factory), {world_.world.makeCluster({origin.address()})});
  OriginPeer& client = open();
  client.write("ping");
  world_.settle();
  EXPECT_EQ(origin.peers[0]->received, "ping");
  world_.world.simulation.runFor(absl::Seconds(4));
  EXPECT_EQ(world_.counter("tcp.p.idle_timeout"), 1u);
}

TEST_F(SessionConfigsTest, TcpProxyRefusesAnUnknownCluster) {
  EXPECT_EQ(make<TcpProxy>(tcp_proxy::tcpProxyType(), "stat_prefix: 'p' cluster: 'nobody'"), nullptr);
  EXPECT_EQ(onlyError(), "cluster: no such cluster");
}

TEST_F(SessionConfigsTest, TcpProxyNamesTheWeightedClusterThatIsUnknown) {
  EXPECT_EQ(make<TcpProxy>(tcp_proxy::tcpProxyType(),
                           R"(stat_prefix: 'p' weighted_clusters { clusters { name: 'c' weight: 1 }
                              clusters { name: 'nobody' weight: 2 } })"),
            nullptr);
  EXPECT_EQ(onlyError().rfind("weighted_clusters.clusters[1].name: ", 0), 0u) << onlyError();
}

}  // namespace
}  // namespace weir::extensions
