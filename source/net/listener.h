// Listener: accepts connections on one bound socket of one worker, a few per turn, and hands each to its owner.
// Survives running out of descriptors: it sheds what waits, backs off from 10 ms to 500 ms, and says so in counters
// (reliability: EMFILE). Made by the worker, which owns it. Stops accepting when it is paused or destroyed.
#pragma once

#include <cstdint>
#include <memory>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "source/event/dispatcher.h"
#include "source/event/poller.h"
#include "source/event/timer.h"
#include "source/event/wakeable.h"
#include "source/net/socket.h"

namespace weir::net {

class ListenerOwner {
 public:
  // Takes the connection, or drops the socket to refuse it.
  virtual void onAccept(std::unique_ptr<Socket> socket, const Address& peer) = 0;
  // No descriptor was left; called once per back-off.
  virtual void onExhausted(int error) = 0;

 protected:
  ~ListenerOwner() = default;
};

class Listener final : private event::ReadyHandler, private event::TimerHandler, private event::Wakeable {
 public:
  // At most this many accepts in one turn, unless it is told otherwise; then other work goes first.
  static constexpr uint32_t kAcceptsPerTurn = 16;

  Listener(event::Dispatcher& dispatcher, std::unique_ptr<ListenSocket> socket, ListenerOwner& owner);
  // Starts to accept; call after every listener is bound.
  absl::Status start(int backlog, uint32_t accepts_per_turn = kAcceptsPerTurn);
  // Accepts nothing while paused; the kernel's queue keeps what comes.
  void pause(bool paused);
  // Stops for good and closes the socket, after what already waits in the queue was handed over.
  void stop();
  Address localAddress() const { return address_; }

 private:
  enum class State : uint8_t { kBound, kAccepting, kPaused, kStopping, kStopped };

  void onReady(event::Readiness ready) override;
  void onTimer(event::Timer& timer) override;
  void onWake() override;
  // Returns false when there is nothing left to accept for now.
  bool acceptOne();
  void backOff(int error);

  std::unique_ptr<ListenSocket> socket_;
  ListenerOwner& owner_;
  Address address_;
  event::Timer back_off_timer_;
  absl::Duration back_off_;
  State state_ = State::kBound;
  bool exhausted_told_ = false;  // in this turn
  bool readable_ = false;        // the queue was not yet seen empty
  int backlog_ = 0;
  uint32_t accepts_per_turn_ = kAcceptsPerTurn;
  int stop_budget_ = 0;  // accepts left while stopping: no more than could wait
};

}  // namespace weir::net
