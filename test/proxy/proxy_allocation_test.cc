// Counts calls of the global operator new from each read of the proxy's sockets to the write that follows: everything
// that a proxied request does in weir, and nothing of the simulated network and the ends, which allocate as they like.
#include <utility>

#include "gtest/gtest.h"
#include "test/harness/allocations/allocations.h"
#include "test/proxy/h2_ends.h"
#include "test/proxy/proxy_world.h"

namespace weir::proxy {
namespace {

bool enabled = false;
bool open = false;  // from a read to the write that follows
size_t opened_at = 0;
size_t windows = 0;
size_t allocations = 0;  // in all windows

void openWindow() {
  open = true;
  opened_at = harness::allocations();
}

void closeWindow() {
  if (open && enabled) allocations += harness::allocations() - opened_at;
  open = false;
}

class CountingSocket final : public net::Socket {
 public:
  explicit CountingSocket(std::unique_ptr<net::Socket> inner) : inner_(std::move(inner)) {}
  void watch(event::ReadyHandler& handler) override { inner_->watch(handler); }
  net::IoResult read(std::span<const iovec> into) override {
    closeWindow();
    const net::IoResult result = inner_->read(into);
    if (result.state == net::IoResult::State::kOk) openWindow();
    return result;
  }
  net::IoResult write(std::span<const iovec> from) override {
    windows += open && enabled;
    closeWindow();
    return inner_->write(from);
  }
  void shutdownWrite() override { inner_->shutdownWrite(); }
  void resetOnClose() override { inner_->resetOnClose(); }
  absl::Status connectResult() override { return inner_->connectResult(); }
  net::Address localAddress() const override { return inner_->localAddress(); }
  net::Address remoteAddress() const override { return inner_->remoteAddress(); }

 private:
  std::unique_ptr<net::Socket> inner_;
};

class CountingListenSocket final : public net::ListenSocket {
 public:
  explicit CountingListenSocket(std::unique_ptr<net::ListenSocket> inner) : inner_(std::move(inner)) {}
  absl::Status listen(int backlog) override { return inner_->listen(backlog); }
  void watch(event::ReadyHandler& handler) override { inner_->watch(handler); }
  net::AcceptResult accept() override {
    net::AcceptResult result = inner_->accept();
    if (result.socket != nullptr) result.socket = std::make_unique<CountingSocket>(std::move(result.socket));
    return result;
  }
  net::Address localAddress() const override { return inner_->localAddress(); }

 private:
  std::unique_ptr<net::ListenSocket> inner_;
};

class CountingNetwork final : public net::Network {
 public:
  explicit CountingNetwork(net::Network& inner) : inner_(inner) {}
  absl::StatusOr<std::unique_ptr<net::ListenSocket>> bind(const net::Address& address,
                                                          const net::BindOptions& options) override {
    auto socket = inner_.bind(address, options);
    if (!socket.ok()) return socket.status();
    return std::make_unique<CountingListenSocket>(*std::move(socket));
  }
  absl::StatusOr<std::unique_ptr<net::Socket>> connect(const net::Address& address,
                                                       const std::optional<net::KeepAlive>& keep_alive) override {
    auto socket = inner_.connect(address, keep_alive);
    if (!socket.ok()) return socket.status();
    return std::make_unique<CountingSocket>(*std::move(socket));
  }

 private:
  net::Network& inner_;
};

TEST(ProxyAllocationTest, AProxiedRequestAllocatesNothing) {
  ProxyWorld world([](ProxyWorld::Setup& setup) { setup.config->access_logs.clear(); }, {}, 10,
                   [](net::Network& inner) { return std::make_unique<CountingNetwork>(inner); });
  world.origin.answerAll();
  RawClient& client = world.client();
  const std::string request =
      "GET /a?b HTTP/1.1\r\nhost: h\r\nuser-agent: test\r\nx-some-header: with a value\r\naccept: */*\r\n\r\n";
  for (int i = 0; i < 20; ++i) world.ask(client, request);
  enabled = true;
  for (int i = 0; i < 100; ++i) world.ask(client, request);
  enabled = false;
  EXPECT_EQ(world.counter("http.p.downstream_rq_2xx"), 120u);
  EXPECT_EQ(world.origin.peers.size(), 1u);
  EXPECT_EQ(windows, 200u);  // to the upstream and back, for each request
  EXPECT_EQ(allocations, 0u);
}

// What streams share comes from the sessions' own memory, which asks the heap for nothing either once it is warm.
TEST(ProxyAllocationTest, AProxiedHttp2RequestAllocatesNothing) {
  for (const bool h2_up : {false, true}) {
    ProxyWorld world([](ProxyWorld::Setup& setup) { setup.config->access_logs.clear(); },
                     [&](upstream::ClusterConfig& cluster) {
                       if (h2_up) cluster.protocol = upstream::Protocol::kHttp2;
                     },
                     10, [](net::Network& inner) { return std::make_unique<CountingNetwork>(inner); });
    H2Client client(world);
    H2Server server(world, [](http::h2::Call& call) { call.respond(200, "hi"); });
    if (!h2_up) world.origin.answerAll();
    const auto ask = [&] {
      for (int i = 0; i < 3; ++i) client.get("/a?b");
      h2_up ? settle(client, server) : client.settle();
      client.peer.calls().clear();
      for (const auto& peer : server.peers) peer->calls().clear();
    };
    for (int i = 0; i < 40; ++i) ask();
    allocations = windows = 0;
    enabled = true;
    for (int i = 0; i < 100; ++i) ask();
    enabled = false;
    EXPECT_EQ(world.counter("http.p.downstream_rq_2xx"), 420u);
    EXPECT_GE(windows, 200u);
    EXPECT_EQ(allocations, 0u) << h2_up;
  }
}

}  // namespace
}  // namespace weir::proxy
