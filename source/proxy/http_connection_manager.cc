// The codec, the exchanges and the end of a connection; its deadlines are in connection_deadlines.cc.
#include "source/proxy/http_connection_manager.h"

#include <new>
#include <utility>

#include "source/http/h2/preface.h"
#include "source/net/transport_info.h"

namespace weir::proxy {

using http::Reason;

HttpConnectionManager::HttpConnectionManager(const HttpConnectionManagerConfig& config, const Services& services,
                                             net::Connection& connection, const DownstreamInfo& info)
    : net::ReadWake(services.worker.dispatcher),
      net::WriteWake(services.worker.dispatcher),
      config_(config),
      services_(services),
      connection_(connection),
      info_(info),
      timer_(services.worker.dispatcher, *this),
      opened_(now()),
      idle_since_(opened_),
      head_since_(opened_),
      armed_until_(kNever),
      drain_at_(kNever),
      flush_check_at_(kNever) {}

HttpConnectionManager::~HttpConnectionManager() {
  if (!closed_) onClose(net::CloseReason::kLocalReset);
  dropHttp1();
}

void HttpConnectionManager::operator delete(HttpConnectionManager* self, std::destroying_delete_t) {
  SizedPool& pool = self->services_.exchanges.managers;
  self->~HttpConnectionManager();
  pool.give(self);
}

void HttpConnectionManager::onAccepted() {
  shard().add(config_.stats.cx_total);
  shard().gaugeAdd(config_.stats.cx_active, 1);
  scheduleTimer();
}

// Nothing is in the connection either, or its owner would not ask.
std::optional<SessionRest> HttpConnectionManager::rest() const {
  const bool ending = draining_ || over_ || closing_ || closed_ || client_finished_ || error_noted_;
  if (ending || !speaks_http1_ || codec_ != nullptr || first_ != nullptr || head_pending_) return std::nullopt;
  if (drain_at_ != kNever || too_old_ || flush_check_at_ != kNever || !states_.empty()) return std::nullopt;
  return SessionRest{idle_since_, nearestDeadline(), requests_};
}

void HttpConnectionManager::resume(const SessionRest& rest, base::MonotonicTime opened) {
  opened_ = opened;
  idle_since_ = rest.idle_since;
  requests_ = rest.requests;
  speaks_http1_ = true;
  scheduleTimer();
}

// --- input

void HttpConnectionManager::onInput(buffer::Buffer&, bool end) {
  if (closing_) return;
  if (Http2* const h2 = http2(); h2 != nullptr && h2->keepalive) h2->keepalive->onReceived();
  runCodec(end);
}

// False while the first bytes may still become either protocol.
bool HttpConnectionManager::chooseCodec(bool end) {
  if (codec_ != nullptr) return true;
  if (connection_.input().empty()) {
    over_ = over_ || end;
    return false;
  }
  if (speaks_http1_) {
    makeHttp1();
    return true;
  }
  const net::TransportInfo* const transport = connection_.transportInfo();
  if (config_.protocol == DownstreamProtocol::kAuto && transport != nullptr && !transport->alpn.empty()) {
    // What was agreed on in the handshake holds, whatever the first bytes are.
    transport->alpn == "h2" ? makeHttp2() : makeHttp1();
  } else if (config_.protocol == DownstreamProtocol::kAuto) {
    const http::h2::PrefaceMatch match = http::h2::matchPreface(connection_.input());
    if (match == http::h2::PrefaceMatch::kMoreNeeded && !end) return false;
    match == http::h2::PrefaceMatch::kYes ? makeHttp2() : makeHttp1();
  } else {
    config_.protocol == DownstreamProtocol::kHttp2 ? makeHttp2() : makeHttp1();
  }
  return true;
}

void HttpConnectionManager::makeHttp1() {
  // What is still to be written of the last response counts, but is no limit.
  const size_t write_limit = connection_.room() + connection_.output().size();
  const http::h1::H1Io io{connection_.input(), connection_.output(), write_limit, services_.worker.chunks,
                          connection_.forwardsInKernel() ? &connection_.unseen() : nullptr};
  http::CodecOwner& owner = *this;
  void* const memory = services_.exchanges.h1_codecs.take(sizeof(http::h1::H1Codec));
  codec_ = http1_ = new (memory) http::h1::H1Codec(http::Role::kServer, io, config_.h1, owner);
  if (std::exchange(speaks_http1_, true)) return;
  shard().add(config_.stats.cx_http1_total);
  shard().gaugeAdd(config_.stats.cx_http1_active, 1);
}

void HttpConnectionManager::dropHttp1() {
  if (http1_ == nullptr) return;
  http1_->~H1Codec();
  services_.exchanges.h1_codecs.give(std::exchange(http1_, nullptr));
  codec_ = nullptr;
}

// What the next request needs to know is in the connection and in this object.
void HttpConnectionManager::dropIdleCodec() {
  if (http1_ == nullptr || first_ != nullptr || closing_ || draining_ || client_finished_) return;
  if (!connection_.input().empty() || http1_->headPending()) return;
  if (http1_->finished() || http1_->error() != Reason::kNone) return;
  dropHttp1();
}

void HttpConnectionManager::makeHttp2() {
  const http::h2::H2Io io{
      connection_.input(),     connection_.output(),          connection_.room(),
      services_.worker.chunks, services_.exchanges.h2_memory, services_.worker.dispatcher.turnTime()};
  http2_.reset(new Http2{http::h2::H2Codec(http::Role::kServer, io, config_.h2, *this), std::nullopt, kNever});
  Http2& h2 = *http2_;
  codec_ = &h2.codec;
  if (config_.h2_keepalive) {
    h2.keepalive.emplace(*config_.h2_keepalive, services_.worker.dispatcher, services_.worker.random, h2.codec,
                         static_cast<http::KeepaliveOwner&>(*this));
  }
  shard().add(config_.stats.cx_http2_total);
  shard().gaugeAdd(config_.stats.cx_http2_active, 1);
}

void HttpConnectionManager::runCodec(bool end) {
  bool pending = false;
  if (chooseCodec(end)) {
    codec_->onInput(end);
    pending = codec_->headPending();
  } else {
    pending = !connection_.input().empty();
  }
  if (pending && !head_pending_) head_since_ = now();
  head_pending_ = pending;
  if (end && !std::exchange(client_finished_, true)) {
    for (Exchange* at = first_; at != nullptr; at = at->next) at->onClientFinished();
  }
  // Nothing of what is going on can reach the client any more.
  if (http2() != nullptr && codec_->error() != Reason::kNone) {
    noteError();
    endAll(codec_->error());
  }
  closeWhenFinished();
  scheduleTimer();
  dropIdleCodec();
}

void HttpConnectionManager::onStream(http::StreamPtr stream) {
  ++requests_;
  if (requests_ == config_.max_requests_per_connection) {
    shard().add(config_.stats.cx_max_requests_reached);
    drainCodec();
  }
  void* const memory = services_.exchanges.take(sizeof(Exchange));
  auto* const exchange =
      new (memory) Exchange(config_, services_, info_, connection_.transportInfo(), std::move(stream), *this);
  exchange->next = first_;
  if (first_ != nullptr) first_->previous = exchange;
  first_ = exchange;
  if (http2() != nullptr) shard().gaugeAdd(config_.stats.http2.streams_active, 1);
  if (client_finished_) exchange->onClientFinished();
}

// HTTP/2: the stream was reset; the connection goes on.
void HttpConnectionManager::onRefused(Reason reason) {
  const bool too_large = reason == Reason::kHeadersTooLarge || reason == Reason::kTooManyHeaders;
  shard().add(too_large ? config_.stats.http2.header_overflow : config_.stats.http2.rx_messaging_error);
  shard().add(config_.stats.http2.tx_reset);
  shard().add(config_.stats.rq_http2_total);
  shard().add(config_.stats.rq_tx_reset);
  logWithoutExchange(reason, 0);
}

void HttpConnectionManager::onStreamEnd() { net::ReadWake::wake(); }

void HttpConnectionManager::onReadPhase() {
  if (closed_ || closing_) return;
  // Not what the connection says: a network filter may still hold the end back.
  runCodec(client_finished_);
  connection_.consumed();
}

// --- output

// The wake comes before that of the connection, so that held back framing goes out with this turn's write.
void HttpConnectionManager::onOutput() {
  net::WriteWake::wake();
  connection_.flush();
}

void HttpConnectionManager::onWritePhase() {
  if (closed_ || codec_ == nullptr) return;
  codec_->beforeFlush();
  // The connection may have been woken, and have run, before this.
  if (!connection_.output().empty()) connection_.flush();
}

void HttpConnectionManager::onRoom() {
  if (codec_ == nullptr) return;
  codec_->onRoom();
  closeWhenFinished();
}

void HttpConnectionManager::closeWhenFinished() {
  if (closing_ || closed_ || first_ != nullptr || !finished()) return;
  if (http2() != nullptr) {
    codec_->beforeFlush();
    // There may be more to say; onRoom() comes, or the deadline for it.
    if (connection_.room() == 0) return;
  }
  closing_ = true;
  if (codec_ != nullptr && codec_->error() != Reason::kNone) noteError();
  connection_.flush();
  connection_.closeAfterFlush(config_.delayed_close_timeout);
}

// --- exchanges

void HttpConnectionManager::onExchangeOver(Exchange& exchange) {
  if (exchange.previous != nullptr) exchange.previous->next = exchange.next;
  if (exchange.next != nullptr) exchange.next->previous = exchange.previous;
  if (first_ == &exchange) first_ = exchange.next;
  if (http2() != nullptr) {
    shard().gaugeAdd(config_.stats.http2.streams_active, -1);
  } else if (codec_->error() != Reason::kNone && !std::exchange(error_noted_, true)) {
    // What the codec found wrong by now, it found in this exchange, which has logged it.
    shard().add(config_.stats.cx_protocol_error);
  }
  exchange.~Exchange();
  services_.exchanges.give(&exchange);
  idle_since_ = now();
}

void HttpConnectionManager::endAll(Reason reason) {
  while (first_ != nullptr) {
    Exchange& exchange = *first_;
    exchange.abandon(reason);
    onExchangeOver(exchange);
  }
}

std::string_view HttpConnectionManager::clientCertificate() {
  if (client_certificate_ == nullptr) {
    client_certificate_ =
        std::make_unique<const std::string>(clientCertificateElement(config_.client_certificate, connection_));
  }
  return *client_certificate_;
}

void HttpConnectionManager::beforeResponseHead() {
  if (services_.draining || drain_at_ != kNever || too_old_) startDraining();
}

// --- the end

void HttpConnectionManager::startDraining() {
  if (std::exchange(draining_, true)) return;
  shard().add(config_.stats.cx_drain_close);
  drainCodec();
}

void HttpConnectionManager::drainCodec() {
  if (codec_ == nullptr) {
    over_ = true;
    return;
  }
  Http2* const h2 = http2();
  if (h2 != nullptr) {
    if (std::exchange(h2->announced, true)) return;
    shard().add(config_.stats.http2.goaway_sent);
    h2->last_goaway_at = now() + config_.drain_timeout;
    // A deadline came nearer; the timer looks at it when what is going on here is done.
    net::ReadWake::wake();
  }
  codec_->drain();
}

void HttpConnectionManager::drain() {
  if (closed_) return;
  startDraining();
  closeWhenFinished();
}

void HttpConnectionManager::onPeerDead() {
  shard().add(config_.stats.http2.keepalive_timeout);
  endAll(Reason::kClientGone);
  connection_.close(net::CloseReason::kLocalReset);
}

// An error of the connection that no exchange has logged.
void HttpConnectionManager::noteError() {
  if (std::exchange(error_noted_, true)) return;
  const Reason reason = codec_->error();
  if (reason != Reason::kRequestHeaderTimeout) shard().add(config_.stats.cx_protocol_error);
  if (http2() == nullptr) {
    // A request that never became a stream: the codec has answered it.
    logWithoutExchange(reason, http::reasonInfo(reason).status);
    return;
  }
  if (reason != Reason::kRequestHeaderTimeout) shard().add(config_.stats.http2.errors.of(reason));
  if (!std::exchange(http2()->announced, true)) shard().add(config_.stats.http2.goaway_sent);
}

void HttpConnectionManager::logWithoutExchange(Reason reason, uint16_t status) {
  filter::StreamInfo info;
  info.start = now();
  info.start_wall = services_.worker.dispatcher.wallNow();
  info.complete = now();
  info.protocol = codec_->version();
  info.connection_id = info_.connection_id;
  info.listener = config_.listener.get();
  info.downstream_local = info_.local;
  info.downstream_direct_remote = info.downstream_remote = info_.remote;
  info.downstream_transport = connection_.transportInfo();
  info.requested_server_name = info_.server_name;
  info.fingerprints = info_.fingerprints.get();
  info.reason = reason;
  info.status = status;
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
  if (codec_ != nullptr) {
    codec_->onConnectionLost(why);
    endAll(why);
    if (http2() != nullptr) http2()->keepalive.reset();
  }
  if (speaks_http1_) shard().gaugeAdd(config_.stats.cx_http1_active, -1);
  if (http2() != nullptr) shard().gaugeAdd(config_.stats.cx_http2_active, -1);
  shard().add(config_.stats.cx_destroy);
  shard().gaugeAdd(config_.stats.cx_active, -1);
  shard().add(config_.stats.cx_rx_bytes_total, connection_.bytesRead());
  shard().add(config_.stats.cx_tx_bytes_total, connection_.bytesWritten());
  shard().record(config_.stats.cx_length_ms, static_cast<uint64_t>(base::millisecondsBetween(opened_, now())));
}

std::unique_ptr<TerminalSession> HttpConnectionManagerFactory::create(const Services& services,
                                                                      net::Connection& connection,
                                                                      const DownstreamInfo& info) const {
  return std::unique_ptr<TerminalSession>(new (services.exchanges.managers)
                                              HttpConnectionManager(*config_, services, connection, info));
}

std::unique_ptr<TerminalSession> HttpConnectionManagerFactory::resume(const Services& services,
                                                                      net::Connection& connection,
                                                                      const DownstreamInfo& info,
                                                                      const SessionRest& rest,
                                                                      base::MonotonicTime opened) const {
  std::unique_ptr<HttpConnectionManager> session(new (services.exchanges.managers)
                                                     HttpConnectionManager(*config_, services, connection, info));
  session->resume(rest, opened);
  return session;
}

}  // namespace weir::proxy
