#include "source/net/kernel_network.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <malloc.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "source/base/clock.h"
#include "source/event/dispatcher.h"
#include "source/net/connection.h"
#include "source/net/listener.h"
#include "test/net/connection_test_session.h"

namespace weir::net {
namespace {

class KernelNetworkTest : public testing::Test, public ListenerOwner {
 protected:
  ~KernelNetworkTest() override {
    if (directory_.empty()) return;
    ::unlink((directory_ + "/s").c_str());
    ::rmdir(directory_.c_str());
  }

  void listen(const std::string& text, const BindOptions& options = {}) {
    auto socket = network_.bind(*Address::parse(text), options);
    ASSERT_TRUE(socket.ok()) << socket.status();
    listener_ = std::make_unique<Listener>(dispatcher_, *std::move(socket), *this);
    ASSERT_TRUE(listener_->start(1024).ok());
  }
  std::unique_ptr<Connection> dial(const Address& address, Session& session) {
    auto socket = network_.connect(address, KeepAlive{.probes = 3, .idle_seconds = 10, .interval_seconds = 5});
    EXPECT_TRUE(socket.ok()) << socket.status();
    return std::make_unique<Connection>(dispatcher_, blocks_, *std::move(socket), Connection::Limits{}, session,
                                        absl::Seconds(20));
  }
  std::unique_ptr<Connection> adopt(Session& session) {
    auto connection =
        std::make_unique<Connection>(dispatcher_, blocks_, std::move(accepted_.back()), Connection::Limits{}, session);
    accepted_.pop_back();
    return connection;
  }
  // Turns, waiting for readiness, until `done`; every wait is for something that must come.
  void turnUntil(const std::function<bool()>& done) {
    for (int i = 0; i < 1'000'000 && !done(); ++i) dispatcher_.turn(true);
    ASSERT_TRUE(done());
  }
  // A short path: the temporary directory of a test is longer than a unix socket's address.
  std::string unixPath() {
    if (directory_.empty()) {
      std::string name = "/tmp/weir_net_XXXXXX";
      EXPECT_NE(::mkdtemp(name.data()), nullptr);
      directory_ = name;
    }
    return directory_ + "/s";
  }
  void exchangeBytes() {
    RecordingSession client_session, server_session;
    auto client = dial(listener_->localAddress(), client_session);
    turnUntil([&] { return !accepted_.empty() && client->open(); });
    auto server = adopt(server_session);
    const std::string text(300'000, 'x');
    client->output().append(text);
    client->finishOutput();
    turnUntil([&] { return server_session.ends == 1; });
    EXPECT_EQ(server_session.received, text);
    EXPECT_EQ(server->localAddress(), client->remoteAddress());
    server->output().append("answer");
    server->closeAfterFlush(absl::Seconds(5));
    turnUntil([&] { return server_session.closed.has_value(); });
    EXPECT_EQ(server_session.closed, CloseReason::kLocal);
    server.reset();  // with both halves ended, its end is what tells the peer
    turnUntil([&] { return client_session.closed.has_value(); });
    EXPECT_EQ(client_session.received, "answer");
    EXPECT_EQ(client_session.closed, CloseReason::kRemote);
    EXPECT_EQ(blocks_.inUse(), 0u);
  }

  void onAccept(std::unique_ptr<Socket> socket, const Address& peer) override {
    last_peer_ = peer;
    accepted_.push_back(std::move(socket));
  }
  void onExhausted(int error) override {
    EXPECT_EQ(error, EMFILE);
    ++exhausted_;
  }

  base::RealClock clock_;
  event::LibeventPoller poller_;
  event::Dispatcher dispatcher_{poller_, clock_};
  KernelNetwork network_{poller_};
  buffer::BlockPool blocks_;
  std::unique_ptr<Listener> listener_;
  std::vector<std::unique_ptr<Socket>> accepted_;
  Address last_peer_;
  int exhausted_ = 0;
  std::string directory_;
};

bool haveIpv6() {
  const int fd = ::socket(AF_INET6, SOCK_STREAM, 0);
  sockaddr_storage storage;
  const socklen_t length = Address::parse("[::1]:0")->toSockaddr(storage);
  const bool works = fd >= 0 && ::bind(fd, reinterpret_cast<sockaddr*>(&storage), length) == 0;
  ::close(fd);
  return works;
}

TEST_F(KernelNetworkTest, CarriesBytesOverIpv4) {
  listen("127.0.0.1:0");
  EXPECT_NE(listener_->localAddress().port(), 0);
  exchangeBytes();
}

TEST_F(KernelNetworkTest, CarriesBytesOverIpv6WhereTheMachineHasIt) {
  if (!haveIpv6()) {
    EXPECT_FALSE(network_.bind(*Address::parse("[::1]:0"), {}).ok());
    return;
  }
  listen("[::1]:0");
  exchangeBytes();
  listener_.reset();
  listen("[::]:0", {.ipv4_compat = true});
  RecordingSession session;
  auto four = dial(*Address::parseIp("127.0.0.1", listener_->localAddress().port()), session);
  turnUntil([&] { return !accepted_.empty() && four->open(); });
  EXPECT_EQ(last_peer_.family(), Address::Family::kIpv4);
  EXPECT_EQ(accepted_.back()->localAddress(), four->remoteAddress());
}

TEST_F(KernelNetworkTest, CarriesBytesOverUnixSockets) {
  listen("unix:" + unixPath(), {.reuse_port = true, .unix_mode = 0600});
  struct stat info;
  ASSERT_EQ(::stat(unixPath().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  exchangeBytes();
  listener_.reset();
  listen("unix:@" + unixPath());  // nobody else has that name
  exchangeBytes();
}

TEST_F(KernelNetworkTest, AStaleUnixSocketIsReplacedAndALiveOneIsNot) {
  const Address address = *Address::unixPath(unixPath());
  { ASSERT_TRUE(network_.bind(address, {}).ok()); }  // its file stays
  auto bound = network_.bind(address, {});
  ASSERT_TRUE(bound.ok()) << bound.status();
  const std::string in_use = "cannot bind unix:" + unixPath() + ": Address already in use (EADDRINUSE)";
  EXPECT_EQ(network_.bind(address, {}).status().message(), in_use);  // bound, not listening yet
  ASSERT_TRUE((*bound)->listen(1).ok());
  EXPECT_EQ(network_.bind(address, {}).status().message(), in_use);
}

TEST_F(KernelNetworkTest, BindFailureNamesAddressAndErrno) {
  const auto missing = network_.bind(*Address::unixPath("/nonexistent/dir/s"), {});
  EXPECT_EQ(missing.status().message(), "cannot bind unix:/nonexistent/dir/s: No such file or directory (ENOENT)");
  auto first = network_.bind(*Address::parse("127.0.0.1:0"), {.reuse_port = false});
  ASSERT_TRUE(first.ok());
  ASSERT_TRUE((*first)->listen(1).ok());
  const Address taken = (*first)->localAddress();
  EXPECT_EQ(network_.bind(taken, {.reuse_port = false}).status().message(),
            "cannot bind " + taken.text() + ": Address already in use (EADDRINUSE)");
}

TEST_F(KernelNetworkTest, WorkersShareAPort) {
  auto first = network_.bind(*Address::parse("127.0.0.1:0"), {});
  ASSERT_TRUE(first.ok());
  EXPECT_TRUE(network_.bind((*first)->localAddress(), {}).ok());
}

TEST_F(KernelNetworkTest, RefusedConnectsFailLater) {
  Address nobody;
  { nobody = (*network_.bind(*Address::parse("127.0.0.1:0"), {}))->localAddress(); }
  for (const Address& address : {nobody, *Address::unixPath("/nonexistent/s")}) {
    RecordingSession session;
    auto connection = dial(address, session);
    EXPECT_FALSE(session.closed.has_value());
    turnUntil([&] { return session.closed.has_value(); });
    EXPECT_EQ(session.closed, CloseReason::kConnectFailed);
  }
}

TEST_F(KernelNetworkTest, ResetIsSeenByThePeer) {
  listen("127.0.0.1:0");
  RecordingSession client_session, server_session;
  auto client = dial(listener_->localAddress(), client_session);
  turnUntil([&] { return !accepted_.empty() && client->open(); });
  auto server = adopt(server_session);
  server->close(CloseReason::kLocalReset);
  turnUntil([&] { return server_session.closed.has_value(); });
  server.reset();
  turnUntil([&] { return client_session.closed.has_value(); });
  EXPECT_EQ(client_session.closed, CloseReason::kRemoteReset);
  EXPECT_EQ(client->error(), ECONNRESET);
}

TEST_F(KernelNetworkTest, ResetRightBehindDataIsSeenToo) {
  listen("127.0.0.1:0");
  RecordingSession session;
  auto client = dial(listener_->localAddress(), session);
  turnUntil([&] { return !accepted_.empty() && client->open(); });
  iovec piece{const_cast<char*>("half an ans"), 11};
  ASSERT_EQ(accepted_.back()->write({&piece, 1}).bytes, 11u);
  accepted_.back()->resetOnClose();
  accepted_.clear();  // both are in the kernel before the next poll
  turnUntil([&] { return session.closed.has_value(); });
  EXPECT_EQ(session.received, "half an ans");
  EXPECT_EQ(session.closed, CloseReason::kRemoteReset);
}

TEST_F(KernelNetworkTest, AcceptedConnectionsInheritNoDelayAndDescriptorsAreNotLeakedToChildren) {
  listen("127.0.0.1:0");
  RecordingSession session;
  auto client = dial(listener_->localAddress(), session);
  turnUntil([&] { return !accepted_.empty() && client->open(); });
  int tcp_sockets = 0;
  for (int fd = 0; fd < 256; ++fd) {
    int value = 0, type = 0;
    socklen_t length = sizeof(value);
    if (::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) != 0) continue;
    length = sizeof(value);
    if (::getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &value, &length) != 0) continue;
    ++tcp_sockets;
    EXPECT_EQ(value, 1) << fd;
    EXPECT_NE(::fcntl(fd, F_GETFD) & FD_CLOEXEC, 0) << fd;
    EXPECT_NE(::fcntl(fd, F_GETFL) & O_NONBLOCK, 0) << fd;
  }
  EXPECT_EQ(tcp_sockets, 3);
}

TEST_F(KernelNetworkTest, OutOfDescriptorsItShedsAndRecovers) {
  listen("127.0.0.1:0");
  // UBSan opens a pipe when it first sees an object called through a base: let it see these while it can.
  RecordingSession warm_session;
  auto warm = dial(listener_->localAddress(), warm_session);
  turnUntil([&] { return accepted_.size() == 1 && warm->open(); });
  ListenerOwner& owner = *this;
  owner.onExhausted(EMFILE);
  exhausted_ = 0;
  accepted_.clear();
  // A client of another kind: its descriptors are opened before there are none left.
  std::vector<int> clients;
  for (int i = 0; i < 20; ++i) clients.push_back(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  rlimit before;
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const int next = ::dup(0);
  ::close(next);
  rlimit tight = before;
  tight.rlim_cur = static_cast<rlim_t>(next);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &tight), 0);
  EXPECT_EQ(network_.connect(listener_->localAddress(), std::nullopt).status().code(),
            absl::StatusCode::kResourceExhausted);
  sockaddr_storage storage;
  const socklen_t length = listener_->localAddress().toSockaddr(storage);
  const auto dialOne = [&](int fd) { ::connect(fd, reinterpret_cast<sockaddr*>(&storage), length); };
  for (int i = 0; i < 10; ++i) dialOne(clients[i]);
  turnUntil([&] { return exhausted_ >= 1; });
  EXPECT_TRUE(accepted_.empty());
  // Those that were shed see the end of the stream at once instead of hanging.
  char byte;
  turnUntil([&] { return ::recv(clients[0], &byte, 1, 0) == 0; });
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  for (int i = 10; i < 20; ++i) dialOne(clients[i]);
  turnUntil([&] { return accepted_.size() >= 10; });
  for (int fd : clients) ::close(fd);
}

TEST_F(KernelNetworkTest, AnIdleConnectionIsSmall) {
  constexpr int kConnections = 400;
  listen("127.0.0.1:0");
  std::vector<int> clients;
  sockaddr_storage storage;
  const socklen_t length = listener_->localAddress().toSockaddr(storage);
  RecordingSession session;
  std::vector<std::unique_ptr<Connection>> connections;
  connections.reserve(kConnections);
  accepted_.reserve(kConnections);
  clients.reserve(kConnections);
  session.received.reserve(kConnections);
  buffer::BlockPool::release(blocks_.take());  // the worker keeps one for all of them
  const size_t before = ::mallinfo2().uordblks;
  for (int i = 0; i < kConnections; ++i) {
    clients.push_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ASSERT_EQ(::connect(clients.back(), reinterpret_cast<sockaddr*>(&storage), length), 0);
  }
  turnUntil([&] { return accepted_.size() == kConnections; });
  while (!accepted_.empty()) connections.push_back(adopt(session));
  for (int fd : clients) ASSERT_EQ(::send(fd, "x", 1, 0), 1);
  turnUntil([&] { return session.received.size() == kConnections; });
  const size_t each = (::mallinfo2().uordblks - before) / kConnections;
  std::printf("idle connection: %zu bytes of heap, Connection itself %zu\n", each, sizeof(Connection));
  EXPECT_LE(each, 700u);  // sanitizers count nothing here
  EXPECT_EQ(blocks_.inUse(), 0u);
  for (int fd : clients) ::close(fd);
}

TEST_F(KernelNetworkTest, ConnectsFromAnAddressOfItsOwn) {
  listen("127.0.0.1:0");
  auto socket = network_.connectFrom(*Address::parseIp("127.0.0.9", 0), listener_->localAddress(), std::nullopt);
  ASSERT_TRUE(socket.ok()) << socket.status();
  turnUntil([&] { return accepted_.size() == 1; });
  EXPECT_EQ(accepted_.back()->remoteAddress().ip(), "127.0.0.9");
  EXPECT_NE(accepted_.back()->remoteAddress().port(), 0);
  const Address foreign = *Address::parseIp("192.0.2.1", 0);
  const auto refused = network_.connectFrom(foreign, listener_->localAddress(), std::nullopt);
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.status().message().find("192.0.2.1"), std::string::npos) << refused.status();
  EXPECT_FALSE(network_.connectFrom(*Address::parseIp("::1", 0), listener_->localAddress(), std::nullopt).ok());
}

// What a connection leaves behind while nothing happens on it.
TEST_F(KernelNetworkTest, HandsASocketOverAndBack) {
  struct Watcher final : event::ReadyHandler {
    void onReady(event::Readiness ready) override {
      last = ready;
      ++edges;
    }
    event::Readiness last;
    int edges = 0;
  };
  listen("127.0.0.1:0");
  RecordingSession client_session, server_session;
  auto client = dial(listener_->localAddress(), client_session);
  turnUntil([&] { return !accepted_.empty() && client->open(); });
  auto server = adopt(server_session);
  client->output().append("first ");
  client->flush();
  turnUntil([&] { return server_session.received == "first "; });

  Watcher watcher;
  const bool looks = server->verify();
  EXPECT_EQ(server->park(watcher).has_value(), !looks);  // not before it has looked
  turnUntil([&] { return server->quiet(); });
  std::optional<Connection::Rest> rest = server->park(watcher);
  ASSERT_TRUE(rest.has_value());
  EXPECT_EQ(server->state(), Connection::State::kClosed);
  server.reset();
  EXPECT_FALSE(server_session.closed.has_value());
  EXPECT_EQ(watcher.edges, 0);
  EXPECT_EQ(rest->bytes_read, 6u);

  client->output().append("second");
  client->flush();
  turnUntil([&] { return watcher.edges > 0; });
  EXPECT_TRUE(watcher.last.readable);
  server = std::make_unique<Connection>(dispatcher_, blocks_, *std::move(rest), Connection::Limits{}, server_session);
  server->goOn(watcher.last);
  EXPECT_EQ(server_session.received, "first second");
  EXPECT_EQ(server->bytesRead(), 12u);
  server->output().append("answer");
  server->flush();
  turnUntil([&] { return client_session.received == "answer"; });
  client.reset();
  turnUntil([&] { return server_session.closed.has_value() || server_session.ends == 1; });
}

// Reads messages of a known length as a codec does: looks at what comes first, and has the rest stay in the kernel.
// Takes what is there only when it is told to.
class BulkReader {
 public:
  static constexpr size_t kMessage = 256 * 1024;
  BulkReader(Connection& connection, RecordingSession& session) : connection_(connection), session_(session) {
    session_.on_input = [](buffer::Buffer&) {};
  }
  void take() {
    buffer::Buffer& input = connection_.input();
    const size_t size = input.size();
    if (size == 0) return;
    if (!input.startsInKernel()) copied_ += size;
    session_.received += input.toString();
    input.clear();
    left_ -= size;
    connection_.unseen() = left_;
    connection_.consumed();
  }
  bool done() const { return left_ == 0; }
  // How many bytes of the message were brought into memory; the next one begins.
  size_t next() {
    left_ = kMessage;
    return std::exchange(copied_, 0);
  }

