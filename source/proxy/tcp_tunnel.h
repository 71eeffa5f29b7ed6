// TcpTunnel: carries the bytes of one downstream connection through a request to an upstream proxy, which is asked with
// CONNECT, or POST, over HTTP/1 or HTTP/2 as its cluster says. Made by the factory of the TCP proxy for each
// connection where its configuration has a tunnel, owned by the connection; one worker.
//
// Nothing is sent into the tunnel before it was agreed to, with a status of 2xx; until then the client's bytes wait in
// its input. The end of one direction is passed on while the other goes on. A tunnel that breaks off resets the
// connection.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "source/base/arena.h"
#include "source/base/ticket.h"
#include "source/event/wakeable.h"
#include "source/http/stream.h"
#include "source/proxy/tcp_session.h"
#include "source/upstream/receivers.h"

namespace weir::proxy {

class TcpTunnel final : public TcpSession,
                        private upstream::StreamReceiver,
                        private http::StreamOwner,
                        private event::Wakeable {
 public:
  // All outlive it. `config` has a tunnel.
  TcpTunnel(const TcpProxyConfig& config, const TcpProxyStats& stats, const Services& services,
            net::Connection& downstream, const DownstreamInfo& info);
  ~TcpTunnel() override;

  void drain() override;
  void onInput(buffer::Buffer& input, bool end) override;
  void onRoom() override;
  void onClose(net::CloseReason reason) override;

 private:
  enum class State : uint8_t { kOpening, kAsked, kOpen };

  void startAttempt() override;
  void onStreamOpen(Opened opened) override;
  void onTransportFailed(std::shared_ptr<const net::TransportInfo> transport) override {
    info_.upstream_transport = std::move(transport);
  }
  void onStreamFailed(http::Reason reason, upstream::HostRef host) override { attemptFailed(reason, std::move(host)); }
  void wakeStream() override;
  void onWake() override;

  http::Head& makeRequest();
  void take(http::Part part);
  void answered(const http::Head& head);
  void recordOutcome(bool good, uint16_t status);
  void dropAndRetry(http::Reason reason);
  void moveUp();

  base::Arena arena_;
  base::Ticket opening_;
  base::MonotonicTime asked_;
  State state_ = State::kOpening;
  bool client_ended_ = false;   // its end was delivered to us
  bool up_finished_ = false;    // the end of the client's bytes was passed on
  bool down_finished_ = false;  // that of the upstream's was
  http::StreamPtr stream_;      // last: its heads stand in the arena
};

}  // namespace weir::proxy
