#include "source/upstream/upstream_connection.h"

#include <algorithm>
#include <utility>

#include "source/base/check.h"
#include "source/http/h1/h1_codec.h"
#include "source/http/h2/h2_codec.h"
#include "source/net/transport_info.h"

namespace weir::upstream {
namespace {

// How long the peer may take to let what is said about the end be written.
constexpr absl::Duration kLastWordsPatience = absl::Seconds(1);

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

const UpstreamConnection* ConnectionList::next(const UpstreamConnection& connection) { return connection.next_; }

void ConnectionList::remove(UpstreamConnection& connection) {
  ConnectionList* const list = connection.list_;
  if (list == nullptr) return;
  (connection.previous_ != nullptr ? connection.previous_->next_ : list->first_) = connection.next_;
  (connection.next_ != nullptr ? connection.next_->previous_ : list->last_) = connection.previous_;
  connection.list_ = nullptr;
  connection.next_ = connection.previous_ = nullptr;
  --list->size_;
}

HostConnections::HostConnections(ClusterShard& cluster, uint32_t index, Priority level, http::Version protocol,
                                 event::Wakeable& on_change)
    : shard(cluster),
      host(index),
      priority(level),
      version(protocol),
      changed(on_change),
      // Where it is negotiated, a host is taken to speak HTTP/2 until it shows that it does not.
      streams_each(protocol == http::Version::kHttp2 || cluster.config().protocol == Protocol::kNegotiated
                       ? cluster.config().h2.max_concurrent_streams
                       : 1) {}

UpstreamConnection::BeforeFlush::BeforeFlush(UpstreamConnection& owner)
    : Wakeable(owner.home_.shard.worker.dispatcher, event::Phase::kFlush), owner_(owner) {}

void UpstreamConnection::BeforeFlush::onWake() {
  if (owner_.closed_) return;
  running_ = true;
  owner_.codec_->beforeFlush();
  running_ = false;
  // The connection may have been woken, and have run, before this.
  if (!owner_.connection_.output().empty()) owner_.connection_.flush();
}

void UpstreamConnection::start(HostConnections& home, std::unique_ptr<net::Socket> socket) {
  home.connecting.pushFront(*new UpstreamConnection(home, std::move(socket)));  // the list owns it
}

void UpstreamConnection::resume(HostConnections& home, IdleShelf::Idle idle) {
  UpstreamConnection* const connection = new UpstreamConnection(home, std::move(idle));
  connection->makeCodec();
  connection->becomeIdle();  // the list owns it
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
  home_.shard.connectionOpened(home_.host);
}

UpstreamConnection::UpstreamConnection(HostConnections& home, IdleShelf::Idle idle)
    : Wakeable(home.shard.worker.dispatcher),
      home_(home),
      idle_timer_(home.shard.worker.dispatcher, *this),
      duration_timer_(home.shard.worker.dispatcher, *this),
      connection_(home.shard.worker.dispatcher, home.shard.worker.blocks, std::move(idle.socket),
                  connectionLimits(home.shard.config()), *this),
      before_flush_(*this),
      started_(idle.opened),
      requests_(idle.requests) {
  const absl::Duration most = config().max_connection_duration;
  if (limited(most)) duration_timer_.armAt(started_ + most);
}

UpstreamConnection::Multiplex::Multiplex(UpstreamConnection& owner)
    : patience(owner.connection_.dispatcher(), static_cast<event::TimerHandler&>(owner)) {
  if (!owner.config().h2_keepalive.has_value()) return;
  keepalive.emplace(*owner.config().h2_keepalive, owner.connection_.dispatcher(), owner.home_.shard.worker.random,
                    *owner.codec_, static_cast<http::KeepaliveOwner&>(owner));
}

UpstreamConnection::~UpstreamConnection() {
  CHECK(codec_ == nullptr || codec_->streams() == 0, "streams are released before their connection goes");
  countRequestEnds();
  countEnd();
}

bool UpstreamConnection::speaksHttp2() const {
  if (config().protocol != Protocol::kNegotiated) return home_.version == http::Version::kHttp2;
  const net::TransportInfo* const transport = connection_.transportInfo();
  return transport != nullptr && transport->alpn == "h2";
}

void UpstreamConnection::makeCodec() {
  const net::WorkerContext& worker = home_.shard.worker;
  http::CodecOwner& owner = *this;
  if (!speaksHttp2()) {
    home_.streams_each = 1;
    const http::h1::H1Io io{connection_.input(),
                            connection_.output(),
                            config().buffer_limit,
                            worker.chunks,
                            connection_.forwardsInKernel() ? &connection_.unseen() : nullptr,
                            requests_ > 0};
    codec_ = std::make_unique<http::h1::H1Codec>(http::Role::kClient, io, config().h1, owner);
    return;
  }
  const http::h2::H2Io io{connection_.input(), connection_.output(),  config().buffer_limit,
                          worker.chunks,       home_.shard.h2_memory, worker.dispatcher.turnTime()};
  codec_ = std::make_unique<http::h2::H2Codec>(http::Role::kClient, io, config().h2, owner);
  multiplex_ = std::make_unique<Multiplex>(*this);
}

std::shared_ptr<const net::TransportInfo> UpstreamConnection::transport() const {
  const net::TransportInfo* const info = connection_.transportInfo();
  return info == nullptr ? nullptr : info->shared_from_this();
}

http::StreamPtr UpstreamConnection::openStream() {
  CHECK(state_ == State::kIdle || state_ == State::kSharing, "a stream is opened on a connection that has room for it");
  if (multiplex_ != nullptr && multiplex_->keepalive.has_value()) multiplex_->keepalive->beforeStream();
  ++streams_out_;
  ++home_.streams;
  ++home_.shard.streams;
  ++requests_;
  const uint64_t limit = config().max_requests_per_connection;
  if (limit != 0 && requests_ == limit) {
    last_one_ = true;
    counts().add(stats().cx_max_requests);
  }
  HostCounters& host = home_.shard.counters(home_.host);
  counts().add(stats().rq_total);
  counts().gaugeAdd(stats().rq_active, 1);
  host.rq_total.add();
  host.rq_active.add();
  http::StreamPtr stream = codec_->open();
  if (multiplex_ != nullptr) counts().gaugeAdd(stats().http2.streams_active, 1);
  if (multiplex_ != nullptr && canServe()) {
    moveTo(State::kSharing, home_.sharing);
  } else {
    moveTo(State::kBusy, home_.busy);
  }
  return stream;
}

// HTTP/2: whether another stream may be opened now. Until the peer has said how many it takes, it is trusted to take
// as many as the host took before.
bool UpstreamConnection::canServe() const {
  if (last_one_ || !connection_.open() || codec_->availableStreams() == 0) return false;
  return multiplex_->heard || codec_->streams() < home_.streams_each;
}

size_t UpstreamConnection::freeStreams() const {
  if (multiplex_ == nullptr) return state_ == State::kIdle ? 1 : 0;
  if (!canServe()) return 0;
  return multiplex_->heard ? codec_->availableStreams() : home_.streams_each - codec_->streams();
}

void UpstreamConnection::moveTo(State state, ConnectionList& list) {
  if (state_ == state) return;
  state_ = state;
  list.pushFront(*this);
}

void UpstreamConnection::withdraw() {
  moveTo(State::kBusy, home_.busy);
  wake();
}

// HTTP/2: the list that fits what it can do now.
void UpstreamConnection::place() {
  const size_t free = codec_->availableStreams();
  if (multiplex_->heard && free > 0) {
    home_.streams_each = std::min<size_t>(codec_->streams() + free, config().h2.max_concurrent_streams);
  }
  if (!canServe()) {
    moveTo(State::kBusy, home_.busy);
  } else if (codec_->streams() == 0) {
    if (state_ != State::kIdle) becomeIdle();
  } else if (state_ != State::kSharing) {
    moveTo(State::kSharing, home_.sharing);
    home_.changed.wake();
  }
}

void UpstreamConnection::close() {
  if (state_ == State::kConnecting || state_ == State::kIdle) {
    end(net::CloseReason::kLocal);
  } else if (active()) {
    last_one_ = true;
    withdraw();
  }
}

void UpstreamConnection::onOpen() {
  if (state_ != State::kConnecting) return;
  makeCodec();
  counts().add(multiplex_ == nullptr ? stats().cx_http1_total : stats().cx_http2_total);
  counts().record(stats().cx_connect_ms, milliseconds(connection_.dispatcher().now() - started_));
  if (limited(config().max_connection_duration)) duration_timer_.arm(config().max_connection_duration);
  becomeIdle();
}

void UpstreamConnection::onInput(buffer::Buffer&, bool end_of_input) {
  if (multiplex_ != nullptr) return onFrames(end_of_input);
  if (state_ == State::kIdle) {
    // Nothing was asked for: what came belongs to no request, and must never be taken for an answer to the next one.
    end(net::CloseReason::kLocal);
    return;
  }
  if (state_ != State::kBusy) return;
  if (end_of_input) last_one_ = true;
  codec_->onInput(end_of_input);
}

void UpstreamConnection::onFrames(bool end_of_input) {
  if (!active()) return;
  if (end_of_input) last_one_ = true;
  multiplex_->heard = true;
  if (multiplex_->keepalive.has_value()) multiplex_->keepalive->onReceived();
  codec_->onInput(end_of_input);
  place();
  if (end_of_input || codec_->finished()) wake();
}

void UpstreamConnection::onRoom() {
  if (active()) codec_->onRoom();
}

void UpstreamConnection::onClose(net::CloseReason reason) {
  closed_ = true;
  if (state_ == State::kConnecting) {
    const bool timeout = reason == net::CloseReason::kConnectTimeout;
    home_.shard.connectFailed(home_.host, timeout);
    ++home_.failures;
    home_.failure = timeout ? http::Reason::kConnectTimeout : http::Reason::kConnectFailure;
    home_.failed_transport = transport();
  } else if (streams_out_ > 0) {
    const bool remote = reason == net::CloseReason::kRemote || reason == net::CloseReason::kRemoteReset;
    if (remote) counts().add(stats().cx_destroy_remote_with_active_rq);
    codec_->onConnectionLost(http::Reason::kUpstreamReset);
  }
  moveTo(State::kEnding, home_.ending);
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
  // A client's half of a tunnel has ended; that of the host goes on.
  if (multiplex_ == nullptr && streams_out_ > 0 && codec_->finished() && codec_->error() == http::Reason::kNone) {
    connection_.finishOutput();
  }
}

void UpstreamConnection::onConsumed() { connection_.consumed(); }

void UpstreamConnection::onStreamEnd() { wake(); }

void UpstreamConnection::onPeerDead() {
  counts().add(stats().http2.keepalive_timeout);
  end(net::CloseReason::kLocalReset);
}

void UpstreamConnection::onTimer(event::Timer& timer) {
  if (multiplex_ != nullptr && &timer == &multiplex_->patience) {
    if (!closed_) connection_.close(net::CloseReason::kLocalReset);
  } else if (&timer == &duration_timer_) {
    counts().add(stats().cx_max_duration_reached);
    close();
  } else if (state_ == State::kIdle) {
    onIdleTimer();
  }
}

void UpstreamConnection::onWake() {
  countRequestEnds();
  if (codec_ != nullptr) countError();
  if (closed_) {
    if (streams_out_ > 0) return;
    ConnectionList::remove(*this);
    // Gives its memory back while there is somebody to take it.
    multiplex_.reset();
    codec_.reset();
    home_.shard.released(home_.host);
    connection_.dispatcher().deleteLater(std::unique_ptr<event::Deletable>(this));
    return;
  }
  if (!active()) return;
  if (multiplex_ == nullptr) {
    if (streams_out_ > 0 || state_ != State::kBusy) return;
    if (mayBeKept()) {
      becomeIdle();
    } else {
      end(net::CloseReason::kLocal);
    }
    return;
  }
  if (codec_->error() != http::Reason::kNone || (streams_out_ == 0 && !mayBeKept())) return endAfterFlush();
  place();
}

bool UpstreamConnection::mayBeKept() const {
  if (last_one_ || home_.shard.retiring(home_.host) || !connection_.open() || connection_.inputEnded()) return false;
  return !codec_->finished() && (multiplex_ != nullptr || codec_->reusable());
}

void UpstreamConnection::becomeIdle() {
  moveTo(State::kIdle, home_.idle);
  // Left armed while a stream is out: arming it again costs a store, and it is ignored when it comes up then.
  kept_ = !goesToShelf();
  if (!kept_) {
    idle_timer_.arm(ShelfKeeper::kShareAfter);
  } else if (limited(config().idle_timeout)) {
    idle_timer_.arm(config().idle_timeout);
  }
  if (home_.awaited || home_.shard.retiring(home_.host)) home_.changed.wake();
}

// Once it has been idle for a while; whether others have a use for it is asked then.
bool UpstreamConnection::goesToShelf() const {
  const bool plain = config().transportOf(home_.shard.host(home_.host)) == nullptr;
  if (multiplex_ != nullptr || !plain) return false;
  return !limited(config().idle_timeout) || config().idle_timeout > ShelfKeeper::kShareAfter;
}

void UpstreamConnection::onIdleTimer() {
  if (!kept_) {
    if (leaveToOthers()) return;
    kept_ = true;
    if (limited(config().idle_timeout)) idle_timer_.arm(config().idle_timeout - ShelfKeeper::kShareAfter);
    return;
  }
  counts().add(stats().cx_idle_timeout);
  end(net::CloseReason::kIdle);
}

bool UpstreamConnection::leaveToOthers() {
  ShelfKeeper& shelf = home_.shard.shelf;
  if (requests_ == 0 || !shelf.shares() || !mayBeKept()) return false;
  std::unique_ptr<net::Socket> socket = connection_.releaseSocket();
  if (socket == nullptr) return false;
  countBytes();
  counted_ = false;  // the permit goes along
  closed_ = true;
  const absl::Duration rest =
      limited(config().idle_timeout) ? config().idle_timeout - ShelfKeeper::kShareAfter : absl::InfiniteDuration();
  shelf.put(home_.host, home_.priority, std::move(socket), started_, connection_.dispatcher().now() + rest, requests_);
  moveTo(State::kEnding, home_.ending);
  wake();
  return true;
}

void UpstreamConnection::end(net::CloseReason reason) {
  if (state_ == State::kEnding) return;
  moveTo(State::kEnding, home_.ending);
  connection_.close(reason);
}

// HTTP/2: what weir has to say about the end is still written.
void UpstreamConnection::endAfterFlush() {
  if (codec_->error() == http::Reason::kNone && codec_->finished() && !connection_.inputEnded()) {
    counts().add(stats().cx_close_notify);
  }
  moveTo(State::kEnding, home_.ending);
  multiplex_->keepalive.reset();
  multiplex_->patience.arm(kLastWordsPatience);
  before_flush_.wake();  // before the connection's own write
  connection_.closeAfterFlush(absl::ZeroDuration());
}

void UpstreamConnection::countRequestEnds() {
  if (streams_out_ == 0) return;
  for (const size_t live = codec_->streams(); streams_out_ > live; --streams_out_) {
    --home_.streams;
    --home_.shard.streams;
    home_.shard.giveRequest(home_.priority);
    home_.shard.end(home_.host);
    counts().gaugeAdd(stats().rq_active, -1);
    home_.shard.counters(home_.host).rq_active.add(-1);
    if (multiplex_ != nullptr) counts().gaugeAdd(stats().http2.streams_active, -1);
  }
  countBytes();
}

void UpstreamConnection::countError() {
  const http::Reason error = codec_->error();
  if (error == http::Reason::kNone || std::exchange(error_counted_, true)) return;
  counts().add(stats().cx_protocol_error);
  if (multiplex_ != nullptr) counts().add(stats().http2.errors.of(error));
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
