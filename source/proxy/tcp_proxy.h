// TcpProxy: carries the bytes of one downstream connection to one upstream connection and back. Made by its factory
// for each connection, owned by it; one worker. The factory is compiled from the configuration by
// source/extensions/filters/network/tcp_proxy, immutable, shared by workers.
//
// Bytes move as slices, as far as the other side has room; what has none stays where it came in, and that side is not
// read. The end of one direction is passed on (half-close) while the other goes on. Bytes that came before the
// upstream connection was open wait in the input buffer.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "source/base/ticket.h"
#include "source/proxy/tcp_session.h"
#include "source/upstream/receivers.h"

namespace weir::proxy {

// Of tunnels too.
class TcpProxyFactory final : public SessionFactory {
 public:
  TcpProxyFactory(TcpProxyConfig config, stats::Registry& registry);
  std::unique_ptr<TerminalSession> create(const Services& services, net::Connection& connection,
                                          const DownstreamInfo& info) const override;
  std::vector<std::string> clusters() const override;

 private:
  const TcpProxyConfig config_;
  const TcpProxyStats stats_;
};

class TcpProxy final : public TcpSession, private upstream::ConnectReceiver {
 public:
  // All outlive it.
  TcpProxy(const TcpProxyConfig& config, const TcpProxyStats& stats, const Services& services,
           net::Connection& downstream, const DownstreamInfo& info);
  ~TcpProxy() override;

  // A byte stream has no end of its own: one that is open goes on until its peers or the deadline of the shutdown end
  // it; one that is still waiting for its upstream is closed.
  void drain() override;
  void onInput(buffer::Buffer& input, bool end) override;
  void onRoom() override;
  void onClose(net::CloseReason reason) override;

 private:
  // The other side of the proxy.
  class UpstreamSession final : public net::Session {
   public:
    explicit UpstreamSession(TcpProxy& proxy) : proxy_(proxy) {}
    void onInput(buffer::Buffer&, bool) override { proxy_.moveDown(); }
    void onRoom() override { proxy_.moveUp(); }
    void onClose(net::CloseReason reason) override { proxy_.onUpstreamClosed(reason); }

   private:
    TcpProxy& proxy_;
  };

  // One direction.
  struct Way {
    bool finished = false;  // its end was passed on
    bool thin = false;      // what came last was little
  };

  void startAttempt() override;
  void onConnected(Connected connected) override;
  void onTransportFailed(std::shared_ptr<const net::TransportInfo> transport) override {
    info_.upstream_transport = std::move(transport);
  }
  void onConnectFailed(http::Reason reason, upstream::HostRef host) override { attemptFailed(reason, std::move(host)); }

  void moveUp();
  void moveDown();
  static bool move(net::Connection& from, bool end, net::Connection& to, Way& way);
  void onUpstreamClosed(net::CloseReason reason);
  void releaseUpstream(net::CloseReason reason);
  void carried();
  void countUpstream();

  UpstreamSession upstream_session_;
  base::Ticket connecting_;
  Connected upstream_{nullptr, nullptr, {}};  // the connection is null until it is open, and after it has closed
  bool client_ended_ = false;                 // its end was delivered to us
  Way up_;
  Way down_;
};

}  // namespace weir::proxy
