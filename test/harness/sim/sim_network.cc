#include "test/harness/sim/sim_network.h"

#include <algorithm>
#include <cerrno>
#include <deque>
#include <utility>

#include "absl/strings/str_cat.h"
#include "source/base/check.h"
#include "test/harness/sim/sim_connection.h"

namespace weir::harness {

using net::AcceptResult;
using net::Address;

class SimSocket final : public net::Socket {
 public:
  SimSocket(SimNetwork& network, std::shared_ptr<SimConnection> connection, int side)
      : network_(&network), connection_(std::move(connection)), side_(side) {
    ++network_->open_sockets_;
  }
  ~SimSocket() override {
    connection_->close(side_, reset_on_close_);
    if (network_ != nullptr) --network_->open_sockets_;
  }

  void watch(event::ReadyHandler& handler) override {
    CHECK(watch_ == nullptr, "a socket is registered once");
    watch_ = std::make_unique<SimPoller::Watch>(network_->poller_, handler);
    connection_->ends[side_].watch = watch_.get();
    event::Readiness ready = connection_->readiness(side_);
    // Only what is news: an accepted socket is writable from the start.
    if (side_ == SimConnection::kServer && ready.readable) ready.writable = false;
    if (ready.readable || ready.writable || ready.closed) watch_->mark(ready);
  }
  bool handOver(event::ReadyHandler& handler) override {
    watch_->setHandler(handler);
    return true;
  }
  net::IoResult read(std::span<const iovec> into) override { return connection_->read(side_, into); }
  net::IoResult write(std::span<const iovec> from) override { return connection_->write(side_, from); }
  bool release() override {
    connection_->ends[side_].watch = nullptr;
    watch_.reset();
    --std::exchange(network_, nullptr)->open_sockets_;
    return true;
  }
  void adoptInto(SimNetwork& network) {
    network_ = &network;
    ++network_->open_sockets_;
  }
  void shutdownWrite() override { connection_->shutdownWrite(side_); }
  void resetOnClose() override { reset_on_close_ = true; }
  absl::Status connectResult() override {
    SimEnd& end = connection_->ends[side_];
    if (end.established) return absl::OkStatus();
    const int error = std::exchange(end.error, 0);
    if (error == 0) return absl::OkStatus();
    return absl::UnavailableError(absl::StrCat(
        "cannot connect to ", connection_->target.text(), ": ",
        error == ECONNREFUSED ? "Connection refused (ECONNREFUSED)" : "Connection reset by peer (ECONNRESET)"));
  }
  Address localAddress() const override { return connection_->ends[side_].address; }
  Address remoteAddress() const override { return connection_->ends[1 - side_].address; }

 private:
  SimNetwork* network_;  // null while released
  std::shared_ptr<SimConnection> connection_;
  int side_;
  bool reset_on_close_ = false;
  std::unique_ptr<SimPoller::Watch> watch_;
};

class SimListenSocket final : public net::ListenSocket {
 public:
  SimListenSocket(SimNetwork& network, Address address, const net::BindOptions& options)
      : network_(network), address_(std::move(address)), options_(options) {
    network_.wire_.bound_.push_back(this);
  }
  ~SimListenSocket() override {
    std::erase(network_.wire_.bound_, this);
    for (const std::shared_ptr<SimConnection>& waiting : queue_) waiting->close(SimConnection::kServer, true);
  }

  absl::Status listen(int backlog) override {
    backlog_ = static_cast<size_t>(std::max(backlog, 1));
    listening_ = true;
    return absl::OkStatus();
  }
  void watch(event::ReadyHandler& handler) override {
    watch_ = std::make_unique<SimPoller::Watch>(network_.poller_, handler);
    if (!queue_.empty()) watch_->mark({.readable = true});
  }
  AcceptResult accept() override {
    AcceptResult result;
    if (queue_.empty()) return result;
    std::shared_ptr<SimConnection> connection = std::move(queue_.front());
    queue_.pop_front();
    if (network_.exhausted()) {
      connection->close(SimConnection::kServer, false);
      result.state = AcceptResult::State::kExhausted;
      result.error = EMFILE;
      return result;
    }
    if (connection->ends[SimConnection::kServer].broken && connection->ends[SimConnection::kServer].unread.empty()) {
      result.state = AcceptResult::State::kRetryNow;
      result.error = ECONNABORTED;
      return result;
    }
    result.state = AcceptResult::State::kAccepted;
    result.peer = connection->ends[SimConnection::kClient].address;
    result.socket = std::make_unique<SimSocket>(network_, std::move(connection), SimConnection::kServer);
    return result;
  }
  Address localAddress() const override { return address_; }

  bool takes(const Address& to) const {
    if (!listening_) return false;
    if (address_ == to) return true;
    if (!address_.isWildcard() || address_.port() != to.port()) return false;
    return address_.family() == to.family() || (options_.ipv4_compat && to.family() == Address::Family::kIpv4);
  }
  bool shares() const { return options_.reuse_port; }
  bool hasRoom() const { return queue_.size() < backlog_; }
  void push(std::shared_ptr<SimConnection> connection) {
    queue_.push_back(std::move(connection));
    if (watch_ != nullptr) watch_->mark({.readable = true});
  }

