#include "source/upstream/upstream_connection.h"

#include <algorithm>
#include <utility>

#include "source/base/check.h"
#include "source/http/h1/h1_codec.h"

namespace weir::upstream {
namespace {

net::Connection::Limits connectionLimits(const ClusterConfig& config) {
  // A head at its limit must fit, or it would never become complete.
  const size_t head = config.h1.limits.head_bytes + 1024;
  return {std::max(config.buffer_limit, head), config.buffer_limit};
}

uint64_t milliseconds(absl::Duration d) { return static_cast<uint64_t>(absl::ToInt64Milliseconds(d)); }

bool limited(absl::Duration d) { return d > absl::ZeroDuration() && d != absl::InfiniteDuration(); }

}  // namespace

ConnectionList::~ConnectionList() {
  while (first_ != nullptr) {
    UpstreamConnection* const connection = first_;
    remove(*connection);
    delete connection;
  }
}

void ConnectionList::pushFront(UpstreamConnection& connection) {
  remove(connection);
  connection.list_ = this;
  connection.previous_ = nullptr;
  connection.next_ = first_;
  (first_ != nullptr ? first_->previous_ : last_) = &connection;
  first_ = &connection;
  ++size_;
}

void ConnectionList::remove(UpstreamConnection& connection) {
  ConnectionList* const list = connection.list_;
  if (list == nullptr) return;
  (connection.previous_ != nullptr ? connection.previous_->next_ : list->first_) = connection.next_;
  (connection.next_ != nullptr ? connection.next_->previous_ : list->last_) = connection.previous_;
  connection.list_ = nullptr;
  connection.next_ = connection.previous_ = nullptr;
  --list->size_;
}

UpstreamConnection::BeforeFlush::BeforeFlush(UpstreamConnection& owner)
    : Wakeable(owner.home_.shard.worker.dispatcher, event::Phase::kFlush), owner_(owner) {}

void UpstreamConnection::BeforeFlush::onWake() {
  if (owner_.closed_) return;
  running_ = true;
  owner_.codec_->beforeFlush();
  running_ = false;
}

void UpstreamConnection::start(HostConnections& home, std::unique_ptr<net::Socket> socket) {
  home.connecting.pushFront(*new UpstreamConnection(home, std::move(socket)));  // the list owns it
}

UpstreamConnection::UpstreamConnection(HostConnections& home, std::unique_ptr<net::Socket> socket)
    : Wakeable(home.shard.worker.dispatcher),
      home_(home),
      idle_timer_(home.shard.worker.dispatcher, *this),
      duration_timer_(home.shard.worker.dispatcher, *this),
      connection_(home.shard.worker.dispatcher, home.shard.worker.blocks, std::move(socket),
                  connectionLimits(home.shard.config()), *this, home.shard.config().connect_timeout),
      before_flush_(*this),
      started_(home.shard.worker.dispatcher.now()) {
  const http::h1::H1Io io{connection_.input(), connection_.output(), config().buffer_limit, home_.shard.worker.chunks};
  codec_ =
      std::make_unique<http::h1::H1Codec>(http::Role::kClient, io, config().h1, static_cast<http::CodecOwner&>(*this));
  home_.shard.connectionOpened(home_.host);
}

UpstreamConnection::~UpstreamConnection() {
  CHECK(codec_->streams() == 0, "streams are released before their connection goes");
  if (stream_out_) countRequestEnd();
  countEnd();
}

http::StreamPtr UpstreamConnection::openStream(bool holds_retry) {
  CHECK(state_ == State::kIdle && codec_->canOpen(), "an HTTP/1 connection carries one stream at a time");
  state_ = State::kBusy;
  home_.busy.pushFront(*this);
  stream_out_ = true;
  holds_retry_ = holds_retry;
  ++requests_;
  const uint64_t limit = config().max_requests_per_connection;
  if (limit != 0 && requests_ == limit) {
    last_one_ = true;
    counts().add(stats().cx_max_requests);
  }
  HostCounters& host = home_.shard.counters[home_.host];
  counts().add(stats().rq_total);
  counts().gaugeAdd(stats().rq_active, 1);
  host.rq_total.add();
  host.rq_active.add();
  return codec_->open();
}

void UpstreamConnection::close() {
  if (state_ == State::kBusy) {
    last_one_ = true;
  } else {
    end(net::CloseReason::kLocal);
  }
}

void UpstreamConnection::onOpen() {
  if (state_ != State::kConnecting) return;
  counts().add(stats().cx_http1_total);
  counts().record(stats().cx_connect_ms, milliseconds(connection_.dispatcher().now() - started_));
  if (limited(config().max_connection_duration)) duration_timer_.arm(config().max_connection_duration);
  becomeIdle();
}

void UpstreamConnection::onInput(buffer::Buffer&, bool end_of_input) {
  if (state_ == State::kIdle) {
    // Nothing was asked for: what came belongs to no request, and must never be taken for an answer to the next one.
    end(net::CloseReason::kLocal);
    return;
  }
  if (state_ != State::kBusy) return;
  if (end_of_input) last_one_ = true;
  codec_->onInput(end_of_input);
}

void UpstreamConnection::onRoom() {
  if (state_ == State::kBusy) codec_->onRoom();
}

void UpstreamConnection::onClose(net::CloseReason reason) {
  closed_ = true;
  if (state_ == State::kConnecting) {
    const bool timeout = reason == net::CloseReason::kConnectTimeout;
    home_.shard.connectFailed(home_.host, timeout);
    ++home_.failures;
    home_.failure = timeout ? http::Reason::kConnectTimeout : http::Reason::kConnectFailure;
  } else if (stream_out_) {
    const bool remote = reason == net::CloseReason::kRemote || reason == net::CloseReason::kRemoteReset;
    if (remote) counts().add(stats().cx_destroy_remote_with_active_rq);
    codec_->onConnectionLost(http::Reason::kUpstreamReset);
  }
  state_ = State::kEnding;
  home_.ending.pushFront(*this);
  countBytes();
  countEnd();
  home_.changed.wake();
  wake();
}

void UpstreamConnection::onStream(http::StreamPtr) { CHECK(false, "a client's codec is asked for streams"); }

void UpstreamConnection::onOutput() {
  // Queued before the connection's own write, so that it runs before that.
  if (!before_flush_.running()) before_flush_.wake();
  connection_.flush();
}

void UpstreamConnection::onConsumed() { connection_.consumed(); }

void UpstreamConnection::onStreamEnd() { wake(); }

void UpstreamConnection::onTimer(event::Timer& timer) {
  if (&timer == &duration_timer_) {
    counts().add(stats().cx_max_duration_reached);
    close();
  } else if (state_ == State::kIdle) {
    counts().add(stats().cx_idle_timeout);
    end(net::CloseReason::kIdle);
  }
}

void UpstreamConnection::onWake() {
  if (codec_->streams() != 0) return;
  if (stream_out_) {
    countRequestEnd();
    countBytes();
    if (codec_->error() != http::Reason::kNone) counts().add(stats().cx_protocol_error);
  }
  if (closed_) {
    ConnectionList::remove(*this);
    connection_.dispatcher().deleteLater(std::unique_ptr<event::Deletable>(this));
  } else if (state_ == State::kBusy) {
    if (mayBeKept()) {
      becomeIdle();
    } else {
      end(net::CloseReason::kLocal);
    }
  }
}

bool UpstreamConnection::mayBeKept() const {
  return !last_one_ && !home_.shard.draining && connection_.open() && !connection_.inputEnded() && codec_->reusable() &&
         !codec_->finished();
}

void UpstreamConnection::becomeIdle() {
  state_ = State::kIdle;
  home_.idle.pushFront(*this);
  // Left armed while a stream is out: arming it again costs a store, and it is ignored when it comes up then.
  if (limited(config().idle_timeout)) idle_timer_.arm(config().idle_timeout);
  home_.changed.wake();
}

void UpstreamConnection::end(net::CloseReason reason) {
  if (state_ == State::kEnding) return;
  state_ = State::kEnding;
  home_.ending.pushFront(*this);
  connection_.close(reason);
}

void UpstreamConnection::countRequestEnd() {
  stream_out_ = false;
  home_.shard.giveRequest(home_.priority);
  if (std::exchange(holds_retry_, false)) home_.shard.giveRetry(home_.priority);
  --home_.shard.outstanding[home_.host];
  counts().gaugeAdd(stats().rq_active, -1);
  home_.shard.counters[home_.host].rq_active.add(-1);
}

void UpstreamConnection::countBytes() {
  counts().add(stats().cx_rx_bytes_total, connection_.bytesRead() - counted_read_);
  counts().add(stats().cx_tx_bytes_total, connection_.bytesWritten() - counted_written_);
  counted_read_ = connection_.bytesRead();
  counted_written_ = connection_.bytesWritten();
}

void UpstreamConnection::countEnd() {
  if (!counted_) return;
  counted_ = false;
  counts().record(stats().cx_length_ms, milliseconds(connection_.dispatcher().now() - started_));
  home_.shard.connectionGone(home_.host, home_.priority);
}

}  // namespace weir::upstream
