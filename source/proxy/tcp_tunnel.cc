#include "source/proxy/tcp_tunnel.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace weir::proxy {
namespace {

using http::Part;
using http::Reason;
using Outcome = upstream::RequestOutcome::Kind;

}  // namespace

TcpTunnel::TcpTunnel(const TcpProxyConfig& config, const TcpProxyStats& stats, const Services& services,
                     net::Connection& downstream, const DownstreamInfo& info)
    : TcpSession(config, stats, services, downstream, info),
      Wakeable(services.worker.dispatcher),
      arena_(services.worker.chunks) {}

TcpTunnel::~TcpTunnel() = default;

void TcpTunnel::startAttempt() {
  state_ = State::kOpening;
  upstream::PickContext pick;
  std::optional<net::ClientAddresses> client;
  describeAttempt(pick, client);
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

void TcpTunnel::dropAndRetry(Reason reason) {
  stream_.reset();
  retryOrFail(reason);
}

// A byte stream has no end of its own: see TcpProxy.
void TcpTunnel::drain() {
  if (state_ != State::kOpen && !over_) fail(Reason::kDraining);
}

void TcpTunnel::onInput(buffer::Buffer&, bool end) {
  client_ended_ = client_ended_ || end;
  moveUp();
}

void TcpTunnel::onRoom() { wake(); }
void TcpTunnel::wakeStream() { wake(); }

void TcpTunnel::onWake() {
  while (stream_ != nullptr && !over_ && !down_finished_) {
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
        return dropAndRetry(Reason::kUpstreamReset);
      }
      over_ = true;
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
  if (!agreed) return dropAndRetry(Reason::kConnectFailure);
  state_ = State::kOpen;
}

void TcpTunnel::recordOutcome(bool good, uint16_t status) {
  const Outcome kind = good ? Outcome::kSuccess : status == 0 ? Outcome::kReset : Outcome::kError;
  cluster_->recordOutcome(host_, {kind, status, services_.worker.dispatcher.now() - asked_});
}

void TcpTunnel::moveUp() {
  if (state_ != State::kOpen || over_ || up_finished_) return;
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

void TcpTunnel::onClose(net::CloseReason) {
  unwake();
  opening_.cancel();
  over_ = true;
  stream_.reset();
  endAndLog();
}

}  // namespace weir::proxy
