#include "source/upstream/health/health_checker.h"

#include <string>
#include <utility>

#include "source/event/timer.h"

namespace weir::upstream::health {

class HealthChecker::Session final : private ProbeOwner, private event::TimerHandler {
 public:
  Session(HealthChecker& checker, std::shared_ptr<const Host> host, const HostEntry& entry)
      : checker_(checker),
        host_(std::move(host)),
        state_(checker.context_.config),
        timer_(checker.context_.main.dispatcher, *this),
        probe_(makeProbe({checker.context_.config, checker.context_.hosts.cluster().config().transportOf(*host_),
                          checker.context_.hosts.cluster(), checker.context_.main, checker.context_.h2_memory},
                         addressOf(entry, checker.context_.config), nameOf(entry), *this)) {
    const int64_t jitter = absl::ToInt64Milliseconds(checker.context_.config.initial_jitter);
    timer_.arm(jitter <= 0 ? absl::ZeroDuration()
                           : absl::Milliseconds(checker.context_.main.random.below(static_cast<uint64_t>(jitter))));
  }

  bool checked() const { return state_.checked(); }
  bool healthy() const { return state_.healthy(); }
  // It said so itself; the next check comes as planned.
  void failAtOnce() {
    checker_.shard().add(checker_.stats_.passive_failure);
    take(CheckResult::kFailAtOnce, "it said so in an answer");
    checker_.context_.hosts.setFlag(*host_, HealthFlag::kExcludedByCheck, true);
  }

 private:
  static net::Address addressOf(const HostEntry& entry, const CheckConfig& config) {
    const bool own = entry.health_address.family() != net::Address::Family::kNone;
    const net::Address& address = own ? entry.health_address : entry.host->address;
    if (!config.port || !address.isIp()) return address;
    const auto other = net::Address::parseIp(address.ip(), *config.port);
    return other.ok() ? *other : address;
  }
  static std::string nameOf(const HostEntry& entry) {
    return entry.health_hostname.empty() ? entry.host->hostname : entry.health_hostname;
  }

  void onTimer(event::Timer&) override {
    checker_.shard().add(checker_.stats_.attempt);
    probe_->ask();
  }

  void onProbed(CheckResult result, std::string_view why) override {
    count(result);
    take(result, why);
    const bool passed = result == CheckResult::kPass || result == CheckResult::kPassDegraded;
    if (passed && checker_.context_.on_passed) checker_.context_.on_passed(*host_);
    timer_.arm(state_.nextInterval(checker_.traffic(), checker_.context_.main.random));
  }

  void take(CheckResult result, std::string_view why) {
    const bool was_checked = state_.checked();
    const bool was_healthy = state_.healthy();
    const CheckState::Change change = state_.onResult(result);
    if (!was_checked) --checker_.unchecked_;
    if (was_healthy != state_.healthy()) checker_.shard().gaugeAdd(checker_.stats_.healthy, was_healthy ? -1 : 1);
    setFlags(result);
    tell(change, result, why);
  }

  void count(CheckResult result) {
    stats::Shard& shard = checker_.shard();
    const Stats& stats = checker_.stats_;
    switch (result) {
      case CheckResult::kPass:
      case CheckResult::kPassDegraded:
        return shard.add(stats.success);
      case CheckResult::kTimeout:
        shard.add(stats.timeout);
        [[fallthrough]];
      case CheckResult::kConnectFailure:
        shard.add(stats.network_failure);
        [[fallthrough]];
      case CheckResult::kFail:
      case CheckResult::kFailAtOnce:
        shard.add(stats.failure);
    }
  }

  void setFlags(CheckResult result) {
    ClusterHosts& hosts = checker_.context_.hosts;
    hosts.setFlag(*host_, HealthFlag::kPendingActiveCheck, false);
    hosts.setFlag(*host_, HealthFlag::kFailedActiveCheck, !state_.healthy());
    if (state_.healthy()) hosts.setFlag(*host_, HealthFlag::kExcludedByCheck, false);
    hosts.setFlag(*host_, HealthFlag::kDegradedActiveCheck, state_.healthy() && state_.degraded());
    hosts.setFlag(*host_, HealthFlag::kActiveCheckTimeout, !state_.healthy() && result == CheckResult::kTimeout);
  }

