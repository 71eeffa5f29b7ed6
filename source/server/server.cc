#include "source/server/server.h"

#include <signal.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "source/base/log.h"
#include "source/base/strings.h"
#include "source/server/bind_listeners.h"
#include "source/server/descriptor_limit.h"
#include "source/server/version.h"

namespace weir::server {

namespace dns = upstream::dns;

namespace {

constexpr uint32_t kAdminConnections = 256;
constexpr size_t kAdminBuffer = 256 * 1024;
constexpr int kAdminBacklog = 128;
// How long the start waits for names to be resolved, and hosts to be checked; longer than two servers take to answer
// after one that does not.
constexpr absl::Duration kStartPatience = absl::Seconds(15);

std::string clusterNames(const proxy::FilterChain& chain) {
  std::string names;
  for (const std::string& cluster : chain.terminal->clusters()) {
    absl::StrAppend(&names, names.empty() ? "" : ", ", cluster);
  }
  return names.empty() ? "no cluster" : names;
}

std::string chainText(const proxy::FilterChainMatcher& chains) {
  std::string text;
  const auto append = [&text](const proxy::FilterChain& chain) {
    absl::StrAppend(&text, text.empty() ? "chain " : "; chain ", chain.name, " -> ", clusterNames(chain));
  };
  for (const proxy::FilterChain& chain : chains.chains()) append(chain);
  if (chains.defaultChain() != nullptr) append(*chains.defaultChain());
  return text;
}

// Of a listener without sockets.
std::vector<net::Address> configuredAddresses(const ListenerPlan& plan) {
  std::vector<net::Address> all;
  for (const BoundAddress& bound : plan.addresses) all.push_back(bound.address);
  return all;
}

std::string addressText(const std::vector<net::Address>& addresses) {
  std::string text;
  for (const net::Address& address : addresses) absl::StrAppend(&text, text.empty() ? "" : ", ", address.text());
  return text;
}

}  // namespace

Server::Server(const Parts& parts)
    : parts_(parts),
      descriptors_(raiseDescriptorLimit()),
      shard_(parts.stats.makeShard()),
      gauges_{parts.stats.gauge({"server", "", "live"}),
              parts.stats.gauge({"server", "", "state"}),
              parts.stats.gauge({"server", "", "uptime"}),
              parts.stats.gauge({"server", "", "concurrency"}),
              parts.stats.gauge({"server", "", "total_connections"}),
              parts.stats.gauge({"listener_manager", "", "total_listeners_active"}),
              parts.stats.gauge({"cluster_manager", "", "active_clusters"}),
              parts.stats.gauge({"server", "", "days_until_first_cert_expiring"})},
      network_(poller_),
      dispatcher_(poller_, parts.clock),
      drain_timer_(dispatcher_, *this),
      patience_(dispatcher_, *this),
      certificates_(parts.config.transports, dispatcher_, poller_, shard_),
      connection_limit_(static_cast<uint32_t>(std::min<uint64_t>(connectionLimit(descriptors_, parts.concurrency),
                                                                 parts.config.max_connections.value_or(UINT32_MAX)))),
      admin_limit_(kAdminConnections),
      hosts_(
          parts.config.clusters, dispatcher_,
          [this](size_t cluster, const std::shared_ptr<const upstream::HostSet>& set) { publishHosts(cluster, set); }),
      view_{parts.stats, parts.clock, parts.started, parts.bootstrap},
      pages_(view_),
      random_(base::Random::entropy()),
      main_{dispatcher_, network_, blocks_, chunks_, random_, shard_, parts.concurrency},
      resolvers_(dispatcher_, poller_) {
  for (unsigned i = 0; i < parts.concurrency; ++i) {
    threads_.push_back(std::make_unique<WorkerThread>(i, parts.clock, parts.stats, connection_limit_, parts.config));
  }
}

Server::~Server() = default;

absl::Status Server::run() {
  watchSignals();
  if (absl::Status status = start(); !status.ok()) return status;
  if (phase_ == Phase::kLive) {
    logListeners();
    logReady(descriptors_);
  }
  dispatcher_.run();
  health_.reset();
  discovery_.reset();
  admin_worker_.reset();
  threads_.clear();
  parts_.logs.flush();
  return absl::OkStatus();
}

absl::Status Server::start() {
  std::vector<Worker*> workers;
  for (const auto& thread : threads_) workers.push_back(&thread->worker());
  if (absl::Status status = bindListeners(parts_.config.listeners, workers); !status.ok()) return status;
  fillView();
  hosts_.setLocalCluster(parts_.config.local_cluster, parts_.config.node_locality);
  if (absl::Status status = startAdmin(); !status.ok()) return status;
  if (absl::Status status = checkHealth(); !status.ok()) return status;
  if (absl::Status status = discover(); !status.ok()) return status;
  awaitHosts();
  if (ended_) return absl::OkStatus();
  for (Worker* const worker : workers) {
    if (absl::Status status = worker->start(); !status.ok()) return status;
  }
  phase_ = Phase::kLive;
  refreshGauges();
  for (const auto& thread : threads_) thread->run();
  return absl::OkStatus();
}

// Before there are any workers, so that no host is used unchecked.
absl::Status Server::checkHealth() {
  absl::Status failed;
  const auto open = [&](const std::string& path) -> upstream::health::HealthEvents::Write {
    const absl::StatusOr<filter::LogSink*> sink = parts_.logs.open(path);
    if (!sink.ok()) {
      failed.Update(sink.status());
      return nullptr;
    }
    return [this, to = *sink](std::string_view line) { to->write(main_, line); };
  };
  health_ = std::make_unique<upstream::health::HealthChecks>(
      hosts_, parts_.config.health,
      upstream::health::HealthChecks::Seams{main_, parts_.stats, open, parts_.config.ejection_log});
  return failed;
}

absl::Status Server::discover() {
  auto watcher = event::FileWatcher::create(dispatcher_, poller_);
  if (watcher.ok()) {
    file_watcher_ = *std::move(watcher);
  } else {
    LOG(kWarning, watcher.status().message());
  }
  plugin_watch_.emplace(dispatcher_, file_watcher_.get(), parts_.plugins);
  auto discovery = Discovery::make(
      parts_.config,
      {dispatcher_, random_, parts_.stats, shard_, hosts_,
       [this](const upstream::dns::AresOptions& options) { return resolvers_.get(options); }, file_watcher_.get()});
  if (!discovery.ok()) return discovery.status();
  discovery_ = *std::move(discovery);
  return absl::OkStatus();
}

// The main thread's loop turns here until the clusters have their first hosts, and these were checked.
void Server::awaitHosts() {
  refreshGauges();
  patience_.arm(kStartPatience);
  while (!ended_ && patience_.armed() && !discovery_->warm()) dispatcher_.turn(true);
  dispatcher_.turn(false);  // what was found goes to the workers, and is checked
  while (!ended_ && patience_.armed() && !health_->warm()) dispatcher_.turn(true);
  patience_.cancel();
  dispatcher_.turn(false);  // and so does what was found out about it
  const std::vector<std::string_view> missing = discovery_->waitingFor();
  if (!ended_ && !missing.empty()) {
    LOG(kWarning, missing.size(), missing.size() == 1 ? " cluster has" : " clusters have", " no answer of DNS after ",
        absl::FormatDuration(kStartPatience), ", serving starts without: ",
        absl::StrJoin(missing, ", ", [](std::string* out, std::string_view name) { out->append(name); }));
  }
  if (!ended_ && !health_->warm()) {
    LOG(kWarning, "hosts are not checked after ", absl::FormatDuration(kStartPatience),
        ", serving starts without those");
  }
}

std::vector<AdminView::ResolvedName> Server::namesOf(std::string_view cluster) const {
  std::vector<AdminView::ResolvedName> out;
  if (discovery_ == nullptr) return out;
  for (const auto& name : discovery_->namesOf(cluster)) {
    out.push_back({name.name, dns::stateText(name.state), dns::outcomeText(name.outcome), name.hosts});
  }
  return out;
}

std::string_view Server::stateText() const {
  switch (phase_) {
    case Phase::kInitializing:
      return "INITIALIZING";
    case Phase::kLive:
      return "LIVE";
    case Phase::kDraining:
      break;
  }
  return "DRAINING";
}

absl::Status Server::startAdmin() {
  if (!parts_.config.admin) return absl::OkStatus();
  const AdminPlan& plan = *parts_.config.admin;
  std::vector<proxy::FilterChain> chains(1);
  chains[0].name = "admin";
  chains[0].terminal = std::make_unique<AdminSessionFactory>(pages_, plan.access_logs);
  auto matcher = proxy::FilterChainMatcher::make(std::move(chains), nullptr);
  if (!matcher.ok()) return matcher.status();
  auto config = std::make_unique<proxy::ListenerConfig>();
  config->name = "admin";
  config->chains = *std::move(matcher);
  config->limits = {kAdminBuffer, kAdminBuffer};
  config->backlog = kAdminBacklog;
  config->stats = proxy::ListenerStats::make(parts_.stats, "admin");
  ListenerPlan listener;
  listener.config = std::move(config);
  listener.addresses = {plan.address};
  listener.reuse_port = false;
  admin_plan_.push_back(std::move(listener));
  const Worker::Seams seams{dispatcher_, network_, parts_.stats, base::Random::entropy(), admin_limit_};
  admin_worker_ = std::make_unique<Worker>(parts_.concurrency, seams,
                                           std::span<const std::shared_ptr<const upstream::Cluster>>(), admin_plan_);
  Worker* const worker = admin_worker_.get();
  if (absl::Status status = bindListeners(admin_plan_, {&worker, 1}); !status.ok()) return status;
  return worker->start();
}

void Server::fillView() {
  const Options& options = parts_.options;
  view_.version = kVersion;
  view_.node_id = parts_.config.node_id;
  view_.node_cluster = parts_.config.node_cluster;
  view_.node_metadata = parts_.config.node_metadata;
  view_.concurrency = parts_.concurrency;
  view_.options = {{"config_path", options.config_path},
                   {"config_yaml", options.config_yaml},
                   {"log_level", options.log_level},
                   {"concurrency", absl::StrCat(parts_.concurrency)},
                   {"drain_time", absl::FormatDuration(options.drain_time)}};
  view_.hosts = &hosts_;
  view_.names = [this](std::string_view cluster) { return namesOf(cluster); };
  for (size_t i = 0; i < parts_.config.listeners.size(); ++i) {
    const proxy::ActiveListener& listener = threads_.front()->worker().listener(i);
    std::vector<net::Address> addresses = listener.addresses();
    if (addresses.empty()) addresses = configuredAddresses(parts_.config.listeners[i]);
    view_.listeners.push_back({listener.config().name, std::move(addresses)});
  }
  view_.state = [this] { return stateText(); };
  view_.transports = &parts_.config.transports;
  if (parts_.config.admin) view_.allowed = parts_.config.admin->allowed;
  view_.refresh_gauges = [this] { refreshGauges(); };
  view_.shut_down = [this] { shutDown("POST /quitquitquit"); };
}

void Server::watchSignals() {
  ::signal(SIGPIPE, SIG_IGN);
  poller_.watchSignal(SIGTERM, [this] { shutDown("SIGTERM"); });
  poller_.watchSignal(SIGINT, [this] { shutDown("SIGINT"); });
  poller_.watchSignal(SIGUSR1, [this] {
    LOG(kInfo, "SIGUSR1: opening the log files again");
    parts_.logs.reopen();
  });
  poller_.watchSignal(SIGHUP, [] { LOG(kWarning, "SIGHUP is ignored; restart to load another configuration"); });
}

void Server::logListeners() const {
  for (size_t i = 0; i < view_.listeners.size(); ++i) {
    LOG(kInfo, "listener ", view_.listeners[i].name, " on ", addressText(view_.listeners[i].addresses), ": ",
        chainText(*parts_.config.listeners[i].config->chains));
  }
  if (admin_worker_ != nullptr) LOG(kInfo, "admin on ", addressText(admin_worker_->listener(0).addresses()));
}

void Server::logReady(uint64_t descriptors) const {
  const absl::Duration took = parts_.clock.monotonic() - parts_.started;
  LOG(kInfo, "ready in ", absl::StrFormat("%.1f", absl::ToDoubleMilliseconds(took)), " ms: weir ", base::av(kVersion),
      ", ", parts_.concurrency, parts_.concurrency == 1 ? " worker" : " workers", ", at most ",
      connection_limit_.limit(), " connections of ", descriptors, " open files");
}

void Server::refreshGauges() {
  shard_.gaugeSet(gauges_.live, phase_ == Phase::kLive ? 1 : 0);
  // The numbers are Envoy's: live, draining, initializing.
  shard_.gaugeSet(gauges_.state, phase_ == Phase::kLive ? 0 : phase_ == Phase::kDraining ? 1 : 3);
  shard_.gaugeSet(gauges_.uptime, absl::ToInt64Seconds(parts_.clock.monotonic() - parts_.started));
  shard_.gaugeSet(gauges_.concurrency, parts_.concurrency);
  shard_.gaugeSet(gauges_.connections, connection_limit_.used());
  shard_.gaugeSet(gauges_.listeners, static_cast<int64_t>(parts_.config.listeners.size()));
  shard_.gaugeSet(gauges_.days_until_expiry, certificates_.daysUntilFirstExpiry(parts_.clock.wall()));
  shard_.gaugeSet(gauges_.clusters, static_cast<int64_t>(parts_.config.clusters.size()));
}

void Server::shutDown(std::string_view cause) {
  if (phase_ == Phase::kDraining) {
    end(absl::StrCat(base::av(cause), " again"));
    return;
  }
  if (phase_ == Phase::kInitializing) {
    end(absl::StrCat(base::av(cause), " before it listened"));
    return;
  }
  phase_ = Phase::kDraining;
  LOG(kInfo, "shutting down: ", base::av(cause), "; what is under way may finish within ",
      absl::FormatDuration(parts_.options.drain_time));
  drain_timer_.arm(parts_.options.drain_time);
  for (const auto& thread : threads_) {
    Worker& worker = thread->worker();
    thread->post([this, &worker] { worker.drain([this] { dispatcher_.post([this] { onWorkerDrained(); }); }); });
  }
}

void Server::publishHosts(size_t cluster, const std::shared_ptr<const upstream::HostSet>& hosts) {
  for (const auto& thread : threads_) {
    Worker& worker = thread->worker();
    thread->post([&worker, cluster, hosts] { worker.setHosts(cluster, hosts); });
  }
}

void Server::onWorkerDrained() {
  if (++drained_workers_ == threads_.size()) end("all connections have finished");
}

void Server::end(std::string_view why) {
  if (std::exchange(ended_, true)) return;
  const uint32_t left = connection_limit_.used();
  LOG(kInfo, "ended: ", base::av(why), "; ", left, left == 1 ? " connection was dropped" : " connections were dropped");
  dispatcher_.stop();
}

void Server::onTimer(event::Timer& timer) {
  if (&timer == &patience_) return;
  end(absl::StrCat("the drain time of ", absl::FormatDuration(parts_.options.drain_time), " is over"));
}

}  // namespace weir::server
