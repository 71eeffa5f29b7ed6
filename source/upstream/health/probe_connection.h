// ProbeConnection: the connection and the deadline that every kind of probe has. A base of the probes; main thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "source/event/timer.h"
#include "source/event/wakeable.h"
#include "source/net/connection.h"
#include "source/upstream/health/probe.h"

namespace weir::upstream::health {

class ProbeConnection : public Probe, protected net::Session, private event::TimerHandler, private event::Wakeable {
 public:
  ProbeConnection(const ProbeContext& context, const net::Address& address, std::string hostname, ProbeOwner& owner);
  ~ProbeConnection() override;

  void ask() final;

 protected:
  // The connection is open, or still is: sends the question.
  virtual void sendQuestion() = 0;
  // It is gone, or about to be: forgets everything that stands on it.
  virtual void dropConnection() = 0;

  // Ends the question: the owner hears of it later in this turn. `keep`: the connection may be used again.
  void answer(CheckResult result, std::string why, bool keep);
  // The connection is of no more use, and the question not answered. Where it had carried others before, the host may
  // simply have had enough of it: the question is asked again, once, over a new one.
  void broken(std::string why);
  void close();
  bool asking() const { return asking_ && !answered_ && !closing_; }
  net::Connection& connection() { return *connection_; }
  const ProbeContext& context() const { return context_; }
  const std::string& hostname() const { return hostname_; }

 private:
  void onOpen() final;
  void onRoom() override {}
  void onClose(net::CloseReason reason) final;
  void onTimer(event::Timer& timer) final;
  void onWake() final;
  void connect();

  const ProbeContext context_;
  const net::Address address_;
  const std::string hostname_;
  ProbeOwner& owner_;
  event::Timer deadline_;
  std::unique_ptr<net::Connection> connection_;
  bool asking_ = false;
  bool answered_ = false;
  bool closing_ = false;  // onClose() comes
  bool reused_ = false;   // the connection was there before the question
  CheckResult result_ = CheckResult::kFail;
  std::string why_;
};

}  // namespace weir::upstream::health
