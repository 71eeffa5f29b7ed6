// DownstreamConnection: one accepted connection: owns the net::Connection, its network filters and the session that
// takes its bytes. Where there are filters, the session is made when they have let the connection in: a connection that
// is refused has reached no upstream. ConnectionRegistry: those of one listener on one worker; owns them, counts them,
// and lets them be drained or closed together. Made by ActiveListener. One worker.
//
// ParkedConnection: what a connection is while nothing happens on it. One whose session rests (an HTTP/1 connection
// between two requests) for kParkAfter is parked: the net::Connection and the session are destroyed without a word, and
// the socket waits with this small object, which stands in the registry in its place. Edges, the session's deadline,
// drain() and closeAll() make both anew first, so that nobody else has to know of it.
//
//   DownstreamConnection --(rested, seen by the sweep)--> ParkedConnection --(edge, deadline, drain)--> another one
//
// A connection that closed leaves the registry at once and is destroyed at the end of the turn. Destroying the registry
// drops what is left without a further call to any session but its destructor.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>

#include "absl/time/time.h"
#include "source/base/clock.h"
#include "source/event/poller.h"
#include "source/event/timer.h"
#include "source/filter/network_chain.h"
#include "source/net/connection.h"
#include "source/proxy/exchange_pool.h"
#include "source/proxy/listener/filter_chain.h"
#include "source/proxy/listener/listener_log.h"
#include "source/proxy/listener/listener_stats.h"
#include "source/proxy/session_factory.h"
#include "source/upstream/cluster.h"

namespace weir::proxy {

class ConnectionRegistry;
class ParkedConnection;

class DownstreamConnection final : public event::Deletable, private net::Session, private event::TimerHandler {
 public:
  // Its memory is of the worker's pool.
  static void* operator new(size_t bytes, SizedPool& pool) { return pool.take(bytes); }
  static void operator delete(void* memory, SizedPool& pool) { pool.give(memory); }
  static void operator delete(DownstreamConnection* self, std::destroying_delete_t);

 private:
  friend class ConnectionRegistry;
  friend class ParkedConnection;

  DownstreamConnection(ConnectionRegistry& registry, std::unique_ptr<net::Socket> socket, const FilterChain& chain,
                       const DownstreamInfo& info);
  // Goes on where `parked` was; the caller destroys that.
  DownstreamConnection(ConnectionRegistry& registry, ParkedConnection& parked);

  // What the network filters pass on.
  class Behind final : public net::Session {
   public:
    explicit Behind(DownstreamConnection& owner) : owner_(owner) {}
    void onOpen() override { owner_.openSession(); }
    void onInput(buffer::Buffer& input, bool end) override { owner_.session_->onInput(input, end); }
    void onRoom() override { owner_.session_->onRoom(); }
    void onClose(net::CloseReason reason) override;

   private:
    DownstreamConnection& owner_;
  };

  void onInput(buffer::Buffer& input, bool end) override;
  void onRoom() override;
  void onClose(net::CloseReason reason) override;
  // The handshake of the transport takes too long.
  void onTimer(event::Timer& timer) override;

  void start();
  void openSession();
  void drain();

  ConnectionRegistry& registry_;
  const Services& services_;
  const FilterChain& chain_;
  const DownstreamInfo info_;
  net::Connection connection_;
  Behind behind_{*this};
  std::unique_ptr<TerminalSession> session_;       // null while the filters have not let the connection in
  std::unique_ptr<filter::NetworkChain> filters_;  // null where there are none
  base::MonotonicTime opened_;
  std::unique_ptr<event::Timer> handshake_timer_;  // until the first bytes came
  DownstreamConnection* next_ = nullptr;
  DownstreamConnection* previous_ = nullptr;
  // In the order in which the sweep looks at them; both null and not first when it does not.
  DownstreamConnection* next_swept_ = nullptr;
  DownstreamConnection* previous_swept_ = nullptr;
  bool parks_;  // it may come to rest
  bool swept_ = false;
};

class ParkedConnection final : private event::ReadyHandler, private event::TimerHandler {
 private:
  friend class ConnectionRegistry;
  friend class DownstreamConnection;

  ParkedConnection(ConnectionRegistry& registry, const DownstreamConnection& from, const SessionRest& rest);
  DownstreamInfo info() const;
  void onReady(event::Readiness ready) override;
  void onTimer(event::Timer& timer) override;

  ConnectionRegistry& registry_;
  const FilterChain& chain_;
  net::Connection::Rest connection_;
  SessionRest session_;
  base::MonotonicTime opened_;
  uint64_t id_;
  std::unique_ptr<const DownstreamInfo> info_;  // null when the socket knows it all
  event::Timer timer_;
  ParkedConnection* next_ = nullptr;
  ParkedConnection* previous_ = nullptr;
};

class ConnectionRegistry final : private event::TimerHandler {
 public:
  // How long a connection has no byte to move before it is parked, and how many are looked at in one go, and how often.
  // Short: what is not parked yet is what many connections cost in a burst. Long enough that none is parked between two
  // requests of a client that is at work.
  static constexpr absl::Duration kParkAfter = absl::Milliseconds(100);
  static constexpr absl::Duration kSweepEvery = absl::Milliseconds(50);
  static constexpr size_t kSweepMost = 1024;

  // All outlive it; `limit` counts the connections of all workers. `log` may be null.
  ConnectionRegistry(const Services& services, const ListenerStats& stats, net::Connection::Limits limits,
                     upstream::SharedLimit& limit, const ListenerLog* log = nullptr);
  ~ConnectionRegistry();
  ConnectionRegistry(const ConnectionRegistry&) = delete;
  ConnectionRegistry& operator=(const ConnectionRegistry&) = delete;

  // Takes the connection in; false when the limit is reached, and then the socket is dropped.
  bool add(std::unique_ptr<net::Socket> socket, const FilterChain& chain, const DownstreamInfo& info);
  size_t size() const { return size_; }  // the parked ones included
  size_t parked() const { return parked_; }
  // Every session finishes what it has and closes.
  void drain();
  // Every connection is dropped later in this turn.
  void closeAll();

 private:
  friend class DownstreamConnection;
  friend class ParkedConnection;
  net::Connection::Limits limitsFor(const FilterChain& chain) const;
  void link(DownstreamConnection& connection);
  void unlink(DownstreamConnection& connection);
  // Unlinks and counts; the caller destroys it.
  void leave(DownstreamConnection& connection);
  // It may be at rest: has it looked at by the sweep.
  void sweepLater(DownstreamConnection& connection);
  void dropFromSweep(DownstreamConnection& connection);
  void onTimer(event::Timer& timer) override;
  void sweep(DownstreamConnection& connection);
  // Destroys it. None of its calls may be on the stack.
  void park(DownstreamConnection& connection, const SessionRest& rest);
  // Destroys `parked`.
  DownstreamConnection& resume(ParkedConnection& parked);
  void resumeAll();

  const Services& services_;
  const ListenerStats& stats_;
  const net::Connection::Limits limits_;
  upstream::SharedLimit& limit_;
  const ListenerLog* const log_;
  DownstreamConnection* first_ = nullptr;
  ParkedConnection* first_parked_ = nullptr;
  DownstreamConnection* first_swept_ = nullptr;
  DownstreamConnection* last_swept_ = nullptr;
  event::Timer sweep_;
  size_t size_ = 0;
  size_t parked_ = 0;
  size_t swept_ = 0;
};

}  // namespace weir::proxy
