// Server: the running process: workers, admin endpoint, signals, and the way down. Made by the run command on the main
// thread from a compiled configuration; run() returns when everything has ended.
//
//   start:    all sockets are bound, the admin endpoint answers, names are resolved and hosts checked (for a time),
//             then all listen, then the threads run, then the `ready` line
//   SIGTERM, SIGINT, POST /quitquitquit: /ready fails, listeners stop, connections finish; a second one ends at once,
//             as does the end of the drain time
//   SIGUSR1:  log files are opened again      SIGHUP: ignored, with a line in the log
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "source/base/arena.h"
#include "source/base/clock.h"
#include "source/base/random.h"
#include "source/buffer/block.h"
#include "source/event/dispatcher.h"
#include "source/event/file_watch.h"
#include "source/event/libevent_poller.h"
#include "source/event/timer.h"
#include "source/net/kernel_network.h"
#include "source/net/worker_context.h"
#include "source/server/admin/admin_pages.h"
#include "source/server/admin/admin_session.h"
#include "source/server/certificate_watch.h"
#include "source/server/compile/server_config.h"
#include "source/server/discovery.h"
#include "source/server/log/log_writer.h"
#include "source/server/options.h"
#include "source/server/plugin_watch.h"
#include "source/server/worker.h"
#include "source/server/worker_thread.h"
#include "source/upstream/discovery/resolvers.h"
#include "source/upstream/health/health_checks.h"
#include "source/upstream/host_directory.h"

namespace weir::server {

class Server final : private event::TimerHandler {
 public:
  // What it runs; all outlive it.
  struct Parts {
    const Options& options;
    unsigned concurrency;
    const google::protobuf::Message& bootstrap;
    const ServerConfig& config;
    stats::Registry& stats;
    LogWriter& logs;  // made for concurrency + 1 workers: the admin endpoint comes last
    const base::Clock& clock;
    base::MonotonicTime started;  // of the process
    extensions::plugins::Catalogue& plugins;
  };

  explicit Server(const Parts& parts);
  ~Server();

  // Binds, serves and returns after the shutdown. The error is why it could not start.
  absl::Status run();

 private:
  enum class Phase { kInitializing, kLive, kDraining };
  struct Gauges {
    stats::GaugeId live, state, uptime, concurrency, connections, listeners, clusters, days_until_expiry;
  };

  absl::Status start();
  absl::Status startAdmin();
  absl::Status checkHealth();
  absl::Status discover();
  void awaitHosts();
  std::string_view stateText() const;
  std::vector<AdminView::ResolvedName> namesOf(std::string_view cluster) const;
  void fillView();
  void watchSignals();
  void logListeners() const;
  void logReady(uint64_t descriptors) const;
  void refreshGauges();
  void shutDown(std::string_view cause);
  void publishHosts(size_t cluster, const std::shared_ptr<const upstream::HostSet>& hosts);
  void onWorkerDrained();
  void end(std::string_view why);
  void onTimer(event::Timer& timer) override;

  const Parts parts_;
  const uint64_t descriptors_;
  stats::Shard& shard_;
  Gauges gauges_;
  // Of the main thread's own connections. Before the dispatcher, which destroys the last of these.
  buffer::BlockPool blocks_;
  base::ChunkPool chunks_;
  event::LibeventPoller poller_;
  net::KernelNetwork network_;
  event::Dispatcher dispatcher_;
  event::Timer drain_timer_;
  event::Timer patience_;  // with names that are not resolved and hosts that are not checked
  CertificateWatch certificates_;
  upstream::SharedLimit connection_limit_;
  upstream::SharedLimit admin_limit_;  // of its own, so that it answers when the workers' one is used up
  Phase phase_ = Phase::kInitializing;
  unsigned drained_workers_ = 0;
  bool ended_ = false;
  std::vector<std::unique_ptr<WorkerThread>> threads_;
  upstream::HostDirectory hosts_;
  AdminView view_;
  AdminPages pages_;
  std::vector<ListenerPlan> admin_plan_;  // one, or none
  std::unique_ptr<Worker> admin_worker_;
  base::Random random_;
  const net::WorkerContext main_;  // the main thread as a worker, after the last of them
  upstream::discovery::Resolvers resolvers_;
  std::unique_ptr<event::FileWatcher> file_watcher_;  // of the main thread; null: the system has none left
  std::optional<PluginWatch> plugin_watch_;
  std::unique_ptr<Discovery> discovery_;
  std::unique_ptr<upstream::health::HealthChecks> health_;
};

}  // namespace weir::server