  void tell(const CheckState::Change& change, CheckResult result, std::string_view why) {
    const HealthEvents& events = checker_.context_.events;
    const CheckConfig& config = checker_.context_.config;
    const Cluster& cluster = checker_.context_.hosts.cluster();
    if (change.became_healthy) return events.healthy(cluster, *host_, change.first);
    if (change.became_unhealthy) return events.unhealthy(cluster, *host_, why, change.first);
    const bool passed = result == CheckResult::kPass || result == CheckResult::kPassDegraded;
    if (passed && config.log_every_success) events.passed(cluster, *host_);
    if (!passed && config.log_every_failure) events.failed(cluster, *host_, why);
  }

  HealthChecker& checker_;
  const std::shared_ptr<const Host> host_;
  CheckState state_;
  event::Timer timer_;
  const std::unique_ptr<Probe> probe_;
};

HealthChecker::HealthChecker(Context context)
    : context_(std::move(context)), inbox_(std::make_shared<Inbox>(Inbox{context_.main.dispatcher, this})) {
  const ClusterConfig& config = context_.hosts.cluster().config();
  const std::string& name = config.stat_name.empty() ? config.name : config.stat_name;
  const auto counter = [&](const char* what) { return context_.registry.counter({"cluster", name, what}); };
  stats_ = {counter("health_check.attempt"),
            counter("health_check.success"),
            counter("health_check.failure"),
            counter("health_check.passive_failure"),
            counter("health_check.network_failure"),
            counter("health_check.timeout"),
            context_.registry.gauge({"cluster", name, "health_check.healthy"})};
  context_.hosts.cluster().onFailAtOnce([inbox = inbox_](const std::shared_ptr<const Host>& host) {
    inbox->main.post([inbox, host] {
      if (inbox->checker == nullptr) return;
      const auto session = inbox->checker->sessions_.find(host.get());
      if (session != inbox->checker->sessions_.end()) session->second->failAtOnce();
    });
  });
  context_.hosts.observe(*this);
  for (const HostEntry& entry : context_.hosts.entries()) add(entry.host);
}

HealthChecker::~HealthChecker() {
  inbox_->checker = nullptr;
  context_.hosts.unobserve(*this);
}

void HealthChecker::add(const std::shared_ptr<const Host>& host) {
  const HostEntry* const entry = context_.hosts.find(*host);
  if (entry == nullptr || entry->no_health_check) return;
  auto session = std::make_unique<Session>(*this, host, *entry);
  if (!sessions_.emplace(host.get(), std::move(session)).second) return;
  ++unchecked_;
  context_.hosts.setFlag(*host, HealthFlag::kPendingActiveCheck, true);
  context_.hosts.setFlag(*host, HealthFlag::kFailedActiveCheck, true);
}

void HealthChecker::onHostsChanged(std::span<const std::shared_ptr<const Host>> added,
                                   std::span<const std::shared_ptr<const Host>> removed) {
  for (const std::shared_ptr<const Host>& host : removed) {
    const auto found = sessions_.find(host.get());
    if (found == sessions_.end()) continue;
    if (!found->second->checked()) --unchecked_;
    if (found->second->healthy()) shard().gaugeAdd(stats_.healthy, -1);
    sessions_.erase(found);
  }
  for (const std::shared_ptr<const Host>& host : added) add(host);
}

bool HealthChecker::traffic() const {
  if (traffic_) return true;
  for (const HostEntry& entry : context_.hosts.entries()) traffic_ = traffic_ || entry.host->totals().rq_total > 0;
  return traffic_;
}

}  // namespace weir::upstream::health
