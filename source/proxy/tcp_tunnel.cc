#include "source/proxy/tcp_tunnel.h"

#include <algorithm>
#include <span>
#include <utility>

#include "source/net/transport_info.h"

namespace weir::proxy {
namespace {

using http::Part;
using http::Reason;
using Outcome = upstream::RequestOutcome::Kind;

// How long a client may take to see the end before the socket is dropped.
constexpr absl::Duration kLinger = absl::Seconds(1);

}  // namespace

TcpTunnel::TcpTunnel(const TcpProxyConfig& config, const TcpProxyStats& stats, const Services& services,
                     net::Connection& downstream, const DownstreamInfo& info)
    : Wakeable(services.worker.dispatcher),
      config_(config),
      stats_(stats),
      services_(services),
      downstream_(downstream),
      server_name_(info.server_name),
      arena_(services.worker.chunks),
      idle_timer_(services.worker.dispatcher, *this),
      duration_timer_(services.worker.dispatcher, *this) {
  noteConnection(config, services, downstream, info, info_);
}

TcpTunnel::~TcpTunnel() = default;

void TcpTunnel::onAccepted() {
  services_.worker.stats.add(stats_.downstream_cx_total);
  if (config_.max_connection_duration.has_value()) duration_timer_.arm(*config_.max_connection_duration);
  moved();
  const std::string& name = pickTarget(config_, server_name_, services_.worker.random);
  info_.upstream_cluster = name;
  cluster_ = services_.clusters.find(name);
  if (cluster_ == nullptr) {
    services_.worker.stats.add(stats_.downstream_cx_no_route);
    return fail(Reason::kNoCluster);
  }
  info_.upstream_metadata = cluster_->config().notes.get();
  startAttempt();
}

void TcpTunnel::startAttempt() {
  state_ = State::kOpening;
  ++info_.upstream_attempts;
  upstream::PickContext pick;
  if (host_) pick.attempted = std::span<const upstream::HostRef>(&host_, 1);
  std::optional<net::ClientAddresses> client;
  if (cluster_->config().tells_client) {
    pick.client = &client.emplace(
        net::ClientAddresses{info_.downstream_remote, info_.downstream_local, std::string(info_.proxy_tlvs)});
  }
  opening_ = cluster_->openStream(pick, *this);
}

void TcpTunnel::onStreamOpen(Opened opened) {
  stream_ = std::move(opened.stream);
  host_ = std::move(opened.host);
  info_.upstream_remote = host_->address;
  info_.upstream_local = opened.local;
  info_.upstream_transport = std::move(opened.transport);
  info_.upstream_host_name = host_->text;
  asked_ = services_.worker.dispatcher.now();
  stream_->setOwner(*this, arena_);
  stream_->send(Part::makeHead(makeRequest(), services_.worker.blocks));
  state_ = State::kAsked;
  wake();
}

http::Head& TcpTunnel::makeRequest() {
  const TcpTunnelRequest& tunnel = *config_.tunnel;
  auto* const head = arena_.make<http::Head>(arena_);
  std::string authority;
  tunnel.hostname->append(info_, authority);
  head->authority = arena_.copy(authority);
  head->method = tunnel.post ? "POST" : "CONNECT";
  if (tunnel.post) {
    head->scheme = "http";
    head->path = tunnel.post_path;
  }
  tunnel.headers.apply(*head, info_);
  return *head;
}

void TcpTunnel::onTransportFailed(std::shared_ptr<const net::TransportInfo> transport) {
  info_.upstream_transport = std::move(transport);
}

void TcpTunnel::onStreamFailed(Reason reason, upstream::HostRef host) {
  if (host) {
    info_.upstream_remote = host->address;
    info_.upstream_host_name = host->text;
  }
  host_ = std::move(host);
  const bool tried = reason == Reason::kConnectFailure || reason == Reason::kConnectTimeout;
  tried ? retryOrFail(reason) : fail(reason);
}

void TcpTunnel::retryOrFail(Reason reason) {
  stream_.reset();
  if (info_.upstream_attempts < config_.max_connect_attempts) {
    startAttempt();
  } else {
    fail(reason);
  }
}

void TcpTunnel::fail(Reason reason) {
  state_ = State::kOver;
  if (info_.reason == Reason::kNone) info_.reason = reason;
  downstream_.close(net::CloseReason::kLocal);
}

// A byte stream has no end of its own: see TcpProxy.
void TcpTunnel::drain() {
  if (state_ == State::kOpening || state_ == State::kAsked) fail(Reason::kDraining);
}

void TcpTunnel::onInput(buffer::Buffer&, bool end) {
  client_ended_ = client_ended_ || end;
  moveUp();
}

void TcpTunnel::onRoom() { wake(); }
void TcpTunnel::wakeStream() { wake(); }

void TcpTunnel::onWake() {
  while (stream_ != nullptr && state_ != State::kOver && !down_finished_) {
    if (state_ == State::kOpen && downstream_.room() == 0) break;
    std::optional<Part> part = stream_->receive();
    if (!part) break;
    take(*std::move(part));
  }
  moveUp();
  // Nobody takes the client's bytes any more.
  if (down_finished_ && !up_finished_ && stream_ != nullptr && stream_->lost() != Reason::kNone) {
    downstream_.closeAfterFlush(kLinger);
  }
}

void TcpTunnel::take(Part part) {
  switch (part.kind()) {
    case Part::Kind::kHead:
      if (!part.head().isInterim()) answered(part.head());
      return;
    case Part::Kind::kData:
      info_.upstream_bytes_received += part.data().size();
      downstream_.output().append(std::move(part.data()));
      downstream_.flush();
      return moved();
    case Part::Kind::kEnd:
      down_finished_ = true;
      downstream_.finishOutput();
      return moved();
    case Part::Kind::kFailed:
      services_.worker.stats.add(cluster_->stats().rq_rx_reset);
      if (state_ == State::kAsked) {
        recordOutcome(false, 0);
        return retryOrFail(Reason::kUpstreamReset);
      }
      state_ = State::kOver;
      info_.reason = Reason::kUpstreamReset;
      downstream_.close(net::CloseReason::kLocalReset);
  }
}

void TcpTunnel::answered(const http::Head& head) {
  const upstream::ClusterStats& stats = cluster_->stats();
  services_.worker.stats.add(stats.rq_completed);
  const size_t place = head.status / 100 - 1;
  if (place < stats.rq_status.size()) services_.worker.stats.add(stats.rq_status[place]);
  const bool agreed = head.status / 100 == 2;
  recordOutcome(head.status < 500, head.status);
  if (!agreed) return retryOrFail(Reason::kConnectFailure);
  state_ = State::kOpen;
}

void TcpTunnel::recordOutcome(bool good, uint16_t status) {
  const Outcome kind = good ? Outcome::kSuccess : status == 0 ? Outcome::kReset : Outcome::kError;
  cluster_->recordOutcome(host_, {kind, status, services_.worker.dispatcher.now() - asked_});
}

void TcpTunnel::moveUp() {
  if (state_ != State::kOpen || up_finished_) return;
  buffer::Buffer& input = downstream_.input();
  while (!input.empty()) {
    const size_t room = stream_->room();
    if (room == 0) return;
    buffer::Buffer data(services_.worker.blocks);
    data.moveFrom(input, std::min(input.size(), room));
    info_.upstream_bytes_sent += data.size();
    stream_->send(Part::makeData(std::move(data)));
    downstream_.consumed();
    moved();
  }
  if (!client_ended_) return;
  up_finished_ = true;
  stream_->send(Part::makeEnd(nullptr, services_.worker.blocks));
}

void TcpTunnel::moved() {
  if (config_.idle_timeout > absl::ZeroDuration()) idle_timer_.arm(config_.idle_timeout);
}

void TcpTunnel::onTimer(event::Timer& timer) {
  const bool idle = &timer == &idle_timer_;
  services_.worker.stats.add(idle ? stats_.idle_timeout : stats_.max_downstream_connection_duration);
  fail(idle ? Reason::kStreamIdleTimeout : Reason::kMaxStreamDuration);
}

void TcpTunnel::onClose(net::CloseReason) {
  unwake();
  opening_.cancel();
  idle_timer_.cancel();
  duration_timer_.cancel();
  state_ = State::kOver;
  stream_.reset();
  info_.bytes_received = downstream_.bytesRead();
  info_.bytes_sent = downstream_.bytesWritten();
  services_.worker.stats.add(stats_.downstream_cx_rx_bytes_total, info_.bytes_received);
  services_.worker.stats.add(stats_.downstream_cx_tx_bytes_total, info_.bytes_sent);
  info_.complete = services_.worker.dispatcher.now();
  for (const std::unique_ptr<filter::AccessLog>& log : config_.access_logs) log->log(info_, services_.worker);
}

}  // namespace weir::proxy
