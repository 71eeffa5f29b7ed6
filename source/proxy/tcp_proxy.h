// TcpProxy: carries the bytes of one downstream connection to one upstream connection and back. Made by its factory
// for each connection, owned by it; one worker. The factory is compiled from the configuration by
// source/extensions/filters/network/tcp_proxy, immutable, shared by workers.
//
// Bytes move as slices, as far as the other side has room; what has none stays where it came in, and that side is not
// read. The end of one direction is passed on (half-close) while the other goes on. Bytes that came before the
// upstream connection was open wait in the input buffer.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "source/base/random.h"
#include "source/base/ticket.h"
#include "source/event/timer.h"
#include "source/filter/access_log.h"
#include "source/filter/stream_info.h"
#include "source/filter/substitution_format.h"
#include "source/proxy/routes/header_edits.h"
#include "source/proxy/session_factory.h"
#include "source/stats/stats.h"
#include "source/upstream/worker_cluster.h"

namespace weir::proxy {

// Below "tcp.<stat prefix>.".
struct TcpProxyStats {
  TcpProxyStats(stats::Registry& registry, std::string_view stat_prefix);

  stats::CounterId downstream_cx_total;
  stats::CounterId downstream_cx_no_route;
  stats::CounterId downstream_cx_rx_bytes_total;
  stats::CounterId downstream_cx_tx_bytes_total;
  stats::CounterId idle_timeout;
  stats::CounterId max_downstream_connection_duration;
  stats::CounterId upstream_flush_total;
};

// What an upstream proxy is asked for, where it is to carry the bytes.
struct TcpTunnelRequest {
  std::unique_ptr<const filter::SubstitutionFormat> hostname;  // "host:port"
  bool post = false;                                           // in place of CONNECT
  std::string post_path = "/";
  HeaderEdits headers;
};

struct TcpProxyConfig {
  std::shared_ptr<const filter::ListenerFacts> listener;  // null: nothing is said
  struct Target {
    std::string cluster;
    uint64_t weight = 1;
  };
  std::string stat_prefix;
  std::vector<Target> targets;                   // at least one
  bool cluster_by_server_name = false;           // the server name of the ClientHello, if any, goes before them
  uint64_t total_weight = 1;                     // of the targets
  absl::Duration idle_timeout = absl::Hours(1);  // zero: none
  uint32_t max_connect_attempts = 1;
  std::optional<absl::Duration> max_connection_duration;
  std::vector<std::unique_ptr<filter::AccessLog>> access_logs;
  std::unique_ptr<const TcpTunnelRequest> tunnel;  // null: bytes go over connections as they are
};

// What is known of a connection when its session begins. `stream` looks into `config`, `downstream` and `info` then.
void noteConnection(const TcpProxyConfig& config, const Services& services, const net::Connection& downstream,
                    const DownstreamInfo& info, filter::StreamInfo& stream);

// The cluster of one connection. Lives as long as both arguments.
const std::string& pickTarget(const TcpProxyConfig& config, const std::string& server_name, base::Random& random);

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

class TcpProxy final : public TerminalSession, private upstream::ConnectReceiver, private event::TimerHandler {
 public:
  // All outlive it.
  TcpProxy(const TcpProxyConfig& config, const TcpProxyStats& stats, const Services& services,
           net::Connection& downstream, const DownstreamInfo& info);
  ~TcpProxy() override;

  void onAccepted() override;
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

  void onConnected(Connected connected) override;
  void onTransportFailed(std::shared_ptr<const net::TransportInfo> transport) override {
    info_.upstream_transport = std::move(transport);
  }
  void onConnectFailed(http::Reason reason, upstream::HostRef host) override;
  void onTimer(event::Timer& timer) override;

  void startConnect();
  void fail(http::Reason reason);
  void moveUp();
  void moveDown();
  static bool move(net::Connection& from, bool end, net::Connection& to, bool& finished);
  void onUpstreamClosed(net::CloseReason reason);
  void releaseUpstream(net::CloseReason reason);
  void moved();
  void countBytes();

  const TcpProxyConfig& config_;
  const TcpProxyStats& stats_;
  const Services& services_;
  net::Connection& downstream_;
  const std::string server_name_;
  UpstreamSession upstream_session_;
  event::Timer idle_timer_;
  event::Timer duration_timer_;
  filter::StreamInfo info_;
  base::Ticket connecting_;
  upstream::WorkerCluster* cluster_ = nullptr;
  upstream::HostRef host_;                    // of the last attempt; what is logged looks into it
  Connected upstream_{nullptr, nullptr, {}};  // the connection is null until it is open, and after it has closed
  bool client_ended_ = false;                 // its end was delivered to us
  bool up_finished_ = false;                  // the end of the client's bytes was passed on
  bool down_finished_ = false;                // that of the upstream's was
};

}  // namespace weir::proxy
