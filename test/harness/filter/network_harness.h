// NetworkHarness: one connection of a simulated network through network filters to a terminal session that keeps what
// it is given and sends what the test says. Nothing happens inside the calls here but what the simulation then runs.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "source/filter/network_chain.h"
#include "test/harness/filter/filter_world.h"

namespace weir::harness {

class NetworkHarness final : private net::Session, private event::ReadyHandler {
 public:
  // `world` outlives it.
  NetworkHarness(FilterWorld& world, std::vector<std::unique_ptr<filter::NetworkFilter>> filters) : world_(world) {
    const net::Address address = net::Address::parse("127.0.0.1:8083").value();
    listener_ = world.network.bind(address, {}).value();
    EXPECT_TRUE(listener_->listen(8).ok());
    peer_ = world.network.connect(address, std::nullopt).value();
    peer_->watch(*this);
    run();
    net::Session& terminal = *this;
    connection_ = std::make_unique<net::Connection>(world.dispatcher, world.blocks, listener_->accept().socket,
                                                    net::Connection::Limits(), terminal);
    chain_ = std::make_unique<filter::NetworkChain>(std::move(filters), *connection_, world.worker, world.side_calls,
                                                    terminal);
    connection_->setSession(*chain_);
    chain_->start();
    run();
  }

  // --- the client
  void clientSends(std::string bytes) {
    const iovec piece{bytes.data(), bytes.size()};
    EXPECT_EQ(peer_->write({&piece, 1}).bytes, bytes.size());
    run();
  }
  void clientCloses() {
    peer_.reset();
    run();
  }
  // What it has received since it was last asked; then a '|' if that was the end.
  std::string clientGot() {
    std::string got;
    std::array<char, 4096> bytes;
    for (;;) {
      const iovec into{bytes.data(), bytes.size()};
      const net::IoResult result = peer_->read({&into, 1});
      if (result.state == net::IoResult::State::kEnd) return got + "|";
      if (result.state != net::IoResult::State::kOk) return got;
      got.append(bytes.data(), result.bytes);
    }
  }

  // --- the terminal session
  void terminalSends(std::string_view bytes) {
    connection_->output().append(bytes);
    connection_->flush();
    run();
  }
  // What it was given since it was last asked.
  std::string terminalGot() { return std::exchange(got_, {}); }
  int rooms = 0;   // calls of onRoom
  int closed = 0;  // calls of onClose

  net::Connection& connection() { return *connection_; }
  void run() { world_.simulation.runUntilIdle(); }

 private:
  void onInput(buffer::Buffer& input, bool end) override {
    got_ += input.toString() + (end ? "|" : "");
    input.clear();
  }
  void onRoom() override { ++rooms; }
  void onClose(net::CloseReason) override { ++closed; }
  void onReady(event::Readiness) override {}

  FilterWorld& world_;
  std::unique_ptr<net::ListenSocket> listener_;
  std::unique_ptr<net::Socket> peer_;
  std::string got_;
  std::unique_ptr<net::Connection> connection_;
  std::unique_ptr<filter::NetworkChain> chain_;
};

}  // namespace weir::harness
