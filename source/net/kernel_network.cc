#include "source/net/kernel_network.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "source/base/check.h"

namespace weir::net {
namespace {

// linux/netfilter_ipv4.h and netfilter_ipv6/ip6_tables.h, which do not go together with netinet/in.h.
constexpr int kOriginalDestination = 80;
constexpr int kOriginalDestination6 = 80;

// Closes when nobody has taken it.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

bool isExhaustion(int error) { return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM; }

absl::Status failure(const char* what, const Address& address, int error) {
  const char* description = strerrordesc_np(error);
  const char* name = strerrorname_np(error);
  const std::string text =
      absl::StrCat("cannot ", what, " ", address.text(), ": ", description == nullptr ? "error" : description, " (",
                   name == nullptr ? absl::StrCat(error) : name, ")");
  return isExhaustion(error) ? absl::ResourceExhaustedError(text) : absl::UnavailableError(text);
}

int domainOf(const Address& address) {
  switch (address.family()) {
    case Address::Family::kIpv4:
      return AF_INET;
    case Address::Family::kIpv6:
      return AF_INET6;
    case Address::Family::kUnix:
      return AF_UNIX;
    case Address::Family::kNone:
      break;
  }
  return AF_UNSPEC;
}

int openStream(const Address& address) {
  return ::socket(domainOf(address), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

void setOption(int fd, int level, int name, int value) {
  // An option that this kernel does not have is no reason to refuse service.
  [[maybe_unused]] const int result = ::setsockopt(fd, level, name, &value, sizeof(value));
}

Address nameOf(int fd) {
  sockaddr_storage storage;
  socklen_t length = sizeof(storage);
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &length) != 0) return {};
  return Address::fromSockaddr(reinterpret_cast<sockaddr*>(&storage), length);
}

void setKeepAlive(int fd, const KeepAlive& keep_alive) {
  setOption(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  if (keep_alive.probes) setOption(fd, IPPROTO_TCP, TCP_KEEPCNT, static_cast<int>(*keep_alive.probes));
  if (keep_alive.idle_seconds) setOption(fd, IPPROTO_TCP, TCP_KEEPIDLE, static_cast<int>(*keep_alive.idle_seconds));
  if (keep_alive.interval_seconds) {
    setOption(fd, IPPROTO_TCP, TCP_KEEPINTVL, static_cast<int>(*keep_alive.interval_seconds));
  }
}

IoResult ioResult(ssize_t moved) {
  if (moved > 0) return {IoResult::State::kOk, static_cast<size_t>(moved), 0};
  if (moved == 0) return {IoResult::State::kEnd, 0, 0};
  if (errno == EAGAIN || errno == EINTR) return {IoResult::State::kWouldBlock, 0, 0};
  return {IoResult::State::kFailed, 0, errno};
}

// These without what the C library does around them so that a thread could be cancelled there: no thread of
// weir ever is.
ssize_t receive(int fd, void* into, size_t size) {
  return ::syscall(SYS_recvfrom, fd, into, size, 0, nullptr, nullptr);
}
ssize_t receive(int fd, std::span<const iovec> into) {
  return ::syscall(SYS_readv, fd, into.data(), static_cast<int>(into.size()));
}
ssize_t transmit(int fd, const void* from, size_t size) {
  return ::syscall(SYS_sendto, fd, from, size, MSG_NOSIGNAL, nullptr, 0);
}
// sendmsg is writev that can be told not to raise SIGPIPE.
ssize_t transmit(int fd, std::span<const iovec> from) {
  msghdr message = {};
  message.msg_iov = const_cast<iovec*>(from.data());
  message.msg_iovlen = from.size();
  return ::syscall(SYS_sendmsg, fd, &message, MSG_NOSIGNAL);
}

class KernelSocket final : public Socket {
 public:
  KernelSocket(event::LibeventPoller& poller, int fd, Address local, Address remote, int connect_error = 0)
      : poller_(&poller),
        fd_(fd),
        connect_error_(connect_error),
        local_(std::move(local)),
        remote_(std::move(remote)) {}
  ~KernelSocket() override {
    watch_.reset();
    ::close(fd_);
  }

  void watch(event::ReadyHandler& handler) override {
    CHECK(!watch_.has_value(), "a socket is registered once");
    watch_.emplace(*poller_, fd_, handler);
    if (watch_->refused()) ::shutdown(fd_, SHUT_RDWR);  // the handler is told, reads, and finds the end
  }
  bool handOver(event::ReadyHandler& handler) override {
    watch_->setHandler(handler);
    return true;
  }
  IoResult read(std::span<const iovec> into) override {
    for (;;) {
      const ssize_t got = into.size() == 1 ? receive(fd_, into[0].iov_base, into[0].iov_len) : receive(fd_, into);
      if (got < 0 && errno == EINTR) continue;
      if (got > 0) poller_->noteRead(static_cast<size_t>(got));
      return ioResult(got);
    }
  }
  // send is the cheaper one for a single piece.
  IoResult write(std::span<const iovec> from) override {
    for (;;) {
      const ssize_t sent = from.size() == 1 ? transmit(fd_, from[0].iov_base, from[0].iov_len) : transmit(fd_, from);
      if (sent < 0 && errno == EINTR) continue;
      return ioResult(sent);
    }
  }
  bool forwardsInKernel() const override { return true; }
  IoResult readInKernel(buffer::Buffer& into, size_t most) override { return ioResult(into.fillFromKernel(fd_, most)); }
  // Raises no SIGPIPE that would reach anybody: the process ignores it.
  IoResult writeInKernel(buffer::Buffer& from) override { return ioResult(from.drainIntoKernel(fd_)); }
  bool release() override {
    watch_.reset();
    poller_ = nullptr;
    return true;
  }
  void adoptInto(event::LibeventPoller& poller) { poller_ = &poller; }
  void shutdownWrite() override { ::shutdown(fd_, SHUT_WR); }
  void resetOnClose() override {
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    [[maybe_unused]] const int result = ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
  }
  absl::Status connectResult() override {
    int error = connect_error_;
    socklen_t length = sizeof(error);
    if (error == 0 && ::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &length) != 0) error = errno;
    return error == 0 ? absl::OkStatus() : failure("connect to", remote_, error);
  }
  std::optional<Address> originalDestination() const override {
    const bool six = local_.family() == Address::Family::kIpv6;
    if (!six && local_.family() != Address::Family::kIpv4) return std::nullopt;
    sockaddr_storage storage;
    socklen_t length = sizeof(storage);
    const int option = six ? kOriginalDestination6 : kOriginalDestination;
    if (::getsockopt(fd_, six ? IPPROTO_IPV6 : IPPROTO_IP, option, &storage, &length) != 0) return std::nullopt;
    return Address::fromSockaddr(reinterpret_cast<sockaddr*>(&storage), length);
  }
  Address localAddress() const override {
    if (local_.family() == Address::Family::kNone) local_ = nameOf(fd_);
    return local_;
  }
  Address remoteAddress() const override { return remote_; }

 private:
  event::LibeventPoller* poller_;  // null while released
  std::optional<event::LibeventPoller::Watch> watch_;
  int fd_;
  int connect_error_;
  mutable Address local_;  // asked for when it is first wanted
  Address remote_;
};

// A bound unix socket without a process behind it: a file that was left over. Listed by the kernel means bound, also
// by another worker that does not listen yet; a connection that is taken means listening, in whatever namespace.
bool isStale(const Address& address) {
  struct stat info;
  const std::string path = address.ip();
  if (::lstat(path.c_str(), &info) != 0 || !S_ISSOCK(info.st_mode)) return false;
  std::ifstream bound("/proc/net/unix");
  for (std::string line; std::getline(bound, line);) {
    if (line.size() > path.size() && line.ends_with(path) && line[line.size() - path.size() - 1] == ' ') return false;
  }
  const Descriptor probe(openStream(address));
  sockaddr_storage storage;
  const socklen_t length = address.toSockaddr(storage);
  return ::connect(probe.get(), reinterpret_cast<sockaddr*>(&storage), length) != 0 && errno == ECONNREFUSED;
}

int setListenOptions(int fd, const Address& address, const BindOptions& options) {
  if (!address.isIp()) return 0;
  setOption(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  // Inherited by every accepted connection, so that none needs a call of its own.
  setOption(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  if (address.family() == Address::Family::kIpv6) setOption(fd, IPPROTO_IPV6, IPV6_V6ONLY, options.ipv4_compat ? 0 : 1);
  const int one = 1;
  return options.reuse_port ? ::setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)) : 0;
}

}  // namespace

class KernelListenSocket final : public ListenSocket {
 public:
  KernelListenSocket(KernelNetwork& network, int fd) : network_(network), fd_(fd), local_(nameOf(fd)) {}
  ~KernelListenSocket() override {
    watch_.reset();
    ::close(fd_);
  }