 private:
  Connection& connection_;
  RecordingSession& session_;
  size_t left_ = kMessage;
  size_t copied_ = 0;
};

TEST_F(KernelNetworkTest, LeavesBulkInTheKernel) {
  listen("127.0.0.1:0");
  RecordingSession client_session, server_session;
  auto client = dial(listener_->localAddress(), client_session);
  turnUntil([&] { return !accepted_.empty() && client->open(); });
  auto server = adopt(server_session);
  BulkReader reader(*server, server_session);
  std::vector<size_t> copied;
  std::string sent;
  for (const char letter : {'a', 'b', 'c'}) {
    sent.append(BulkReader::kMessage, letter);
    client->output().append(std::string(BulkReader::kMessage, letter));
    client->flush();
    while (!reader.done()) {
      turnUntil([&] { return !server->input().empty(); });
      // Nothing runs for the sake of what nobody takes.
      for (int busy = 0; server->input().startsInKernel() && dispatcher_.turn(false); ++busy) ASSERT_LT(busy, 1000);
      reader.take();
    }
    copied.push_back(reader.next());
  }
  EXPECT_EQ(server_session.received, sent);
  // Of the second and third one block, and an end that is not worth a pipe.
  EXPECT_LE(copied[1], buffer::Block::kBytes + 16 * 1024);
  EXPECT_LE(copied[2], buffer::Block::kBytes + 16 * 1024);
  EXPECT_GT(copied[2], 0u);
}

}  // namespace
}  // namespace weir::net
