#include "source/proxy/tcp_proxy.h"

#include <algorithm>
#include <limits>
#include <span>
#include <utility>

#include "source/net/transport_info.h"
#include "source/proxy/tcp_tunnel.h"
#include "source/upstream/demand.h"

namespace weir::proxy {
namespace {

// How long a client may take to see the end before the socket is dropped.
constexpr absl::Duration kLinger = absl::Seconds(1);
// A direction that brings so much at once carries bulk, until it brings less than the other: nobody looks at its bytes,
// so they may stay in the kernel.
constexpr size_t kBulk = 16 * 1024;
constexpr size_t kTrickle = 1024;

}  // namespace

TcpProxyStats::TcpProxyStats(stats::Registry& registry, std::string_view stat_prefix) {
  const auto counter = [&](std::string_view name) { return registry.counter({"tcp", stat_prefix, name}); };
  downstream_cx_total = counter("downstream_cx_total");
  downstream_cx_no_route = counter("downstream_cx_no_route");
  downstream_cx_rx_bytes_total = counter("downstream_cx_rx_bytes_total");
  downstream_cx_tx_bytes_total = counter("downstream_cx_tx_bytes_total");
  idle_timeout = counter("idle_timeout");
  max_downstream_connection_duration = counter("max_downstream_connection_duration");
  upstream_flush_total = counter("upstream_flush_total");
}

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
    : config_(config),
      stats_(stats),
      services_(services),
      downstream_(downstream),
      server_name_(info.server_name),
      upstream_session_(*this),
      idle_timer_(services.worker.dispatcher, *this),
      duration_timer_(services.worker.dispatcher, *this) {
  noteConnection(config, services, downstream, info, info_);
}

TcpProxy::~TcpProxy() = default;

void TcpProxy::onAccepted() {
  services_.worker.stats.add(stats_.downstream_cx_total);
  if (config_.max_connection_duration.has_value()) duration_timer_.arm(*config_.max_connection_duration);
  moved();
  const std::string& name = pickTarget(config_, server_name_, services_.worker.random);
  info_.upstream_cluster = name;
  cluster_ = services_.clusters.find(name);
  if (cluster_ != nullptr) info_.upstream_metadata = cluster_->config().notes.get();
  startConnect();
}

void noteConnection(const TcpProxyConfig& config, const Services& services, const net::Connection& downstream,
                    const DownstreamInfo& info, filter::StreamInfo& stream) {
  stream.start = services.worker.dispatcher.now();
  stream.start_wall = services.worker.dispatcher.wallNow();
  stream.connection_id = info.connection_id;
  stream.listener = config.listener.get();
  stream.downstream_local = info.local;
  stream.downstream_local_restored = info.local_restored;
  stream.downstream_direct_remote = info.remote;
  stream.downstream_remote = info.remote;
  stream.downstream_transport = downstream.transportInfo();
  stream.requested_server_name = info.server_name;
  stream.fingerprints = info.fingerprints.get();
  if (info.proxy_tlvs != nullptr) stream.proxy_tlvs = *info.proxy_tlvs;
}

const std::string& pickTarget(const TcpProxyConfig& config, const std::string& server_name, base::Random& random) {
  if (config.cluster_by_server_name && !server_name.empty()) return server_name;
  const std::vector<TcpProxyConfig::Target>& targets = config.targets;
  if (targets.size() == 1) return targets.front().cluster;
  uint64_t point = random.below(config.total_weight);
  for (const TcpProxyConfig::Target& target : targets) {
    if (point < target.weight) return target.cluster;
    point -= target.weight;
  }
  return targets.back().cluster;
}

void TcpProxy::startConnect() {
  if (cluster_ == nullptr) {
    services_.worker.stats.add(stats_.downstream_cx_no_route);
    fail(http::Reason::kNoCluster);
    return;
  }
  ++info_.upstream_attempts;
  upstream::PickContext pick;
  if (host_) pick.attempted = std::span<const upstream::HostRef>(&host_, 1);
  upstream::DemandConfig::KeyText key;
  if (cluster_->config().demand != nullptr && info_.downstream_local_restored) {
    pick.wanted = cluster_->config().demand->config().keyOf(info_.downstream_local, key);
  }
  std::optional<net::ClientAddresses> client;
  if (cluster_->config().tells_client) {
    pick.client = &client.emplace(
        net::ClientAddresses{info_.downstream_remote, info_.downstream_local, std::string(info_.proxy_tlvs)});
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

void TcpProxy::onConnectFailed(http::Reason reason, upstream::HostRef host) {
  const bool tried = reason == http::Reason::kConnectFailure || reason == http::Reason::kConnectTimeout;
  if (host) {
    info_.upstream_remote = host->address;
    info_.upstream_host_name = host->text;
  }
  host_ = std::move(host);
  if (tried && info_.upstream_attempts < config_.max_connect_attempts) {
    startConnect();
  } else {
    fail(reason);
  }
}

void TcpProxy::fail(http::Reason reason) {
  if (info_.reason == http::Reason::kNone) info_.reason = reason;
  downstream_.close(net::CloseReason::kLocal);
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
bool TcpProxy::move(net::Connection& from, bool end, net::Connection& to, bool& finished) {
  if (finished) return false;
  const size_t waiting = from.input().size();
  // What is in the kernel is not cut, which would bring a part of it into memory.
  const bool whole = end || (from.input().startsInKernel() && to.room() > 0);
  const size_t bytes = whole ? waiting : std::min(waiting, to.room());
  if (waiting >= kBulk && from.forwardsInKernel() && to.forwardsInKernel()) {
    from.unseen() = std::numeric_limits<uint64_t>::max();
  } else if (waiting > 0 && waiting < kTrickle) {
    from.unseen() = 0;
  }
  if (bytes > 0) {
    to.output().moveFrom(from.input(), bytes);
    to.flush();
    from.consumed();
  }
  if (end) {
    finished = true;
    to.finishOutput();
  }
  return bytes > 0 || end;
}

void TcpProxy::moveUp() {
  if (upstream_.connection == nullptr) return;
  if (move(downstream_, client_ended_, *upstream_.connection, up_finished_)) moved();
}

void TcpProxy::moveDown() {
  if (upstream_.connection == nullptr) return;
  if (move(*upstream_.connection, upstream_.connection->inputEnded(), downstream_, down_finished_)) moved();
}

void TcpProxy::moved() {
  if (config_.idle_timeout > absl::ZeroDuration()) idle_timer_.arm(config_.idle_timeout);
  countBytes();
}

void TcpProxy::countBytes() {
  // One direction moves at a time, mostly.
  const auto count = [&counts = services_.worker.stats](stats::CounterId id, uint64_t& before, uint64_t now) {
    if (now != before) counts.add(id, now - std::exchange(before, now));
  };
  count(stats_.downstream_cx_rx_bytes_total, info_.bytes_received, downstream_.bytesRead());
  count(stats_.downstream_cx_tx_bytes_total, info_.bytes_sent, downstream_.bytesWritten());
  if (upstream_.connection == nullptr) return;
  const net::Connection& upstream = *upstream_.connection;
  count(cluster_->stats().cx_rx_bytes_total, info_.upstream_bytes_received, upstream.bytesRead());
  count(cluster_->stats().cx_tx_bytes_total, info_.upstream_bytes_sent, upstream.bytesWritten());
}

void TcpProxy::onTimer(event::Timer& timer) {
  if (&timer == &idle_timer_) {
    services_.worker.stats.add(stats_.idle_timeout);
    fail(http::Reason::kStreamIdleTimeout);
  } else {
    services_.worker.stats.add(stats_.max_downstream_connection_duration);
    fail(http::Reason::kMaxStreamDuration);
  }
}

void TcpProxy::onUpstreamClosed(net::CloseReason reason) {
  countBytes();
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
  idle_timer_.cancel();
  duration_timer_.cancel();
  countBytes();
  releaseUpstream(reason);
  info_.complete = services_.worker.dispatcher.now();
  for (const std::unique_ptr<filter::AccessLog>& log : config_.access_logs) log->log(info_, services_.worker);
}

void TcpProxy::releaseUpstream(net::CloseReason reason) {
  if (upstream_.connection == nullptr) return;
  // The client said all it had to say, and the upstream may not have got all of it yet.
  const bool clean = reason == net::CloseReason::kRemote || reason == net::CloseReason::kLocal;
  if (up_finished_ && clean && info_.reason == http::Reason::kNone && !upstream_.connection->output().empty()) {
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
