#include "source/filter/network_chain.h"

#include <string>

#include "gtest/gtest.h"
#include "test/harness/filter/filter_world.h"

namespace weir::filter {
namespace {

using Log = std::vector<std::string>;

// Writes down every call and answers from its script.
class FakeFilter final : public NetworkFilter {
 public:
  FakeFilter(std::string name, Log& log) : name_(std::move(name)), log_(log) {}
  NetworkVerdict onOpen() override {
    log_.push_back(name_ + " open");
    return open;
  }
  NetworkVerdict onRead(buffer::Buffer& bytes, bool end) override {
    log_.push_back(name_ + " read " + bytes.toString() + (end ? " end" : ""));
    bytes.append(suffix);
    return read;
  }
  void onClose(net::CloseReason) override { log_.push_back(name_ + " close"); }
  using NetworkFilter::host;
  NetworkVerdict open = NetworkVerdict::kNext;
  NetworkVerdict read = NetworkVerdict::kNext;
  std::string suffix;

 private:
  std::string name_;
  Log& log_;
};

// Takes bytes only while it is told to.
class FakeTerminal final : public net::Session {
 public:
  explicit FakeTerminal(Log& log) : log_(log) {}
  void onInput(buffer::Buffer& input, bool end) override {
    log_.push_back("terminal " + input.toString() + (end ? " end" : ""));
    if (take) input.clear();
  }
  void onRoom() override {}
  void onClose(net::CloseReason) override { log_.push_back("terminal close"); }
  bool take = true;

 private:
  Log& log_;
};

// The peer polls by hand.
class Unwatched final : public event::ReadyHandler {
  void onReady(event::Readiness) override {}
};

class NetworkChainTest : public testing::Test {
 protected:
  NetworkChainTest() : terminal_(log_) {
    const net::Address address = net::Address::parse("127.0.0.1:8082").value();
    listener_ = world_.network.bind(address, {}).value();
    EXPECT_TRUE(listener_->listen(8).ok());
    peer_ = world_.network.connect(address, std::nullopt).value();
    peer_->watch(edges_);
    run();
    std::vector<std::unique_ptr<NetworkFilter>> filters;
    for (const char* name : {"a", "b"}) {
      auto filter = std::make_unique<FakeFilter>(name, log_);
      (std::string_view(name) == "a" ? a_ : b_) = filter.get();
      filters.push_back(std::move(filter));
    }
    connection_ = std::make_unique<net::Connection>(world_.dispatcher, world_.blocks, listener_->accept().socket,
                                                    net::Connection::Limits(), terminal_);
    chain_ =
        std::make_unique<NetworkChain>(std::move(filters), *connection_, world_.worker, world_.side_calls, terminal_);
    connection_->setSession(*chain_);
    chain_->start();
  }

  void send(std::string bytes) {
    const iovec piece{bytes.data(), bytes.size()};
    EXPECT_EQ(peer_->write({&piece, 1}).bytes, bytes.size());
    run();
  }
  void run() { world_.simulation.runUntilIdle(); }
  std::string calls() {
    std::string out;
    for (const std::string& line : std::exchange(log_, {})) out += line + "; ";
    return out;
  }

  Unwatched edges_;
  harness::FilterWorld world_;
  Log log_;
  FakeTerminal terminal_;
  FakeFilter* a_ = nullptr;
  FakeFilter* b_ = nullptr;
  std::unique_ptr<net::ListenSocket> listener_;
  std::unique_ptr<net::Socket> peer_;
  std::unique_ptr<net::Connection> connection_;
  std::unique_ptr<NetworkChain> chain_;
};

TEST_F(NetworkChainTest, BytesPassTheFiltersInOrderAndMayBeEdited) {
  a_->suffix = "1";
  b_->suffix = "2";
  send("abc");
  EXPECT_EQ(calls(), "a open; b open; a read abc; b read abc1; terminal abc12; ");
  peer_->shutdownWrite();
  run();
  EXPECT_EQ(calls(), "a read  end; b read 1 end; terminal 12 end; ");
}

TEST_F(NetworkChainTest, BytesThatTheTerminalLeftAreNotFilteredAgain) {
  terminal_.take = false;
  send("abc");
  calls();
  send("def");
  EXPECT_EQ(calls(), "a read def; b read def; terminal abcdef; ");
}

TEST_F(NetworkChainTest, AWaitHoldsLaterBytesAndStopsReading) {
  run();
  a_->read = NetworkVerdict::kWait;
  send("abc");
  send("def");
  EXPECT_EQ(calls(), "a open; b open; a read abc; ");
  a_->read = NetworkVerdict::kNext;
  a_->host().resume(NetworkVerdict::kNext);
  EXPECT_EQ(calls(), "");
  run();
  EXPECT_EQ(calls(), "b read abc; terminal abc; a read def; b read def; terminal def; ");
}

TEST_F(NetworkChainTest, AFilterThatWaitsInOnOpenHoldsEverything) {
  b_->open = NetworkVerdict::kWait;
  send("abc");
  EXPECT_EQ(calls(), "a open; b open; ");
  b_->host().resume(NetworkVerdict::kNext);
  run();
  EXPECT_EQ(calls(), "a read abc; b read abc; terminal abc; ");
}

TEST_F(NetworkChainTest, AFilterMayCloseAndEachLearnsItOnce) {
  b_->read = NetworkVerdict::kClose;
  send("abc");
  EXPECT_EQ(calls(), "a open; b open; a read abc; b read abc; a close; b close; terminal close; ");
  EXPECT_EQ(connection_->state(), net::Connection::State::kClosed);
}

}  // namespace
}  // namespace weir::filter
