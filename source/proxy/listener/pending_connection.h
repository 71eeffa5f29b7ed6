// PendingConnection: an accepted connection whose first bytes are still looked at, so that no filter chain has it yet.
// Made by ActiveListener, in whose list it is until it is over; destroyed at the end of that turn. One worker.
//
// It holds a permit of the limit of connections, and ends in one of three ways: it hands its socket to the owner with
// what was found out, it drops it because a filter or the time limit says so, or the peer goes away.
#pragma once

#include <list>
#include <memory>

#include "source/event/dispatcher.h"
#include "source/event/timer.h"
#include "source/net/peek_socket.h"
#include "source/proxy/listener/listener_filter.h"
#include "source/proxy/session_factory.h"

namespace weir::proxy {

class PendingConnection;

class PendingOwner {
 public:
  // Takes the socket. Called once, from a turn's readiness or timer.
  virtual void onInspected(std::unique_ptr<net::Socket> socket, Inspected found) = 0;
  // It is over, one way or the other: takes it out of the list, without destroying it at once.
  virtual void onPendingOver(PendingConnection& connection) = 0;

 protected:
  ~PendingOwner() = default;
};

// Compiled at load.
struct ListenerFilters {
  std::vector<std::unique_ptr<const ListenerFilter>> filters;
  absl::Duration timeout = absl::Seconds(15);  // infinite: none
  bool continue_on_timeout = false;            // with what is known by then; else it is closed

  bool empty() const { return filters.empty(); }
};

class PendingConnection final : public event::Deletable, private event::ReadyHandler, private event::TimerHandler {
 public:
  // All outlive it. Nothing is called from inside; start() follows once it is in the owner's list.
  PendingConnection(const ListenerFilters& filters, const Services& services, std::unique_ptr<net::Socket> socket,
                    Inspected known, stats::CounterId timed_out, PendingOwner& owner);
  void start();

  std::list<std::unique_ptr<PendingConnection>>::iterator place;

 private:
  void onReady(event::Readiness ready) override;
  void onTimer(event::Timer& timer) override;
  void look(bool end);
  void handOver();
  void drop();

  const ListenerFilters& filters_;
  const Services& services_;
  std::unique_ptr<net::PeekSocket> socket_;
  Inspected found_;
  const stats::CounterId timed_out_;
  PendingOwner& owner_;
  event::Timer timer_;
  size_t at_ = 0;  // the filter that looks
  size_t limit_ = 0;
  bool over_ = false;
};

}  // namespace weir::proxy
