// TLS over the kernel's sockets: with OpenSSL's own client and server at the other end, and what an idle connection
// costs.

#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <functional>
#include <string>

#include "absl/strings/str_cat.h"
#include "source/base/clock.h"
#include "source/event/libevent_poller.h"
#include "source/net/connection.h"
#include "source/net/kernel_network.h"
#include "source/net/listener.h"
#include "source/net/tls/tls_transport.h"
#include "source/net/transport_info.h"
#include "test/net/connection_test_session.h"
#include "test/net/tls/test_certificates.h"

namespace weir::net::tls {
namespace {

// One worker over the kernel.
struct Worker {
  base::RealClock clock;
  event::LibeventPoller poller;
  event::Dispatcher dispatcher{poller, clock};
  KernelNetwork network{poller};
  buffer::BlockPool blocks;
  base::ChunkPool chunks;
  base::Random random{1};
  stats::Registry registry;
  stats::Shard& shard = registry.makeShard();
  WorkerContext context{dispatcher, network, blocks, chunks, random, shard};
  TlsStats stats = TlsStats::make(registry, "listener", "x");
};

// A child process whose output is read, and whose input is written, by the worker's loop.
class Child final : private event::ReadyHandler {
 public:
  Child(Worker& worker, std::vector<std::string> arguments) {
    int in[2], out[2];
    EXPECT_EQ(::pipe2(in, O_CLOEXEC), 0);
    EXPECT_EQ(::pipe2(out, O_CLOEXEC), 0);
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    pid_ = ::fork();
    if (pid_ == 0) {
      ::dup2(in[0], 0);
      ::dup2(out[1], 1);
      ::dup2(out[1], 2);
      ::execvp(argv[0], argv.data());
      ::_exit(127);
    }
    ::close(in[0]);
    ::close(out[1]);
    in_ = in[1];
    out_ = out[0];
    ::fcntl(out_, F_SETFL, O_NONBLOCK);
    event::ReadyHandler& self = *this;
    watch_ = worker.poller.watch(out_, self);
  }
  ~Child() {
    watch_.reset();
    closeInput();
    ::close(out_);
    if (!ended_) ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  void say(std::string_view text) { EXPECT_EQ(::write(in_, text.data(), text.size()), ssize_t(text.size())); }
  void closeInput() {
    if (in_ >= 0) ::close(in_);
    in_ = -1;
  }
  bool ended() const { return ended_; }
  bool said(std::string_view text) const { return output.find(text) != std::string::npos; }
  std::string output;

 private:
  void onReady(event::Readiness) override {
    char bytes[4096];
    for (;;) {
      const ssize_t got = ::read(out_, bytes, sizeof(bytes));
      if (got > 0) output.append(bytes, static_cast<size_t>(got));
      if (got == 0) ended_ = true;
      if (got <= 0) return;
    }
  }
  pid_t pid_;
  int in_, out_;
  bool ended_ = false;
  std::unique_ptr<event::LibeventPoller::Watch> watch_;
};

class OpensslTest : public testing::Test, public ListenerOwner {
 protected:
  // A server that echoes what it gets.
  struct Echo {
    RecordingSession session;
    std::unique_ptr<Connection> connection;
    Socket* socket = nullptr;
  };

  void serve(const ServerConfig& config) {
    const TlsTransport made = TlsTransport::server(config, worker_.stats);
    ASSERT_NE(made.factory, nullptr) << made.problems.front().message;
    server_ = made.factory;
    if (listener_ != nullptr) return;
    listener_ =
        std::make_unique<Listener>(worker_.dispatcher, *worker_.network.bind(*Address::parse("127.0.0.1:0"), {}),
                                   static_cast<ListenerOwner&>(*this));
    ASSERT_TRUE(listener_->start(1024).ok());
  }
  void onAccept(std::unique_ptr<Socket> socket, const Address&) override {
    auto echo = std::make_unique<Echo>();
    auto tls = server_->wrap(std::move(socket), worker_.context, {});
    echo->socket = tls.get();
    echo->connection = std::make_unique<Connection>(worker_.dispatcher, worker_.blocks, std::move(tls),
                                                    Connection::Limits{}, echo->session);
    Echo& e = *echo;
    echo->session.on_input = [&e](buffer::Buffer& input) {
      e.session.received += input.toString();
      e.connection->output().append(std::move(input));
      e.connection->flush();
      if (e.connection->inputEnded()) e.connection->closeAfterFlush(absl::ZeroDuration());
    };
    accepted_.push_back(std::move(echo));
  }
  void onExhausted(int) override { FAIL(); }
  void turnUntil(const std::function<bool()>& done) {
    for (int i = 0; i < 1'000'000 && !done(); ++i) worker_.dispatcher.turn(true);
    ASSERT_TRUE(done());
  }
  std::string file(const std::string& name, const std::string& content) {
    const std::string path = absl::StrCat(testing::TempDir(), "/", name);
    std::ofstream(path, std::ios::binary) << content;
    return path;
  }
  // What s_client says of a connection to the server over which it sends `input`.
  std::string client(std::vector<std::string> arguments, const std::string& wait_for, const std::string& input = "") {
    std::vector<std::string> all = {"openssl",  "s_client",
                                    "-connect", listener_->localAddress().text(),
                                    "-CAfile",  file("ca.pem", authority_.root.pem)};
    all.insert(all.end(), arguments.begin(), arguments.end());
    Child child(worker_, all);
    if (!input.empty()) child.say(input);
    turnUntil([&] { return child.ended() || child.said(wait_for); });
    return child.output;
  }
  ServerConfig serverConfig() const {
    ServerConfig config;
    config.certificates.push_back(leaf_.config());
    return config;
  }

