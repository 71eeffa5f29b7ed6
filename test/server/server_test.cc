// The process from its command line to its exit code: the real binary as a child, on ports that the kernel picks.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace weir::server {
namespace {

constexpr int kPatienceMs = 60000;  // ends a test that hangs; no test is about it

std::string binary() {
  const char* const root = std::getenv("TEST_SRCDIR");
  const char* const workspace = std::getenv("TEST_WORKSPACE");
  return absl::StrCat(root == nullptr ? "." : root, "/", workspace == nullptr ? "" : workspace, "/source/server/weir");
}

// Reads until the text holds `wanted`, or to the end. False when it never came.
bool readUntil(int fd, std::string& text, const std::string& wanted) {
  while (wanted.empty() || text.find(wanted) == std::string::npos) {
    pollfd ready{fd, POLLIN, 0};
    if (::poll(&ready, 1, kPatienceMs) != 1) return false;
    char block[4096];
    const ssize_t got = ::read(fd, block, sizeof(block));
    if (got <= 0) return wanted.empty();
    text.append(block, static_cast<size_t>(got));
  }
  return true;
}

// A running weir; what it says on stderr is kept.
class Child {
 public:
  explicit Child(std::vector<std::string> arguments) {
    int ends[2];
    EXPECT_EQ(::pipe(ends), 0);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO);
    ::posix_spawn_file_actions_addclose(&actions, ends[0]);
    ::posix_spawn_file_actions_addclose(&actions, ends[1]);
    arguments.insert(arguments.begin(), binary());
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    EXPECT_EQ(::posix_spawn(&pid_, argv[0], &actions, nullptr, argv.data(), environ), 0) << argv[0];
    ::posix_spawn_file_actions_destroy(&actions);
    ::close(ends[1]);
    output_ = ends[0];
  }
  ~Child() {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
    ::close(output_);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  void signal(int number) { ::kill(pid_, number); }
  bool says(const std::string& wanted) { return readUntil(output_, said, wanted); }
  // The port of the listener `web`, once it serves.
  uint16_t port() {
    EXPECT_TRUE(says("ready in ")) << said;
    const std::string before = "listener web on 127.0.0.1:";
    const size_t at = said.find(before);
    return at == std::string::npos ? 0 : static_cast<uint16_t>(std::atoi(said.c_str() + at + before.size()));
  }
  // The exit code; below 0 the signal that ended it.
  int wait() {
    EXPECT_TRUE(readUntil(output_, said, "")) << "it does not end: " << said;
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }

  std::string said;

 private:
  pid_t pid_ = 0;
  int output_ = -1;
};

// A socket of 127.0.0.1: one that listens, or one that is connected to `port`.
class Tcp {
 public:
  enum class Kind { kListener, kClient };
  explicit Tcp(Kind kind, uint16_t port = 0) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    auto* const to = reinterpret_cast<sockaddr*>(&address);
    if (kind == Kind::kClient) {
      EXPECT_EQ(::connect(fd_, to, sizeof(address)), 0);
      return;
    }
    EXPECT_EQ(::bind(fd_, to, sizeof(address)), 0);
    EXPECT_EQ(::listen(fd_, 8), 0);
  }
  ~Tcp() { ::close(fd_); }
  Tcp(const Tcp&) = delete;
  Tcp& operator=(const Tcp&) = delete;

  uint16_t port() const {
    sockaddr_in address{};
    socklen_t size = sizeof(address);
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
    return ntohs(address.sin_port);
  }
  // Waits for a connection to this listener; it stays open, and nobody answers there.
  void takeOne() {
    pollfd ready{fd_, POLLIN, 0};
    EXPECT_EQ(::poll(&ready, 1, kPatienceMs), 1);
  }
  void send(const std::string& bytes) {
    EXPECT_EQ(::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
  }
  // Everything up to the end of the connection.
  std::string rest() {
    std::string text;
    readUntil(fd_, text, "");
    return text;
  }

 private:
  const int fd_;
};

// One listener `web` on PORT; /stuck goes to the origin, all else is answered.
std::string configuration(uint16_t port, uint16_t origin) {
  return absl::StrReplaceAll(R"(
static_resources:
  listeners:
  - name: web
    address: {socket_address: {address: 127.0.0.1, port_value: PORT}}
    filter_chains:
    - filters:
      - name: hcm
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: web
          http_filters:
          - name: router
            typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}
          route_config:
            virtual_hosts:
            - {name: all, domains: ["*"], routes: [
                {match: {path: /stuck}, route: {cluster: stuck, timeout: 0s}},
                {match: {prefix: /}, direct_response: {status: 200, body: {inline_string: hello}}}]}
  clusters:
  - name: stuck
    load_assignment:
      cluster_name: stuck
      endpoints:
      - lb_endpoints: [{endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: ORIGIN}}}}]
)",
                             {{"PORT", absl::StrCat(port)}, {"ORIGIN", absl::StrCat(origin)}});
}