  absl::Status listen(int backlog) override {
    return ::listen(fd_, backlog) == 0 ? absl::OkStatus() : failure("listen on", local_, errno);
  }
  void watch(event::ReadyHandler& handler) override {
    CHECK(watch_ == nullptr, "a socket is registered once");
    watch_ = network_.poller_.watch(fd_, handler);
  }
  AcceptResult accept() override {
    sockaddr_storage storage;
    socklen_t length = sizeof(storage);
    const int fd = ::accept4(fd_, reinterpret_cast<sockaddr*>(&storage), &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
    AcceptResult result;
    if (fd >= 0) {
      result.state = AcceptResult::State::kAccepted;
      result.peer = Address::fromSockaddr(reinterpret_cast<sockaddr*>(&storage), length);
      Address local = local_.isWildcard() ? Address() : local_;
      result.socket = std::make_unique<KernelSocket>(network_.poller_, fd, std::move(local), result.peer);
      return result;
    }
    result.error = errno;
    result.state = stateOf(errno);
    if (result.state == AcceptResult::State::kExhausted) network_.shed(fd_);
    return result;
  }
  Address localAddress() const override { return local_; }

 private:
  // accept(2): errors that were already pending on the new connection come out here and concern only that one.
  static AcceptResult::State stateOf(int error) {
    if (error == EAGAIN) return AcceptResult::State::kNone;
    if (isExhaustion(error)) return AcceptResult::State::kExhausted;
    if (error == EBADF || error == EINVAL || error == ENOTSOCK) return AcceptResult::State::kFailed;
    return AcceptResult::State::kRetryNow;
  }

  KernelNetwork& network_;
  int fd_;
  Address local_;
  std::unique_ptr<event::LibeventPoller::Watch> watch_;
};

KernelNetwork::KernelNetwork(event::LibeventPoller& poller) : poller_(poller) { openReserve(); }

KernelNetwork::~KernelNetwork() {
  if (reserve_fd_ >= 0) ::close(reserve_fd_);
}

absl::StatusOr<std::unique_ptr<ListenSocket>> KernelNetwork::bind(const Address& address, const BindOptions& options) {
  Descriptor fd(openStream(address));
  if (fd.get() < 0 || setListenOptions(fd.get(), address, options) != 0) return failure("bind", address, errno);
  const bool is_file = address.family() == Address::Family::kUnix && address.ip().front() != '@';
  if (is_file && isStale(address)) ::unlink(address.ip().c_str());
  sockaddr_storage storage;
  const socklen_t length = address.toSockaddr(storage);
  if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&storage), length) != 0) return failure("bind", address, errno);
  if (is_file && options.unix_mode.has_value() && ::chmod(address.ip().c_str(), *options.unix_mode) != 0) {
    return failure("set the permissions of", address, errno);
  }
  return std::make_unique<KernelListenSocket>(*this, fd.release());
}

