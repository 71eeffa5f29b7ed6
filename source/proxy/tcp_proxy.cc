#include "source/proxy/tcp_proxy.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include "source/net/transport_info.h"
#include "source/proxy/tcp_tunnel.h"
#include "source/upstream/demand.h"

namespace weir::proxy {
namespace {

// A direction that brings so much at once carries bulk, until it brings less than the other twice: nobody looks at its
// bytes, so they may stay in the kernel. Twice, because what comes of bulk is cut anywhere.
constexpr size_t kBulk = 16 * 1024;
constexpr size_t kTrickle = 1024;

}  // namespace

TcpProxyFactory::TcpProxyFactory(TcpProxyConfig config, stats::Registry& registry)
    : config_(std::move(config)), stats_(registry, config_.stat_prefix) {}

std::unique_ptr<TerminalSession> TcpProxyFactory::create(const Services& services, net::Connection& connection,
                                                         const DownstreamInfo& info) const {
  if (config_.tunnel != nullptr) {
    return std::make_unique<TcpTunnel>(config_, stats_, services, connection, info);
  }
  return std::make_unique<TcpProxy>(config_, stats_, services, connection, info);
}

std::vector<std::string> TcpProxyFactory::clusters() const {
  std::vector<std::string> names;
  for (const TcpProxyConfig::Target& target : config_.targets) names.push_back(target.cluster);
  return names;
}

TcpProxy::TcpProxy(const TcpProxyConfig& config, const TcpProxyStats& stats, const Services& services,
                   net::Connection& downstream, const DownstreamInfo& info)
    : TcpSession(config, stats, services, downstream, info), upstream_session_(*this) {}

TcpProxy::~TcpProxy() = default;

void TcpProxy::startAttempt() {
  upstream::PickContext pick;
  std::optional<net::ClientAddresses> client;
  describeAttempt(pick, client);
  upstream::DemandConfig::KeyText key;
  if (cluster_->config().demand != nullptr && info_.downstream_local_restored) {
    pick.wanted = cluster_->config().demand->config().keyOf(info_.downstream_local, key);
  }
  connecting_ = cluster_->connect(pick, *this);
}

void TcpProxy::onConnected(Connected connected) {
  upstream_ = std::move(connected);
  host_ = upstream_.host;
  upstream_.connection->setSession(upstream_session_);
  info_.upstream_remote = upstream_.host->address;
  // A system call; only logs tell it.
  if (!config_.access_logs.empty()) info_.upstream_local = upstream_.connection->localAddress();
  if (const net::TransportInfo* const transport = upstream_.connection->transportInfo()) {
    info_.upstream_transport = transport->shared_from_this();
  }
  info_.upstream_host_name = upstream_.host->text;
  moveUp();
  moveDown();
}

void TcpProxy::drain() {
  if (connecting_) fail(http::Reason::kDraining);
}

void TcpProxy::onInput(buffer::Buffer&, bool end) {
  client_ended_ = client_ended_ || end;
  moveUp();
}

void TcpProxy::onRoom() { moveDown(); }

// Passes on what there is room for, and the end after it. At the end everything is passed on at once, room or not: a
// connection whose both directions have ended closes, and drops what nobody took from its input. That is no more
// than its input was allowed to hold. Returns whether anything moved.
bool TcpProxy::move(net::Connection& from, bool end, net::Connection& to, Way& way) {
  const size_t waiting = from.input().size();
  if (way.finished || (waiting == 0 && !end)) return false;
  const size_t room = to.room();
  // What is in the kernel is not cut, which would bring a part of it into memory.
  const bool whole = end || (room > 0 && from.input().startsInKernel());
  const size_t bytes = whole ? waiting : std::min(waiting, room);
  if (waiting >= kBulk && from.forwardsInKernel() && to.forwardsInKernel()) {
    from.unseen() = std::numeric_limits<uint64_t>::max();
  } else if (waiting > 0 && waiting < kTrickle && way.thin) {
    from.unseen() = 0;
  }
  way.thin = waiting < kTrickle;
  if (bytes > 0) {
    to.output().moveFrom(from.input(), bytes);
    to.flush();
    from.consumed();
  }
  if (end) {
    way.finished = true;
    to.finishOutput();
  }
  return bytes > 0 || end;
}

void TcpProxy::moveUp() {
  if (upstream_.connection == nullptr) return;
  if (move(downstream_, client_ended_, *upstream_.connection, up_)) carried();
}

void TcpProxy::moveDown() {
  if (upstream_.connection == nullptr) return;
  if (move(*upstream_.connection, upstream_.connection->inputEnded(), downstream_, down_)) carried();
}

void TcpProxy::carried() {
  moved();
  countUpstream();
}

void TcpProxy::countUpstream() {
  const net::Connection& upstream = *upstream_.connection;
  count(cluster_->stats().cx_rx_bytes_total, info_.upstream_bytes_received, upstream.bytesRead());
  count(cluster_->stats().cx_tx_bytes_total, info_.upstream_bytes_sent, upstream.bytesWritten());
}

void TcpProxy::onUpstreamClosed(net::CloseReason reason) {
  countUpstream();
  services_.worker.dispatcher.deleteLater(std::move(upstream_.connection));
  upstream_.lease.release();
  if (reason == net::CloseReason::kRemoteReset) {
    downstream_.close(net::CloseReason::kLocalReset);
  } else {
    downstream_.closeAfterFlush(kLinger);
  }
}

void TcpProxy::onClose(net::CloseReason reason) {
  connecting_.cancel();
  releaseUpstream(reason);
  endAndLog();
}

void TcpProxy::releaseUpstream(net::CloseReason reason) {
  if (upstream_.connection == nullptr) return;
  countUpstream();
  // The client said all it had to say, and the upstream may not have got all of it yet.
  const bool clean = reason == net::CloseReason::kRemote || reason == net::CloseReason::kLocal;
  if (up_.finished && clean && info_.reason == http::Reason::kNone && !upstream_.connection->output().empty()) {
    services_.worker.stats.add(stats_.upstream_flush_total);
    const bool forever = config_.idle_timeout <= absl::ZeroDuration();
    cluster_->finish(std::move(upstream_), forever ? absl::Hours(1) : config_.idle_timeout);
    return;
  }
  if (reason == net::CloseReason::kRemoteReset) upstream_.connection->close(net::CloseReason::kLocalReset);
  // Destroyed here and not later, since it knows a session that may be gone by then. None of its calls is on the stack.
  upstream_.connection.reset();
  upstream_.lease.release();
}

}  // namespace weir::proxy
