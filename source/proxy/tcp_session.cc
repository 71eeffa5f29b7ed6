#include "source/proxy/tcp_session.h"

#include <algorithm>
#include <span>
#include <utility>

namespace weir::proxy {
namespace {

constexpr absl::Duration kLongestIdle = absl::Hours(24 * 365);  // of a timer

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

TcpSession::TcpSession(const TcpProxyConfig& config, const TcpProxyStats& stats, const Services& services,
                       net::Connection& downstream, const DownstreamInfo& info)
    : config_(config),
      stats_(stats),
      services_(services),
      downstream_(downstream),
      client_(info),
      idle_nanoseconds_(absl::ToInt64Nanoseconds(std::clamp(config.idle_timeout, absl::ZeroDuration(), kLongestIdle))),
      idle_timer_(services.worker.dispatcher, *this),
      duration_timer_(services.worker.dispatcher, *this) {
  info_.start = services.worker.dispatcher.now();
  info_.start_wall = services.worker.dispatcher.wallNow();
  info_.connection_id = info.connection_id;
  info_.listener = config.listener.get();
  info_.downstream_local = info.local;
  info_.downstream_local_restored = info.local_restored;
  info_.downstream_direct_remote = info.remote;
  info_.downstream_remote = info.remote;
  info_.downstream_transport = downstream.transportInfo();
  info_.requested_server_name = info.server_name;
  info_.fingerprints = info.fingerprints.get();
  if (info.proxy_tlvs != nullptr) info_.proxy_tlvs = *info.proxy_tlvs;
}

void TcpSession::onAccepted() {
  services_.worker.stats.add(stats_.downstream_cx_total);
  if (config_.max_connection_duration.has_value()) duration_timer_.arm(*config_.max_connection_duration);
  moved();
  const std::string& name = pickTarget();
  info_.upstream_cluster = name;
  cluster_ = services_.clusters.find(name);
  if (cluster_ == nullptr) {
    services_.worker.stats.add(stats_.downstream_cx_no_route);
    return fail(http::Reason::kNoCluster);
  }
  info_.upstream_metadata = cluster_->config().notes.get();
  startAttempt();
}

const std::string& TcpSession::pickTarget() const {
  if (config_.cluster_by_server_name && !client_.server_name.empty()) return client_.server_name;
  const std::vector<TcpProxyConfig::Target>& targets = config_.targets;
  if (targets.size() == 1) return targets.front().cluster;
  uint64_t point = services_.worker.random.below(config_.total_weight);
  for (const TcpProxyConfig::Target& target : targets) {
    if (point < target.weight) return target.cluster;
    point -= target.weight;
  }
  return targets.back().cluster;
}

void TcpSession::describeAttempt(upstream::PickContext& pick, std::optional<net::ClientAddresses>& client) {
  ++info_.upstream_attempts;
  if (host_) pick.attempted = std::span<const upstream::HostRef>(&host_, 1);
  if (!cluster_->config().tells_client) return;
  pick.client = &client.emplace(
      net::ClientAddresses{info_.downstream_remote, info_.downstream_local, std::string(info_.proxy_tlvs)});
}

void TcpSession::attemptFailed(http::Reason reason, upstream::HostRef host) {
  const bool tried = reason == http::Reason::kConnectFailure || reason == http::Reason::kConnectTimeout;
  if (host) {
    info_.upstream_remote = host->address;
    info_.upstream_host_name = host->text;
  }
  host_ = std::move(host);
  tried ? retryOrFail(reason) : fail(reason);
}

void TcpSession::retryOrFail(http::Reason reason) {
  info_.upstream_attempts < config_.max_connect_attempts ? startAttempt() : fail(reason);
}

void TcpSession::fail(http::Reason reason) {
  over_ = true;
  if (info_.reason == http::Reason::kNone) info_.reason = reason;
  downstream_.close(net::CloseReason::kLocal);
}

void TcpSession::moved() {
  if (idle_nanoseconds_ > 0) {
    idle_timer_.armAt(base::MonotonicTime{services_.worker.dispatcher.now().nanoseconds + idle_nanoseconds_});
  }
  countDownstream();
}

void TcpSession::countDownstream() {
  count(stats_.downstream_cx_rx_bytes_total, info_.bytes_received, downstream_.bytesRead());
  count(stats_.downstream_cx_tx_bytes_total, info_.bytes_sent, downstream_.bytesWritten());
}

void TcpSession::onTimer(event::Timer& timer) {
  const bool idle = &timer == &idle_timer_;
  services_.worker.stats.add(idle ? stats_.idle_timeout : stats_.max_downstream_connection_duration);
  fail(idle ? http::Reason::kStreamIdleTimeout : http::Reason::kMaxStreamDuration);
}

void TcpSession::endAndLog() {
  idle_timer_.cancel();
  duration_timer_.cancel();
  countDownstream();
  info_.complete = services_.worker.dispatcher.now();
  for (const std::unique_ptr<filter::AccessLog>& log : config_.access_logs) log->log(info_, services_.worker);
}

}  // namespace weir::proxy
