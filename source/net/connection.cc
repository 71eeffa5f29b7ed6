#include "source/net/connection.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "source/base/check.h"

// States, as the session sees them:
//
//   kConnecting --onOpen--> kOpen --closeAfterFlush--> kClosing --(output written, peer done or lingered)--> kClosed
//        |                    |                            |
//        +--------------------+----------------------------+--- close(), failure, timeout ---------------> kClosed
//
// close_wanted_ stands between the decision and kClosed: onClose comes from the loop, never from inside a call.

namespace weir::net {
namespace {

constexpr size_t kMaxIovecs = 64;

// When a reset follows data within one poll, epoll's error flag arrives as plain "readable and writable": libevent
// drops the hang-up next to it. A short read would then be the last thing heard of the connection. So a connection
// that has been quiet this long after such an edge reads once more; a busy one never pays for it.
constexpr absl::Duration kVerifyAfter = absl::Milliseconds(200);

bool isForever(absl::Duration d) { return d <= absl::ZeroDuration() || d == absl::InfiniteDuration(); }

}  // namespace

std::string_view closeReasonName(CloseReason reason) {
  switch (reason) {
    case CloseReason::kLocal:
      return "local";
    case CloseReason::kLocalReset:
      return "local_reset";
    case CloseReason::kRemote:
      return "remote";
    case CloseReason::kRemoteReset:
      return "remote_reset";
    case CloseReason::kConnectFailed:
      return "connect_failed";
    case CloseReason::kConnectTimeout:
      return "connect_timeout";
    case CloseReason::kIdle:
      return "idle";
  }
  return "unknown";
}

Connection::Connection(event::Dispatcher& dispatcher, buffer::BlockPool& pool, std::unique_ptr<Socket> socket,
                       Limits limits, Session& session, State state)
    : ReadWake(dispatcher),
      WriteWake(dispatcher),
      dispatcher_(dispatcher),
      socket_(std::move(socket)),
      session_(&session),
      input_(pool),
      output_(pool),
      read_limit_(static_cast<uint32_t>(std::min<size_t>(limits.read_bytes, UINT32_MAX))),
      write_limit_(static_cast<uint32_t>(std::min<size_t>(limits.write_bytes, UINT32_MAX))),
      timer_(dispatcher, *this),
      last_activity_(dispatcher.now()),
      state_(state) {}

Connection::Connection(event::Dispatcher& dispatcher, buffer::BlockPool& pool, std::unique_ptr<Socket> socket,
                       Limits limits, Session& session)
    : Connection(dispatcher, pool, std::move(socket), limits, session, State::kOpen) {
  socket_->watch(*this);
}

Connection::Connection(event::Dispatcher& dispatcher, buffer::BlockPool& pool, std::unique_ptr<Socket> socket,
                       Limits limits, Session& session, absl::Duration connect_timeout)
    : Connection(dispatcher, pool, std::move(socket), limits, session, State::kConnecting) {
  socket_->watch(*this);
  writable_ = false;
  if (isForever(connect_timeout)) return;
  deadline_ = dispatcher.now() + connect_timeout;
  scheduleTimer();
}

Connection::Connection(event::Dispatcher& dispatcher, buffer::BlockPool& pool, Rest rest, Limits limits,
                       Session& session)
    : Connection(dispatcher, pool, std::move(rest.socket), limits, session, State::kOpen) {
  bytes_read_ = rest.bytes_read;
  bytes_written_ = rest.bytes_written;
  CHECK(socket_->handOver(*this), "a socket that was handed over can be handed back");
}

Connection::~Connection() = default;

// --- what the session calls: marks and queues only ---

void Connection::pauseReading(bool pause) {
  paused_ = pause;
  if (paused_ && output_failed_) {
    finish(CloseReason::kRemoteReset);  // it was only kept open to be read
    return;
  }
  consumed();
}

void Connection::finishOutput() {
  if (output_state_ != Output::kOpen) return;
  output_state_ = Output::kFinishing;
  WriteWake::wake();
}

void Connection::closeAfterFlush(absl::Duration linger) {
  if (state_ == State::kConnecting) {
    close(CloseReason::kLocal);
    return;
  }
  if (state_ != State::kOpen || close_wanted_) return;
  state_ = State::kClosing;
  linger_wanted_ = linger >= absl::Milliseconds(1) && !input_ended_;
  // Begins when the output is written. Nothing lingers for more than an hour.
  linger_milliseconds_ = static_cast<uint32_t>(absl::ToInt64Milliseconds(std::min(linger, absl::Hours(1))));
  if (output_state_ == Output::kOpen) output_state_ = Output::kFinishing;
  paused_ = false;
  ReadWake::wake();
  WriteWake::wake();
}

void Connection::close(CloseReason reason) {
  if (state_ == State::kClosed || close_wanted_) return;
  if (reason == CloseReason::kLocalReset) socket_->resetOnClose();
  finish(reason);
}

bool Connection::resting() const {
  return state_ == State::kOpen && !close_wanted_ && !readable_ && !input_ended_ && input_.empty() && output_.empty() &&
         output_state_ == Output::kOpen;
}

void Connection::forget() {
  timer_.cancel();
  ReadWake::unwake();
  WriteWake::unwake();
  state_ = State::kClosed;
}

std::unique_ptr<Socket> Connection::releaseSocket() {
  if (!resting() || !socket_->release()) return nullptr;
  forget();
  return std::move(socket_);
}

// What the one that goes on would have to be told is not quiet: a limit, a filter, an edge that nobody has looked at.
bool Connection::quiet() const {
  return resting() && !unverified_ && !to_the_end_ && !paused_ && writable_ && !output_failed_ && unseen_ == 0 &&
         idle_nanoseconds_ == 0 && output_filter_ == nullptr && !ReadWake::woken() && !WriteWake::woken();
}

bool Connection::verify() {
  if (!unverified_) return false;
  unverified_ = false;
  readable_ = true;
  if (mayRead()) ReadWake::wake();
  return true;
}

std::optional<Connection::Rest> Connection::park(event::ReadyHandler& handler) {
  if (!quiet() || !socket_->handOver(handler)) return std::nullopt;
  forget();
  return Rest{std::move(socket_), bytes_read_, bytes_written_};
}

void Connection::setIdleTimeout(absl::Duration timeout) {
  idle_nanoseconds_ = isForever(timeout) ? 0 : absl::ToInt64Nanoseconds(timeout);
  scheduleTimer();
}

// --- what the loop calls ---

void Connection::onReady(event::Readiness ready) {
  if (state_ == State::kClosed || close_wanted_) return;
  if (state_ == State::kConnecting) {
    if (!ready.writable && !ready.closed) return;
    readable_ = ready.readable || ready.closed;
    finishConnect();
    if (state_ != State::kOpen) return;
  }
  if (ready.writable) {
    writable_ = true;
    if (!output_.empty() || output_state_ == Output::kFinishing) WriteWake::wake();
  }
  if (ready.closed) to_the_end_ = true;
  if (!ready.readable && !ready.closed) return;
  readable_ = true;
  unverified_ = ready.readable && ready.writable && !ready.closed;
  readAndDeliver();
}

void Connection::finishConnect() {
  // The kernel reports a failed connect as readable too: what is only writable has succeeded.
  const bool succeeded = !readable_ && socket_->forwardsInKernel();
  const absl::Status status = succeeded ? absl::OkStatus() : socket_->connectResult();
  deadline_ = base::MonotonicTime{0};
  if (!status.ok()) {
    finish(CloseReason::kConnectFailed);
    return;
  }
  state_ = State::kOpen;
  writable_ = true;
  last_activity_ = dispatcher_.now();
  scheduleTimer();
  session_->onOpen();
  if (!output_.empty() || output_state_ == Output::kFinishing) WriteWake::wake();
}

void Connection::onReadPhase() {
  if (close_wanted_) {
    state_ = State::kClosed;
    close_wanted_ = false;
    timer_.cancel();
    output_.clear();
    WriteWake::unwake();
    session_->onClose(close_reason_);
    input_.clear();
    return;
  }
  if (continue_reading_) return;  // this turn's share is used up
  if (state_ == State::kClosing) input_.clear();
  if (state_ == State::kOpen || state_ == State::kClosing) readAndDeliver();
}

void Connection::onWritePhase() {
  if (continue_reading_) {  // waking here means the next turn
    continue_reading_ = false;
    if (readable_ && mayRead()) ReadWake::wake();
  }
  if (close_wanted_ || (state_ != State::kOpen && state_ != State::kClosing)) return;
  writeOnce();
}

void Connection::onTimer(event::Timer&) {
  if (state_ == State::kClosed || close_wanted_) return;
  const base::MonotonicTime now = dispatcher_.now();
  if (deadline_.nanoseconds != 0 && now >= deadline_) {
    finish(state_ == State::kConnecting ? CloseReason::kConnectTimeout : CloseReason::kLocal);
    return;
  }
  if (idle_nanoseconds_ > 0 && state_ != State::kConnecting &&
      now >= last_activity_ + absl::Nanoseconds(idle_nanoseconds_)) {
    finish(CloseReason::kIdle);
    return;
  }
  if (now >= last_activity_ + kVerifyAfter) verify();
  scheduleTimer();
}

// --- output ---

void Connection::writeOnce() {
  if (output_failed_) {
    const size_t before = room();
    output_.clear();
    afterWrite(before);
    return;
  }
  const size_t room_before = room();
  if (output_filter_ != nullptr) filterOutput();
  if (!output_.empty()) {
    if (!writable_) return;
    if (output_.inOnePiece() ? !writeOnePiece() : !writeAll()) return;
  }
  if (outputEmpty() && output_state_ == Output::kFinishing) {
    // When both have ended the close follows, and says the same to the peer; a transport that protects its bytes has
    // more to say.
    if (!input_ended_ || !socket_->forwardsInKernel()) socket_->shutdownWrite();
    output_state_ = Output::kFinished;
  }
  afterWrite(room_before);
}

// What an earlier call has left unwritten stands in front, and has passed already.
void Connection::filterOutput() {
  buffer::Buffer passed(output_.pool());
  passed.moveFrom(output_, std::min<size_t>(filtered_, output_.size()));
  if (!output_.empty() || output_filter_->kept() > 0) output_filter_->onOutput(output_);
  passed.append(std::move(output_));
  output_ = std::move(passed);
  filtered_ = static_cast<uint32_t>(output_.size());
}

// These: false when the output has failed.
bool Connection::writeOnePiece() {
  const std::string_view front = output_.front();
  const iovec piece{const_cast<char*>(front.data()), front.size()};
  const IoResult result = socket_->write(std::span<const iovec>(&piece, 1));
  if (result.state == IoResult::State::kOk) output_.drain(result.bytes);
  return noteWritten(result, piece.iov_len);
}

bool Connection::writeAll() {
  if (!socket_->forwardsInKernel()) output_.makeReadable();
  if (!output_.startsInKernel() && !writePieces()) return false;
  while (output_.startsInKernel() && writable_) {
    if (!writeKernelPiece()) return false;
  }
  if (!output_.empty() && writable_) WriteWake::wake();  // more pieces than one call takes
  return true;
}

bool Connection::writePieces() {
  std::array<iovec, kMaxIovecs> pieces;
  const size_t count = output_.iovecs(pieces);
  size_t asked = 0;
  for (size_t i = 0; i < count; ++i) asked += pieces[i].iov_len;
  const IoResult result = socket_->write(std::span<const iovec>(pieces.data(), count));
  if (result.state == IoResult::State::kOk) output_.drain(result.bytes);
  return noteWritten(result, asked);
}

bool Connection::writeKernelPiece() {
  const IoResult result = socket_->writeInKernel(output_);
  return noteWritten(result, result.bytes);  // also where it took a part: only a full socket takes nothing
}

bool Connection::noteWritten(const IoResult& result, size_t asked) {
  if (result.state == IoResult::State::kFailed || result.state == IoResult::State::kEnd) {
    outputFailed(result.error);
    return false;
  }
  if (result.state == IoResult::State::kOk) {
    bytes_written_ += result.bytes;
    if (filtered_ != 0) filtered_ -= static_cast<uint32_t>(std::min<size_t>(filtered_, result.bytes));
    last_activity_ = dispatcher_.now();
  }
  if (result.state == IoResult::State::kWouldBlock || result.bytes < asked) writable_ = false;
  return true;
}

void Connection::afterWrite(size_t room_before) {
  if (output_state_ == Output::kFinished) {
    if (state_ == State::kClosing) {
      if (!linger_wanted_ || input_ended_) {
        finish(CloseReason::kLocal);
      } else if (deadline_.nanoseconds == 0) {
        deadline_ = dispatcher_.now() + absl::Milliseconds(linger_milliseconds_);
        scheduleTimer();
      }
    } else if (input_ended_) {
      finish(CloseReason::kRemote);
    }
    return;
  }
  const size_t room_now = room();
  if (room_now <= room_before) return;
  const size_t half = (size_t{write_limit_} + 1) / 2;
  if ((room_before < half && room_now >= half) || output_.empty()) session_->onRoom();
}

// The peer may have answered before it reset: what it said is delivered first, unless the session is not reading.
void Connection::outputFailed(int error) {
  error_ = static_cast<int16_t>(error);
  output_failed_ = true;
  if (input_ended_ || paused_ || state_ == State::kClosing) {
    finish(CloseReason::kRemoteReset);
    return;
  }
  const size_t before = room();
  output_.clear();
  readable_ = true;
  to_the_end_ = true;
  ReadWake::wake();
  afterWrite(before);
}

// --- end and deadlines ---

void Connection::finish(CloseReason reason) {
  if (close_wanted_ || state_ == State::kClosed) return;
  close_wanted_ = true;
  close_reason_ = reason;
  ReadWake::wake();
}

bool Connection::timerWants(base::MonotonicTime& earliest) const {
  bool any = false;
  const auto consider = [&](base::MonotonicTime time) {
    if (!any || time < earliest) earliest = time;
    any = true;
  };
  if (deadline_.nanoseconds != 0) consider(deadline_);
  if (idle_nanoseconds_ > 0 && state_ != State::kConnecting)
    consider(last_activity_ + absl::Nanoseconds(idle_nanoseconds_));
  if (unverified_) consider(last_activity_ + kVerifyAfter);
  return any;
}

void Connection::scheduleTimer() {
  base::MonotonicTime earliest;
  verify_scheduled_ = unverified_;
  if (!timerWants(earliest)) {
    timer_.cancel();
    return;
  }
  timer_.armAt(earliest);
}

}  // namespace weir::net
