#include "source/proxy/http_connection_manager.h"

#include <algorithm>
#include <limits>
#include <new>
#include <utility>

#include "source/proxy/exchange_pool.h"

namespace weir::proxy {
namespace {

using http::Reason;

constexpr base::MonotonicTime kNever{std::numeric_limits<int64_t>::max()};

}  // namespace

HttpConnectionManager::HttpConnectionManager(const HttpConnectionManagerConfig& config, const Services& services,
                                             net::Connection& connection, const DownstreamInfo& info)
    : net::ReadWake(services.worker.dispatcher),
      net::WriteWake(services.worker.dispatcher),
      config_(config),
      services_(services),
      connection_(connection),
      info_(info),
      codec_(http::Role::kServer, {connection.input(), connection.output(), connection.room(), services.worker.chunks},
             config.h1, *this),
      timer_(services.worker.dispatcher, *this),
      opened_(now()),
      idle_since_(opened_),
      head_since_(opened_),
      armed_until_(kNever),
      drain_at_(kNever) {}

HttpConnectionManager::~HttpConnectionManager() {
  if (!closed_) onClose(net::CloseReason::kLocalReset);
}

void HttpConnectionManager::onAccepted() {
  shard().add(config_.stats.cx_total);
  shard().add(config_.stats.cx_http1_total);
  shard().gaugeAdd(config_.stats.cx_active, 1);
  scheduleTimer();
}

void HttpConnectionManager::onInput(buffer::Buffer&, bool end) {
  if (!closing_) runCodec(end);
}

void HttpConnectionManager::onRoom() { codec_.onRoom(); }

void HttpConnectionManager::runCodec(bool end) {
  codec_.onInput(end);
  const bool pending = codec_.headPending();
  if (pending && !head_pending_) head_since_ = now();
  head_pending_ = pending;
  closeWhenFinished();
  if (!closing_) scheduleTimer();
}

void HttpConnectionManager::closeWhenFinished() {
  if (closing_ || closed_ || first_ != nullptr || !codec_.finished()) return;
  closing_ = true;
  timer_.cancel();
  if (codec_.error() != Reason::kNone) noteError();
  connection_.flush();
  connection_.closeAfterFlush(config_.delayed_close_timeout);
}

void HttpConnectionManager::onStream(http::StreamPtr stream) {
  ++requests_;
  if (requests_ == config_.max_requests_per_connection) {
    shard().add(config_.stats.cx_max_requests_reached);
    codec_.drain();
  }
  void* const memory = services_.exchanges.take(sizeof(Exchange));
  auto* const exchange = new (memory) Exchange(config_, services_, info_, std::move(stream), *this);
  exchange->next = first_;
  if (first_ != nullptr) first_->previous = exchange;
  first_ = exchange;
}

// The wake comes before that of the connection, so that held back framing goes out with this turn's write.
void HttpConnectionManager::onOutput() {
  net::WriteWake::wake();
  connection_.flush();
}

void HttpConnectionManager::onWritePhase() {
  if (!closed_) codec_.beforeFlush();
}

void HttpConnectionManager::onStreamEnd() { net::ReadWake::wake(); }

void HttpConnectionManager::onReadPhase() {
  if (!closed_ && !closing_) runCodec(connection_.inputEnded());
}

void HttpConnectionManager::onExchangeOver(Exchange& exchange) {
  if (exchange.previous != nullptr) exchange.previous->next = exchange.next;
  if (exchange.next != nullptr) exchange.next->previous = exchange.previous;
  if (first_ == &exchange) first_ = exchange.next;
  // What the codec found wrong by now, it found in this exchange, which has logged it.
  if (codec_.error() != Reason::kNone && !std::exchange(error_noted_, true)) {
    shard().add(config_.stats.cx_protocol_error);
  }
  exchange.~Exchange();
  services_.exchanges.give(&exchange);
  idle_since_ = now();
}

void HttpConnectionManager::beforeResponseHead() {
  if (services_.draining || drain_at_ != kNever) startDraining();
}

void HttpConnectionManager::startDraining() {
  if (std::exchange(draining_, true)) return;
  shard().add(config_.stats.cx_drain_close);
  codec_.drain();
}

void HttpConnectionManager::drain() {
  if (closed_) return;
  startDraining();
  closeWhenFinished();
}

// A request that never became a stream: the codec has answered it.
void HttpConnectionManager::noteError() {
  if (std::exchange(error_noted_, true)) return;
  const Reason reason = codec_.error();
  filter::StreamInfo info;
  info.start = now();
  info.start_wall = services_.worker.dispatcher.wallNow();
  info.complete = now();
  info.protocol = codec_.version();
  info.connection_id = info_.connection_id;
  info.downstream_local = info_.local;
  info.downstream_direct_remote = info.downstream_remote = info_.remote;
  info.reason = reason;
  info.status = http::reasonInfo(reason).status;
  if (reason != Reason::kRequestHeaderTimeout) shard().add(config_.stats.cx_protocol_error);
  shard().add(config_.stats.rq_total);
  shard().add(config_.stats.rq_completed);
  if (info.status != 0) shard().add(config_.stats.rq_status[info.status / 100 - 1]);
  for (const std::unique_ptr<filter::AccessLog>& log : config_.access_logs) log->log(info, services_.worker);
}

void HttpConnectionManager::onClose(net::CloseReason reason) {
  if (std::exchange(closed_, true)) return;
  timer_.cancel();
  if (first_ != nullptr) shard().add(config_.stats.cx_destroy_with_active_rq);
  const bool ours = reason == net::CloseReason::kLocal || reason == net::CloseReason::kLocalReset;
  const Reason why = ours ? Reason::kDraining : Reason::kClientGone;
  codec_.onConnectionLost(why);
  endAll(why);
  shard().add(config_.stats.cx_destroy);
  shard().gaugeAdd(config_.stats.cx_active, -1);
  shard().add(config_.stats.cx_rx_bytes_total, connection_.bytesRead());
  shard().add(config_.stats.cx_tx_bytes_total, connection_.bytesWritten());
  shard().record(config_.stats.cx_length_ms, static_cast<uint64_t>(absl::ToInt64Milliseconds(now() - opened_)));
}

void HttpConnectionManager::endAll(Reason reason) {
  while (first_ != nullptr) {
    Exchange& exchange = *first_;
    exchange.abandon(reason);
    onExchangeOver(exchange);
  }
}

base::MonotonicTime HttpConnectionManager::nearestDeadline() const {
  base::MonotonicTime nearest = drain_at_;
  if (nearest == kNever) nearest = opened_ + orNever(config_.max_connection_duration);
  if (draining_) nearest = kNever;
  if (head_pending_) return std::min(nearest, head_since_ + orNever(config_.request_headers_timeout));
  if (first_ == nullptr) return std::min(nearest, idle_since_ + orNever(config_.idle_timeout));
  return nearest;
}

void HttpConnectionManager::scheduleTimer() {
  const base::MonotonicTime nearest = nearestDeadline();
  if (nearest >= armed_until_) return;
  armed_until_ = nearest;
  timer_.arm(nearest - now());
}

void HttpConnectionManager::onTimer(event::Timer&) {
  armed_until_ = kNever;
  const base::MonotonicTime at = now();
  if (head_pending_ && head_since_ + orNever(config_.request_headers_timeout) <= at) {
    shard().add(config_.stats.rq_header_timeout);
    codec_.refuse(Reason::kRequestHeaderTimeout);
  } else if (first_ == nullptr && !head_pending_ && idle_since_ + orNever(config_.idle_timeout) <= at) {
    shard().add(config_.stats.cx_idle_timeout);
    startDraining();
  } else if (drain_at_ <= at) {
    startDraining();
  } else if (!draining_ && drain_at_ == kNever && opened_ + orNever(config_.max_connection_duration) <= at) {
    shard().add(config_.stats.cx_max_duration_reached);
    // The next response says that the connection closes; a client that sends nothing is not waited for for ever.
    drain_at_ = at + config_.drain_timeout;
  }
  closeWhenFinished();
  if (!closing_) scheduleTimer();
}

std::unique_ptr<TerminalSession> HttpConnectionManagerFactory::create(const Services& services,
                                                                      net::Connection& connection,
                                                                      const DownstreamInfo& info) const {
  return std::make_unique<HttpConnectionManager>(*config_, services, connection, info);
}

}  // namespace weir::proxy
