// DownstreamConnection: one accepted connection: owns the net::Connection, its network filters and the session that
// takes its bytes. Where there are filters, the session is made when they have let the connection in: a connection that
// is refused has reached no upstream. ConnectionRegistry: those of one listener on one worker; owns them, counts them,
// and lets them be drained or closed together. Made by ActiveListener. One worker.
//
// A connection that closed leaves the registry at once and is destroyed at the end of the turn. Destroying the registry
// drops what is left without a further call to any session but its destructor.
#pragma once

#include <cstddef>
#include <memory>

#include "source/base/clock.h"
#include "source/event/timer.h"
#include "source/filter/network_chain.h"
#include "source/net/connection.h"
#include "source/proxy/listener/filter_chain.h"
#include "source/proxy/listener/listener_log.h"
#include "source/proxy/listener/listener_stats.h"
#include "source/proxy/session_factory.h"
#include "source/upstream/cluster.h"

namespace weir::proxy {

class ConnectionRegistry;

class DownstreamConnection final : public event::Deletable, private net::Session, private event::TimerHandler {
 public:
  net::Connection& connection() { return connection_; }

 private:
  friend class ConnectionRegistry;

  DownstreamConnection(ConnectionRegistry& registry, std::unique_ptr<net::Socket> socket,
                       net::Connection::Limits limits, const FilterChain& chain, const DownstreamInfo& info);

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
};

class ConnectionRegistry {
 public:
  // All outlive it; `limit` counts the connections of all workers. `log` may be null.
  ConnectionRegistry(const Services& services, const ListenerStats& stats, upstream::SharedLimit& limit,
                     const ListenerLog* log = nullptr)
      : services_(services), stats_(stats), limit_(limit), log_(log) {}
  ~ConnectionRegistry();
  ConnectionRegistry(const ConnectionRegistry&) = delete;
  ConnectionRegistry& operator=(const ConnectionRegistry&) = delete;

  // Takes the connection in; false when the limit is reached, and then the socket is dropped.
  bool add(std::unique_ptr<net::Socket> socket, net::Connection::Limits limits, const FilterChain& chain,
           const DownstreamInfo& info);
  size_t size() const { return size_; }
  // Every session finishes what it has and closes.
  void drain();
  // Every connection is dropped later in this turn.
  void closeAll();

 private:
  friend class DownstreamConnection;
  // Unlinks and counts; the caller destroys it.
  void leave(DownstreamConnection& connection);

  const Services& services_;
  const ListenerStats& stats_;
  upstream::SharedLimit& limit_;
  const ListenerLog* const log_;
  DownstreamConnection* first_ = nullptr;
  size_t size_ = 0;
};

}  // namespace weir::proxy
