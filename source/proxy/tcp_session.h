// TcpSession: what carries the bytes of one downstream connection to a cluster, however it does that: TcpProxy over a
// connection, TcpTunnel through a request. It counts, keeps the deadlines, chooses the cluster, tries again as often as
// it may, and logs. Made by TcpProxyFactory, owned by the connection; one worker.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/time/time.h"
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

class TcpSession : public TerminalSession, private event::TimerHandler {
 public:
  void onAccepted() final;

 protected:
  // How long a client may take to see the end before the socket is dropped.
  static constexpr absl::Duration kLinger = absl::Seconds(1);

  // All outlive it.
  TcpSession(const TcpProxyConfig& config, const TcpProxyStats& stats, const Services& services,
             net::Connection& downstream, const DownstreamInfo& info);

  // Asks `cluster_`, which is there, for another way to one of its hosts. Ends in attemptFailed() if that fails.
  virtual void startAttempt() = 0;
  // Counts an attempt, and says what is known of the client and of hosts that failed; `client` outlives `pick`.
  void describeAttempt(upstream::PickContext& pick, std::optional<net::ClientAddresses>& client);
  // Tries again where no connection came about; `host` may be null.
  void attemptFailed(http::Reason reason, upstream::HostRef host);
  void retryOrFail(http::Reason reason);
  // The connection ends without more ado. The first reason is the one that is logged.
  void fail(http::Reason reason);
  // Bytes have moved.
  void moved();
  // Adds what `now` is above `before`, which it becomes.
  void count(stats::CounterId id, uint64_t& before, uint64_t now) {
    if (now != before) services_.worker.stats.add(id, now - std::exchange(before, now));
  }
  // In onClose(), once everything else was counted and noted.
  void endAndLog();

  const TcpProxyConfig& config_;
  const TcpProxyStats& stats_;
  const Services& services_;
  net::Connection& downstream_;
  const DownstreamInfo& client_;
  filter::StreamInfo info_;
  upstream::WorkerCluster* cluster_ = nullptr;
  upstream::HostRef host_;  // of the last attempt; what is logged looks into it
  bool over_ = false;       // it has failed: onClose() follows

 private:
  void onTimer(event::Timer& timer) final;
  const std::string& pickTarget() const;
  void countDownstream();

  const int64_t idle_nanoseconds_;  // 0: no timeout
  event::Timer idle_timer_;
  event::Timer duration_timer_;
};

}  // namespace weir::proxy