  Worker worker_;
  TestAuthority authority_;
  TestCertificate leaf_ = authority_.leaf({{GEN_DNS, "a.example"}});
  std::shared_ptr<const TransportFactory> server_;
  std::unique_ptr<Listener> listener_;
  std::vector<std::unique_ptr<Echo>> accepted_;
};

#define EXPECT_SAYS(text, part) EXPECT_NE((text).find(part), std::string::npos) << (text)

TEST_F(OpensslTest, ItsClientIsServed) {
  serve(serverConfig());
  for (const char* version : {"-tls1_2", "-tls1_3"}) {
    const std::string said = client({version, "-servername", "a.example", "-verify_hostname", "a.example", "-ign_eof"},
                                    "hello, world", "hello, world\n");
    EXPECT_SAYS(said, "Verify return code: 0 (ok)");
    EXPECT_SAYS(said, "hello, world");
    EXPECT_SAYS(said, "Secure Renegotiation IS");
  }
  EXPECT_EQ(accepted_.at(0)->socket->transportInfo()->version, "TLSv1.2");
  EXPECT_EQ(accepted_.at(1)->socket->transportInfo()->version, "TLSv1.3");
}

TEST_F(OpensslTest, ItsClientMayNotRenegotiate) {
  serve(serverConfig());
  // "R" on a line of its own asks for it.
  const std::string said = client({"-tls1_2", "-servername", "a.example"}, "no renegotiation", "R\n");
  EXPECT_SAYS(said, "RENEGOTIATING");
  EXPECT_SAYS(said, "no renegotiation");
}

TEST_F(OpensslTest, ItsClientGetsTheStaple) {
  ServerConfig config = serverConfig();
  config.certificates[0].ocsp_staple = makeOcspResponse(leaf_, authority_.root, absl::FromUnixSeconds(2'524'608'000));
  serve(config);
  EXPECT_SAYS(client({"-status"}, "Verify return code"), "OCSP Response Status: successful");
  config.certificates[0].ocsp_staple = makeOcspResponse(leaf_, authority_.root, absl::FromUnixSeconds(1'740'000'000));
  serve(config);
  EXPECT_SAYS(client({"-status"}, "Verify return code"), "OCSP response: no response sent");
  config.stapling = ServerConfig::Stapling::kStrict;
  serve(config);
  const std::string refused = client({"-status"}, "Verify return code");
  EXPECT_EQ(refused.find("OCSP Response Status"), std::string::npos) << refused;
  EXPECT_SAYS(refused, "alert");
}

TEST_F(OpensslTest, OldVersionsOfItsClientAreTurnedAway) {
  serve(serverConfig());
  EXPECT_SAYS(client({"-tls1_1", "-cipher", "ALL@SECLEVEL=0"}, "Verify return code"), "alert protocol version");
}

TEST_F(OpensslTest, AClientHelloOf17KibIsRead) {
  serve(serverConfig());
  // Names of protocols make it long: 68 of 250 bytes.
  std::string protocols;
  for (int i = 0; i < 68; ++i) absl::StrAppend(&protocols, i == 0 ? "" : ",", std::string(250, 'a' + i % 26));
  EXPECT_SAYS(client({"-alpn", protocols}, "Verify return code"), "Verify return code: 0 (ok)");
  EXPECT_EQ(accepted_.at(0)->socket->transportInfo()->alpn, "");
}

TEST_F(OpensslTest, ItsSessionFileIsResumed) {
  serve(serverConfig());
  const std::string kept = absl::StrCat(testing::TempDir(), "/session.pem");
  for (const char* version : {"-tls1_2", "-tls1_3"}) {
    ::unlink(kept.c_str());
    // An echo shows that tickets have come, which are sent before it.
    EXPECT_SAYS(client({version, "-sess_out", kept, "-ign_eof"}, "around and back", "around and back\n"), "New, TLS");
    EXPECT_SAYS(client({version, "-sess_in", kept, "-ign_eof"}, "around and back", "around and back\n"), "Reused, TLS");
  }
  EXPECT_EQ(worker_.registry.value(worker_.stats.session_reused), 2u);
}

TEST_F(OpensslTest, ItsServerIsSpokenTo) {
  Child child(worker_, {"openssl", "s_server", "-accept", "127.0.0.1:0", "-rev", "-cert", file("s.pem", leaf_.pem),
                        "-key", file("s.key", leaf_.key_pem), "-Verify", "1", "-verify_return_error", "-CAfile",
                        file("ca.pem", authority_.root.pem)});
  turnUntil([&] { return child.ended() || (child.said("ACCEPT ") && child.output.ends_with("\n")); });
  const size_t at = child.output.find("ACCEPT ");
  ASSERT_NE(at, std::string::npos) << child.output;
  const std::string address = child.output.substr(at + 7, child.output.find('\n', at) - at - 7);
  const TestCertificate identity = authority_.leaf({{GEN_URI, "spiffe://mesh/a"}});
  ClientConfig config;
  config.server_name = "a.example";
  config.validation.trusted_ca = authority_.root.pem;
  config.certificates.push_back(identity.config());
  const TlsTransport made = TlsTransport::client(config, worker_.stats);
  ASSERT_NE(made.factory, nullptr);
  for (int i = 0; i < 2; ++i) {
    auto socket = *worker_.network.connect(*Address::parse(address), std::nullopt);
    auto tls = made.factory->wrap(std::move(socket), worker_.context, {});
    const Socket* const observed = tls.get();
    RecordingSession session;
    Connection connection(worker_.dispatcher, worker_.blocks, std::move(tls), {}, session, absl::Seconds(20));
    connection.output().append("stressed\n");
    turnUntil([&] { return session.closed || session.received.size() >= 9; });
    EXPECT_EQ(session.received, "desserts\n");
    EXPECT_EQ(observed->transportInfo()->resumed, i == 1);
    EXPECT_TRUE(observed->transportInfo()->verified);
  }
}

TEST_F(OpensslTest, AnIdleConnectionTakesLessThan15Kib) {
  constexpr size_t kConnections = 200;
  constexpr size_t kServerBound = 14 * 1024 + 512;
  constexpr size_t kClientBound = 16 * 1024;  // it keeps the session and the certificate of the server
  serve(serverConfig());
  ClientConfig config;
  config.server_name = "a.example";
  config.validation.trusted_ca = authority_.root.pem;
  Worker near;
  const TlsTransport made = TlsTransport::client(config, near.stats);
  ASSERT_NE(made.factory, nullptr);
  std::vector<std::unique_ptr<RecordingSession>> sessions;
  std::vector<std::unique_ptr<Connection>> connections;
  const auto openMore = [&](size_t count) {
    for (size_t i = 0; i < count; ++i) {
      auto socket = *near.network.connect(listener_->localAddress(), std::nullopt);
      sessions.push_back(std::make_unique<RecordingSession>());
      RecordingSession& session = *sessions.back();
      connections.push_back(std::make_unique<Connection>(near.dispatcher, near.blocks,
                                                         made.factory->wrap(std::move(socket), near.context, {}),
                                                         Connection::Limits{}, session, absl::Seconds(20)));
      connections.back()->output().append("x");
      for (int turns = 0; turns < 100'000 && session.received.empty(); ++turns) {
        near.dispatcher.turn(false);
        worker_.dispatcher.turn(false);
      }
      ASSERT_EQ(session.received, "x");
    }
  };
  openMore(20);  // what is allocated once
  sessions.reserve(kConnections + 20);
  connections.reserve(kConnections + 20);
  accepted_.reserve(kConnections + 20);
  const size_t before = mallinfo2().uordblks;
  openMore(kConnections);
  const size_t both = mallinfo2().uordblks;
  connections.clear();  // the servers' side is not told: its loop does not turn
  const size_t server_side = mallinfo2().uordblks;
  // 20 clients more went than had been counted.
  const size_t per_client = (both - server_side) / (kConnections + 20);
  const size_t per_server = (both - before) / kConnections - per_client;
  RecordProperty("bytes_per_idle_server_connection", static_cast<int>(per_server));
  RecordProperty("bytes_per_idle_client_connection", static_cast<int>(per_client));
  std::printf("an idle connection takes %zu bytes (server) and %zu bytes (client)\n", per_server, per_client);
  EXPECT_LT(per_server, kServerBound);
  EXPECT_LT(per_client, kClientBound);
}

}  // namespace
}  // namespace weir::net::tls