absl::StatusOr<std::unique_ptr<Socket>> KernelNetwork::connect(const Address& address,
                                                               const std::optional<KeepAlive>& keep_alive) {
  return connectFrom(Address(), address, keep_alive);
}

absl::StatusOr<std::unique_ptr<Socket>> KernelNetwork::connectFrom(const Address& source, const Address& address,
                                                                   const std::optional<KeepAlive>& keep_alive) {
  Descriptor fd(openStream(address));
  if (fd.get() < 0) return failure("connect to", address, errno);
  if (address.isIp()) {
    setOption(fd.get(), IPPROTO_TCP, TCP_NODELAY, 1);
    if (keep_alive.has_value()) setKeepAlive(fd.get(), *keep_alive);
  }
  sockaddr_storage storage;
  if (source.isIp() && address.isIp()) {
    // The port is chosen when the peer is known, so that one port serves connections to many.
    if (source.port() == 0) setOption(fd.get(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
    const socklen_t length = source.toSockaddr(storage);
    if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&storage), length) != 0) return failure("bind", source, errno);
  }
  const socklen_t length = address.toSockaddr(storage);
  int error = 0;
  if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&storage), length) != 0 && errno != EINPROGRESS) error = errno;
  if (error == EINVAL || error == EAFNOSUPPORT || isExhaustion(error)) return failure("connect to", address, error);
  // Any other refusal, even when it is known at once, comes like one that takes its time: the socket is not connected,
  // for which epoll reports an edge as soon as it is watched.
  return std::make_unique<KernelSocket>(poller_, fd.release(), Address(), address, error);
}

std::unique_ptr<Socket> KernelNetwork::adopt(std::unique_ptr<Socket> socket) {
  // All sockets that can be released are of this class: a process has one kind of network.
  static_cast<KernelSocket&>(*socket).adoptInto(poller_);
  return socket;
}

void KernelNetwork::shed(int listen_fd) {
  if (reserve_fd_ >= 0) {
    ::close(std::exchange(reserve_fd_, -1));
    const Descriptor victim(::accept4(listen_fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  }
  openReserve();
}

void KernelNetwork::openReserve() { reserve_fd_ = ::open("/dev/null", O_RDONLY | O_CLOEXEC); }

}  // namespace weir::net
