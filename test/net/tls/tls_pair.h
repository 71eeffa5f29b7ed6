// TlsPair: a TLS client and a TLS server, each a Connection on a simulated worker of its own, over the simulated
// network. Tests set the two configurations, open, and look at both sessions.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <string>

#include "source/net/connection.h"
#include "source/net/tls/tls_transport.h"
#include "source/net/transport_info.h"
#include "source/stats/registry.h"
#include "test/harness/sim/sim_network.h"
#include "test/harness/sim/simulation.h"
#include "test/net/connection_test_session.h"
#include "test/net/tls/test_certificates.h"

namespace weir::net::tls {

// Shows what a Connection, or the TLS below it, does with the socket that it keeps to itself.
class ObservedSocket final : public Socket {
 public:
  explicit ObservedSocket(std::unique_ptr<Socket> socket) : socket_(std::move(socket)) {}
  void watch(event::ReadyHandler& handler) override { socket_->watch(handler); }
  IoResult read(std::span<const iovec> into) override { return socket_->read(into); }
  IoResult write(std::span<const iovec> from) override {
    const IoResult done = socket_->write(from);
    size_t left = done.state == IoResult::State::kOk ? done.bytes : 0;
    for (const iovec& piece : from) {
      const size_t n = std::min(left, piece.iov_len);
      written.append(static_cast<const char*>(piece.iov_base), n);
      left -= n;
    }
    ++writes;
    return done;
  }
  void shutdownWrite() override { socket_->shutdownWrite(); }
  void resetOnClose() override { socket_->resetOnClose(); }
  absl::Status connectResult() override { return result = socket_->connectResult(); }
  Address localAddress() const override { return socket_->localAddress(); }
  Address remoteAddress() const override { return socket_->remoteAddress(); }
  absl::Status result;  // of the connect
  std::string written;
  size_t writes = 0;

 private:
  std::unique_ptr<Socket> socket_;
};

struct TlsSide {
  explicit TlsSide(harness::Simulation& simulation, harness::SimWire& wire)
      : dispatcher(simulation.addDispatcher()), network(wire, dispatcher), random(1), shard(registry.makeShard()) {}

  event::Dispatcher& dispatcher;
  harness::SimNetwork network;
  buffer::BlockPool blocks;
  base::ChunkPool chunks;
  base::Random random;
  stats::Registry registry;
  stats::Shard& shard;
  WorkerContext worker{dispatcher, network, blocks, chunks, random, shard};
  TlsStats stats = TlsStats::make(registry, "listener", "x");
  std::shared_ptr<const TransportFactory> factory;  // null: plain bytes
  Problems problems;
  RecordingSession session;
  std::unique_ptr<Connection> connection;
  ObservedSocket* wire = nullptr;  // below TLS
  Socket* socket = nullptr;        // the TLS, or the same as above
  ObservedSocket* observed = nullptr;

  std::unique_ptr<Socket> dress(std::unique_ptr<Socket> plain, std::string_view host) {
    auto lower = std::make_unique<ObservedSocket>(std::move(plain));
    wire = lower.get();
    auto inner = factory == nullptr ? std::unique_ptr<Socket>(std::move(lower))
                                    : factory->wrap(std::move(lower), worker, {.host_name = host});
    socket = inner.get();
    auto outer = std::make_unique<ObservedSocket>(std::move(inner));
    observed = outer.get();
    return outer;
  }
  const TransportInfo& info() const { return *socket->transportInfo(); }
  uint64_t count(stats::CounterId id) const { return registry.value(id); }
};

class TlsPair : public testing::Test {
 protected:
  void serve(const ServerConfig& config) {
    TlsTransport made = TlsTransport::server(config, server.stats);
    server.factory = made.factory;
    server.problems = made.problems;
    ASSERT_NE(made.factory, nullptr) << made.problems.front().message;
  }
  void dial(const ClientConfig& config) {
    TlsTransport made = TlsTransport::client(config, client.stats);
    client.factory = made.factory;
    client.problems = made.problems;
    ASSERT_NE(made.factory, nullptr) << made.problems.front().message;
  }
  // The usual: a.example with the authority that both know.
  ServerConfig serverConfig() const {
    ServerConfig config;
    config.certificates.push_back(leaf.config());
    return config;
  }
  ClientConfig clientConfig(const std::string& name = "a.example") const {
    ClientConfig config;
    config.server_name = name;
    config.validation.trusted_ca = authority.root.pem;
    return config;
  }

  // A connection whose handshake has run, well or not.
  void open(std::string_view host = "") {
    close();
    if (listener == nullptr) {
      listener = *server.network.bind(*Address::parse("127.0.0.1:0"), {});
      ASSERT_TRUE(listener->listen(8).ok());
    }
    client.session.~RecordingSession();
    new (&client.session) RecordingSession();
    server.session.~RecordingSession();
    new (&server.session) RecordingSession();
    auto socket = client.network.connect(listener->localAddress(), std::nullopt);
    client.connection =
        std::make_unique<Connection>(client.dispatcher, client.blocks, client.dress(*std::move(socket), host),
                                     Connection::Limits{}, client.session, absl::Seconds(5));
    AcceptResult accepted;
    ASSERT_TRUE(simulation.runUntil([&] {
      accepted = listener->accept();
      return accepted.state == AcceptResult::State::kAccepted;
    }));
    server.connection =
        std::make_unique<Connection>(server.dispatcher, server.blocks, server.dress(std::move(accepted.socket), ""),
                                     Connection::Limits{}, server.session);
    if (before_handshake) before_handshake();
    simulation.runUntilIdle();
  }
  void close() {
    client.connection.reset();
    server.connection.reset();
    simulation.runUntilIdle();
  }
  bool isOpen() const { return client.session.opens == 1 && client.connection->open() && !server.session.closed; }
  static void send(Connection& connection, std::string_view bytes) {
    connection.output().append(bytes);
    connection.flush();
  }
  static void pump(Connection& connection, RecordingSession& session, std::string bytes) {
    auto rest = std::make_shared<std::string>(std::move(bytes));
    session.on_room = [&connection, rest] {
      const size_t n = std::min(connection.room(), rest->size());
      if (n > 0) send(connection, std::string_view(*rest).substr(0, n));
      rest->erase(0, n);
    };
    session.on_room();
  }
  // "ping" there and "pong" back.
  void exchange() {
    ASSERT_TRUE(isOpen()) << client.observed->result;
    send(*client.connection, "ping");
    simulation.runUntilIdle();
    EXPECT_EQ(server.session.received, "ping");
    send(*server.connection, "pong");
    simulation.runUntilIdle();
    EXPECT_EQ(client.session.received, "pong");
  }
  std::string clientError() const { return std::string(client.observed->result.message()); }
  const std::string& serverError() const { return server.info().failure; }

  TestAuthority authority;
  TestCertificate leaf = authority.leaf({{GEN_DNS, "a.example"}});
  harness::Simulation simulation;
  harness::SimWire wire{simulation};
  TlsSide client{simulation, wire};
  TlsSide server{simulation, wire};
  std::unique_ptr<ListenSocket> listener;
  std::function<void()> before_handshake;  // when both connections are there
};

}  // namespace weir::net::tls
