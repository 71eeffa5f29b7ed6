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
#include "source/event/timer.h"
#include "source/event/wakeable.h"
#include "source/filter/stream_info.h"
#include "source/http/stream.h"
#include "source/proxy/tcp_proxy.h"
#include "source/upstream/receivers.h"
#include "source/upstream/worker_cluster.h"

namespace weir::proxy {

class TcpTunnel final : public TerminalSession,
                        private upstream::StreamReceiver,
                        private http::StreamOwner,
                        private event::TimerHandler,
                        private event::Wakeable {
 public:
  // All outlive it. `config` has a tunnel.
  TcpTunnel(const TcpProxyConfig& config, const TcpProxyStats& stats, const Services& services,
            net::Connection& downstream, const DownstreamInfo& info);
  ~TcpTunnel() override;

  void onAccepted() override;
  void drain() override;
  void onInput(buffer::Buffer& input, bool end) override;
  void onRoom() override;
  void onClose(net::CloseReason reason) override;

 private:
  enum class State : uint8_t { kOpening, kAsked, kOpen, kOver };

  void onStreamOpen(Opened opened) override;
  void onTransportFailed(std::shared_ptr<const net::TransportInfo> transport) override;
  void onStreamFailed(http::Reason reason, upstream::HostRef host) override;
  void wakeStream() override;
  void onWake() override;
  void onTimer(event::Timer& timer) override;

  void startAttempt();
  http::Head& makeRequest();
  void take(http::Part part);
  void answered(const http::Head& head);
  void recordOutcome(bool good, uint16_t status);
  void retryOrFail(http::Reason reason);
  void fail(http::Reason reason);
  void moveUp();
  void moved();

  const TcpProxyConfig& config_;
  const TcpProxyStats& stats_;
  const Services& services_;
  net::Connection& downstream_;
  const std::string server_name_;
  base::Arena arena_;
  event::Timer idle_timer_;
  event::Timer duration_timer_;
  filter::StreamInfo info_;
  upstream::WorkerCluster* cluster_ = nullptr;
  upstream::HostRef host_;  // of the last attempt; what is logged looks into it
  base::Ticket opening_;
  base::MonotonicTime asked_;
  State state_ = State::kOpening;
  bool client_ended_ = false;   // its end was delivered to us
  bool up_finished_ = false;    // the end of the client's bytes was passed on
  bool down_finished_ = false;  // that of the upstream's was
  http::StreamPtr stream_;      // last: its heads stand in the arena
};

}  // namespace weir::proxy