 private:
  SimNetwork& network_;
  Address address_;
  net::BindOptions options_;
  size_t backlog_ = 0;
  bool listening_ = false;
  std::deque<std::shared_ptr<SimConnection>> queue_;
  std::unique_ptr<SimPoller::Watch> watch_;
};

SimLink& SimWire::link(const Address& address) {
  return links_.try_emplace(address.text(), default_link_).first->second;
}

SimLink SimWire::linkTo(const Address& address) const {
  const auto found = links_.find(address.text());
  return found == links_.end() ? default_link_ : found->second;
}

size_t SimWire::resetAll(const Address& address) {
  size_t count = 0;
  for (const std::weak_ptr<SimConnection>& weak : connections_) {
    const std::shared_ptr<SimConnection> connection = weak.lock();
    if (connection == nullptr || connection->over() || !(connection->target == address)) continue;
    ++count;
    simulation_.schedule(connection->link.latency, [connection] {
      connection->breakEnd(SimConnection::kClient, ECONNRESET);
      connection->breakEnd(SimConnection::kServer, ECONNRESET);
    });
  }
  return count;
}

size_t SimWire::openConnections(const Address& address) {
  std::erase_if(connections_, [](const std::weak_ptr<SimConnection>& weak) { return weak.expired(); });
  return static_cast<size_t>(
      std::count_if(connections_.begin(), connections_.end(), [&](const std::weak_ptr<SimConnection>& weak) {
        const std::shared_ptr<SimConnection> connection = weak.lock();
        return connection != nullptr && !connection->over() && connection->target == address;
      }));
}

SimListenSocket* SimWire::listenerFor(const Address& address) {
  std::vector<SimListenSocket*> exact;
  std::vector<SimListenSocket*> wildcard;
  for (SimListenSocket* socket : bound_) {
    if (socket->takes(address)) (socket->localAddress() == address ? exact : wildcard).push_back(socket);
  }
  const std::vector<SimListenSocket*>& takers = exact.empty() ? wildcard : exact;
  return takers.empty() ? nullptr : takers[next_listener_++ % takers.size()];
}

bool SimWire::addressInUse(const Address& address, bool reuse_port) const {
  return std::any_of(bound_.begin(), bound_.end(), [&](const SimListenSocket* socket) {
    return socket->localAddress() == address && !(reuse_port && socket->shares());
  });
}

void SimWire::arrive(const std::shared_ptr<SimConnection>& connection, int attempt) {
  constexpr int kAttempts = 6;
  if (connection->ends[SimConnection::kClient].closed) return;
  SimListenSocket* listener = connection->link.refuse ? nullptr : listenerFor(connection->target);
  const absl::Duration latency = connection->link.latency;
  if (listener == nullptr) {
    simulation_.schedule(latency, [connection] { connection->breakEnd(SimConnection::kClient, ECONNREFUSED); });
    return;
  }
  if (!listener->hasRoom()) {
    if (attempt == kAttempts) return;
    simulation_.schedule(absl::Seconds(1), [this, connection, attempt] { arrive(connection, attempt + 1); });
    return;
  }
  connection->establish(SimConnection::kServer);
  listener->push(connection);
  simulation_.schedule(latency, [connection] { connection->establish(SimConnection::kClient); });
}

SimNetwork::SimNetwork(SimWire& wire, SimPoller& poller, std::string_view ip) : wire_(wire), poller_(poller) {
  absl::StatusOr<Address> address = Address::parseIp(ip, 0);
  CHECK(address.ok(), "a simulated network has an IP address");
  ip_ = *std::move(address);
}

SimNetwork::SimNetwork(SimWire& wire, const event::Dispatcher& dispatcher, std::string_view ip)
    : SimNetwork(wire, wire.simulation().poller(dispatcher), ip) {}

absl::StatusOr<std::unique_ptr<net::ListenSocket>> SimNetwork::bind(const Address& address,
                                                                    const net::BindOptions& options) {
  Address bound = address;
  if (address.isIp() && address.port() == 0) {
    absl::StatusOr<Address> chosen = Address::parseIp(address.ip(), wire_.freePort());
    if (!chosen.ok()) return chosen.status();
    bound = *std::move(chosen);
  }
  if (wire_.addressInUse(bound, options.reuse_port)) {
    return absl::UnavailableError(absl::StrCat("cannot bind ", bound.text(), ": Address already in use (EADDRINUSE)"));
  }
  return std::make_unique<SimListenSocket>(*this, std::move(bound), options);
}

absl::StatusOr<std::unique_ptr<net::Socket>> SimNetwork::connect(const Address& address,
                                                                 const std::optional<net::KeepAlive>&) {
  if (exhausted()) {
    return absl::ResourceExhaustedError(
        absl::StrCat("cannot connect to ", address.text(), ": Too many open files (EMFILE)"));
  }
  absl::StatusOr<Address> local = Address::parseIp(ip_.ip(), next_port_++);
  if (!local.ok()) return local.status();
  auto connection = std::make_shared<SimConnection>(wire_, wire_.linkTo(address), *local, address);
  std::erase_if(wire_.connections_, [](const std::weak_ptr<SimConnection>& weak) { return weak.expired(); });
  wire_.connections_.push_back(connection);
  if (!connection->link.black_hole) {
    wire_.simulation().schedule(connection->link.latency, [connection, &wire = wire_] { wire.arrive(connection, 1); });
  }
  return std::make_unique<SimSocket>(*this, std::move(connection), SimConnection::kClient);
}

std::unique_ptr<net::Socket> SimNetwork::adopt(std::unique_ptr<net::Socket> socket) {
  static_cast<SimSocket&>(*socket).adoptInto(*this);
  return socket;
}

}  // namespace weir::harness