class ServerTest : public testing::Test {
 protected:
  std::vector<std::string> arguments(const std::string& drain_time) const {
    return {"run", "--config-yaml", configuration(0, origin_.port()), "--concurrency", "2", "--drain-time", drain_time};
  }
  // A request that never has an answer is under way when this returns.
  void getStuck(Tcp& client) {
    client.send("GET /stuck HTTP/1.1\r\nhost: h\r\n\r\n");
    origin_.takeOne();
  }

  Tcp origin_{Tcp::Kind::kListener};
};

TEST_F(ServerTest, EndsAtOnceWhenNothingIsUnderWay) {
  Child weir(arguments("600"));
  Tcp client(Tcp::Kind::kClient, weir.port());
  client.send("GET / HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n");
  EXPECT_TRUE(client.rest().ends_with("hello"));
  weir.signal(SIGTERM);
  EXPECT_EQ(weir.wait(), 0);
  EXPECT_NE(weir.said.find("shutting down: SIGTERM; what is under way may finish within 10m"), std::string::npos)
      << weir.said;
  EXPECT_NE(weir.said.find("ended: all connections have finished; 0 connections were dropped"), std::string::npos)
      << weir.said;
}

TEST_F(ServerTest, TheDrainTimeEndsARequestThatIsStuck) {
  Child weir(arguments("1"));
  Tcp client(Tcp::Kind::kClient, weir.port());
  getStuck(client);
  weir.signal(SIGTERM);
  EXPECT_EQ(weir.wait(), 0);
  EXPECT_NE(weir.said.find("ended: the drain time of 1s is over; 1 connection was dropped"), std::string::npos)
      << weir.said;
  EXPECT_EQ(client.rest().find("200"), std::string::npos);
}

TEST_F(ServerTest, ASecondSigtermEndsNow) {
  Child weir(arguments("600"));
  Tcp client(Tcp::Kind::kClient, weir.port());
  getStuck(client);
  weir.signal(SIGTERM);
  ASSERT_TRUE(weir.says("shutting down: SIGTERM")) << weir.said;
  weir.signal(SIGTERM);
  EXPECT_EQ(weir.wait(), 0);
  EXPECT_NE(weir.said.find("ended: SIGTERM again; 1 connection was dropped"), std::string::npos) << weir.said;
}

TEST_F(ServerTest, AnAddressThatIsTakenIsOneLineAndNoStart) {
  Child weir({"run", "--config-yaml", configuration(origin_.port(), 1)});
  EXPECT_EQ(weir.wait(), 1);
  EXPECT_EQ(weir.said.find("weir: listener web: cannot bind 127.0.0.1:"), 0u) << weir.said;
  EXPECT_NE(weir.said.find("`ss -ltnp` shows which\n"), std::string::npos) << weir.said;
  EXPECT_EQ(weir.said.find('\n') + 1, weir.said.size()) << weir.said;
}

TEST_F(ServerTest, AConfigurationWithErrorsIsReportedAndNotStarted) {
  Child weir({"run", "--config-yaml", "admin: {addres: {}}\nstatic_resources: {listeners: [{name: a}]}\n"});
  EXPECT_EQ(weir.wait(), 1);
  EXPECT_NE(weir.said.find("<config-yaml>:1:9: admin.addres: unknown field"), std::string::npos) << weir.said;
  EXPECT_NE(weir.said.find("<config-yaml>:2:32: static_resources.listeners[0]: no address is given"), std::string::npos)
      << weir.said;
  EXPECT_TRUE(weir.said.ends_with("weir: not started: 3 errors\n")) << weir.said;
}

}  // namespace
}  // namespace weir::server
