#include "source/net/listener.h"

#include <algorithm>
#include <utility>

namespace weir::net {
namespace {

constexpr absl::Duration kFirstBackOff = absl::Milliseconds(10);
constexpr absl::Duration kLongestBackOff = absl::Milliseconds(500);

}  // namespace

// Accepts in the flush phase: what connections already do goes first, and waking itself there means the next turn.
Listener::Listener(event::Dispatcher& dispatcher, std::unique_ptr<ListenSocket> socket, ListenerOwner& owner)
    : Wakeable(dispatcher, event::Phase::kFlush),
      socket_(std::move(socket)),
      owner_(owner),
      address_(socket_->localAddress()),
      back_off_timer_(dispatcher, *this),
      back_off_(kFirstBackOff) {}

absl::Status Listener::start(int backlog, uint32_t accepts_per_turn) {
  accepts_per_turn_ = accepts_per_turn;
  absl::Status status = socket_->listen(backlog);
  if (!status.ok()) return status;
  backlog_ = backlog;
  if (state_ == State::kBound) state_ = State::kAccepting;
  socket_->watch(*this);
  return status;
}

void Listener::pause(bool paused) {
  if (state_ == State::kStopping || state_ == State::kStopped) return;
  state_ = paused ? State::kPaused : State::kAccepting;
  if (!paused) wake();
}

void Listener::stop() {
  if (state_ == State::kStopping || state_ == State::kStopped) return;
  if (state_ == State::kBound) {  // nothing can wait
    socket_.reset();
    state_ = State::kStopped;
    return;
  }
  state_ = State::kStopping;
  stop_budget_ = std::max(backlog_, 1);
  readable_ = true;
  back_off_timer_.cancel();
  wake();
}

void Listener::onReady(event::Readiness) {
  readable_ = true;
  wake();
}

void Listener::onTimer(event::Timer&) { wake(); }

void Listener::onWake() {
  const bool accepting = state_ == State::kAccepting || state_ == State::kStopping;
  if (!accepting || !readable_ || back_off_timer_.armed()) return;
  exhausted_told_ = false;
  for (uint32_t i = 0; i < accepts_per_turn_; ++i) {
    if (!acceptOne()) break;
    if (state_ == State::kPaused) return;  // the owner has had enough
    if (state_ == State::kStopping && --stop_budget_ == 0) readable_ = false;
    if (!readable_) break;
  }
  if (state_ == State::kStopping && !readable_) {
    socket_.reset();
    state_ = State::kStopped;
    return;
  }
  if (readable_ && !back_off_timer_.armed()) wake();
}

bool Listener::acceptOne() {
  AcceptResult result = socket_->accept();
  switch (result.state) {
    case AcceptResult::State::kAccepted:
      back_off_ = kFirstBackOff;
      owner_.onAccept(std::move(result.socket), result.peer);
      return true;
    case AcceptResult::State::kRetryNow:
      return true;
    case AcceptResult::State::kNone:
      readable_ = false;
      return false;
    case AcceptResult::State::kExhausted:
    case AcceptResult::State::kFailed:
      // A socket that cannot accept at all is tried again at the same pace: nothing better is known.
      backOff(result.error);
      return true;
  }
  return false;
}

void Listener::backOff(int error) {
  if (exhausted_told_) return;  // once for all that is shed in this turn
  exhausted_told_ = true;
  if (state_ != State::kStopping) {
    back_off_timer_.arm(back_off_);
    back_off_ = std::min(back_off_ * 2, kLongestBackOff);
  }
  owner_.onExhausted(error);
}

}  // namespace weir::net
