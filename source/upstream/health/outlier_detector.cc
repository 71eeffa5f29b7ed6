#include "source/upstream/health/outlier_detector.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "source/base/strings.h"

namespace weir::upstream::health {
namespace {

using Kind = RequestOutcome::Kind;

bool isGatewayFailure(uint16_t status) { return status == 502 || status == 503 || status == 504; }

}  // namespace

std::string_view ejectionCauseName(EjectionCause cause) {
  constexpr std::string_view kNames[kEjectionCauses] = {
      "consecutive_5xx",           "consecutive_gateway_failure", "consecutive_local_origin_failure", "success_rate",
      "local_origin_success_rate", "failure_percentage",          "local_origin_failure_percentage"};
  return kNames[static_cast<size_t>(cause)];
}

namespace {

// As the log of ejections has it.
std::string_view typeName(EjectionCause cause) {
  constexpr std::string_view kNames[kEjectionCauses] = {
      "CONSECUTIVE_5XX",           "CONSECUTIVE_GATEWAY_FAILURE", "CONSECUTIVE_LOCAL_ORIGIN_FAILURE", "SUCCESS_RATE",
      "SUCCESS_RATE_LOCAL_ORIGIN", "FAILURE_PERCENTAGE",          "FAILURE_PERCENTAGE_LOCAL_ORIGIN"};
  return kNames[static_cast<size_t>(cause)];
}

int64_t whole(double percent) { return static_cast<int64_t>(percent); }

}  // namespace

// On any worker, several at once.
class OutlierDetector::Monitor final : public HostMonitor {
 public:
  Monitor(std::shared_ptr<Inbox> inbox, std::shared_ptr<Record> record)
      : inbox_(std::move(inbox)), record_(std::move(record)) {}

  void onOutcome(const RequestOutcome& outcome) override {
    const bool answered = outcome.kind == Kind::kSuccess || outcome.kind == Kind::kError;
    Counts& counts = record_->counts;
    if (!answered && inbox_->config.split_local_origin) {
      counts.local_total.fetch_add(1, std::memory_order_relaxed);
      count(counts.local_in_a_row, inbox_->config.local_origin, EjectionCause::kConsecutiveLocalOriginFailure);
      return;
    }
    if (inbox_->config.split_local_origin) {
      // To have got an answer at all is a success of the way there.
      counts.local_total.fetch_add(1, std::memory_order_relaxed);
      counts.local_good.fetch_add(1, std::memory_order_relaxed);
      forget(counts.local_in_a_row);
    }
    counts.total.fetch_add(1, std::memory_order_relaxed);
    if (outcome.kind == Kind::kSuccess) {
      counts.good.fetch_add(1, std::memory_order_relaxed);
      forget(counts.errors_in_a_row);
      forget(counts.gateway_in_a_row);
      return;
    }
    count(counts.errors_in_a_row, inbox_->config.errors, EjectionCause::kConsecutive5xx);
    if (!answered || isGatewayFailure(outcome.status)) {
      count(counts.gateway_in_a_row, inbox_->config.gateway, EjectionCause::kConsecutiveGatewayFailure);
    } else {
      forget(counts.gateway_in_a_row);
    }
  }

 private:
  // Most hosts succeed: their cache line is not written.
  static void forget(std::atomic<uint32_t>& counter) {
    if (counter.load(std::memory_order_relaxed) != 0) counter.store(0, std::memory_order_relaxed);
  }

  void count(std::atomic<uint32_t>& counter, const OutlierConfig::Consecutive& limit, EjectionCause cause) {
    const uint32_t now = counter.fetch_add(1, std::memory_order_relaxed) + 1;
    if (limit.threshold == 0 || now != limit.threshold) return;
    counter.store(0, std::memory_order_relaxed);
    inbox_->main.post([inbox = inbox_, record = record_, cause] {
      if (inbox->detector != nullptr) inbox->detector->onConsecutive(record, cause);
    });
  }

  const std::shared_ptr<Inbox> inbox_;
  const std::shared_ptr<Record> record_;
};

OutlierDetector::OutlierDetector(const Context& context)
    : context_(context),
      inbox_(std::make_shared<Inbox>(Inbox{context.main, context.config, this})),
      timer_(context.main, *this) {
  const std::string& name = context.hosts.cluster().config().stat_name.empty()
                                ? context.hosts.cluster().config().name
                                : context.hosts.cluster().config().stat_name;
  const auto counter = [&](const std::string& what) {
    return context.registry.counter({"cluster", name, absl::StrCat("outlier_detection.", what)});
  };
  for (size_t i = 0; i < kEjectionCauses; ++i) {
    const auto cause = base::av(ejectionCauseName(static_cast<EjectionCause>(i)));
    causes_[i] = {counter(absl::StrCat("ejections_detected_", cause)),
                  counter(absl::StrCat("ejections_enforced_", cause))};
  }
  enforced_total_ = counter("ejections_enforced_total");
  overflow_ = counter("ejections_overflow");
  active_ = context.registry.gauge({"cluster", name, "outlier_detection.ejections_active"});
  context.hosts.monitorWith([this](const Host& host) { return makeMonitor(host); });
  context.hosts.observe(*this);
  timer_.arm(context.config.interval);
}

OutlierDetector::~OutlierDetector() {
  inbox_->detector = nullptr;
  context_.hosts.unobserve(*this);
}

std::unique_ptr<HostMonitor> OutlierDetector::makeMonitor(const Host& host) {
  auto record = std::make_shared<Record>();
  record->host = &host;
  records_[&host] = record;
  return std::make_unique<Monitor>(inbox_, std::move(record));
}

void OutlierDetector::onHostsChanged(std::span<const std::shared_ptr<const Host>>,
                                     std::span<const std::shared_ptr<const Host>> removed) {
  for (const std::shared_ptr<const Host>& host : removed) {
    const auto found = records_.find(host.get());
    if (found == records_.end()) continue;
    Record& record = *found->second;
    record.host = nullptr;
    if (record.ejected) {
      --ejected_;
      context_.shard.gaugeAdd(active_, -1);
    }
    records_.erase(found);
  }
}

void OutlierDetector::onConsecutive(const std::shared_ptr<Record>& record, EjectionCause cause) {
  if (record->host == nullptr) return;
  const OutlierConfig& config = context_.config;
  const OutlierConfig::Consecutive& limit = cause == EjectionCause::kConsecutive5xx              ? config.errors
                                            : cause == EjectionCause::kConsecutiveGatewayFailure ? config.gateway
                                                                                                 : config.local_origin;
  detected(*record, cause, limit.enforcing, ",\"eject_consecutive_event\":{}");
}

std::optional<absl::Duration> OutlierDetector::sinceLastAction(const Record& record) const {
  if (!record.last_action.has_value()) return std::nullopt;
  return context_.main.now() - *record.last_action;
}

void OutlierDetector::detected(Record& record, EjectionCause cause, uint32_t enforcing, std::string detail) {
  if (record.ejected) return;
  context_.shard.add(causes_[static_cast<size_t>(cause)].detected);
  if (enforcing < 100 && context_.random.below(100) >= enforcing) {
    context_.events.ejected(
        context_.hosts.cluster(), *record.host,
        {typeName(cause), ejectionCauseName(cause), record.times, /*enforced=*/false, std::move(detail)},
        sinceLastAction(record));
    return;
  }
  if (!mayEject(context_.config, ejected_, records_.size())) {
    context_.shard.add(overflow_);
    return;
  }
  eject(record, cause, std::move(detail));
}

void OutlierDetector::eject(Record& record, EjectionCause cause, std::string detail) {
  record.ejected = true;
  record.cause = cause;
  ++record.times;
  ++ejected_;
  const int64_t jitter = absl::ToInt64Milliseconds(context_.config.max_ejection_time_jitter);
  const absl::Duration more =
      jitter <= 0 ? absl::ZeroDuration() : absl::Milliseconds(context_.random.below(static_cast<uint64_t>(jitter) + 1));
  record.back_at = context_.main.now() + ejectionTime(context_.config, record.times) + more;
  context_.shard.add(causes_[static_cast<size_t>(cause)].enforced);
  context_.shard.add(enforced_total_);
  context_.shard.gaugeAdd(active_, 1);
  context_.hosts.setFlag(*record.host, HealthFlag::kFailedOutlierCheck, true);
  context_.events.ejected(
      context_.hosts.cluster(), *record.host,
      {typeName(cause), ejectionCauseName(cause), record.times, /*enforced=*/true, std::move(detail)},
      sinceLastAction(record));
  record.last_action = context_.main.now();
}

void OutlierDetector::uneject(Record& record) {
  record.ejected = false;
  --ejected_;
  context_.shard.gaugeAdd(active_, -1);
  record.counts.errors_in_a_row.store(0, std::memory_order_relaxed);
  record.counts.gateway_in_a_row.store(0, std::memory_order_relaxed);
  record.counts.local_in_a_row.store(0, std::memory_order_relaxed);
  context_.hosts.setFlag(*record.host, HealthFlag::kFailedOutlierCheck, false);
  context_.events.unejected(context_.hosts.cluster(), *record.host,
                            {typeName(record.cause), ejectionCauseName(record.cause), record.times},
                            sinceLastAction(record));
  record.last_action = context_.main.now();
}

void OutlierDetector::onCheckPassed(const Host& host) {
  const auto found = records_.find(&host);
  if (!context_.config.check_unejects || found == records_.end() || !found->second->ejected) return;
  uneject(*found->second);
}

// Each interval that a host gets through without being ejected makes its next ejection shorter again.
void OutlierDetector::letBack() {
  for (auto& [host, record] : records_) {
    if (!record->ejected) {
      if (record->times > 0) --record->times;
    } else if (context_.main.now() >= record->back_at) {
      uneject(*record);
    }
  }
}

void OutlierDetector::checkRates(bool local) {
  const OutlierConfig& config = context_.config;
  std::vector<Record*> records;
  std::vector<Tally> tallies;
  for (auto& [host, record] : records_) {
    Counts& counts = record->counts;
    auto& good = local ? counts.local_good : counts.good;
    auto& total = local ? counts.local_total : counts.total;
    // The total first: what is counted in between is good of the next interval, and never above the total.
    const uint64_t all = total.exchange(0, std::memory_order_relaxed);
    const uint64_t well = std::min(all, good.exchange(0, std::memory_order_relaxed));
    if (record->ejected) continue;
    records.push_back(record.get());
    tallies.push_back({well, all});
  }
  const auto rates = successRates(tallies, config.success_rate_request_volume, config.success_rate_minimum_hosts,
                                  config.success_rate_stdev_factor);
  size_t enough = 0;
  for (const Tally& tally : tallies) enough += tally.total >= config.failure_percentage_request_volume ? 1 : 0;
  for (size_t i = 0; i < records.size(); ++i) {
    const Tally& tally = tallies[i];
    if (tally.total == 0) continue;
    if (rates && tally.total >= config.success_rate_request_volume && tally.successRate() < rates->threshold) {
      detected(*records[i], local ? EjectionCause::kSuccessRateLocalOrigin : EjectionCause::kSuccessRate,
               local ? config.enforcing_local_origin_success_rate : config.enforcing_success_rate,
               absl::StrCat(",\"eject_success_rate_event\":{\"host_success_rate\":", whole(tally.successRate()),
                            ",\"cluster_average_success_rate\":", whole(rates->average),
                            ",\"cluster_success_rate_ejection_threshold\":", whole(rates->threshold), "}"));
    }
    if (enough >= config.failure_percentage_minimum_hosts && tally.total >= config.failure_percentage_request_volume &&
        100.0 - tally.successRate() >= config.failure_percentage_threshold) {
      detected(
          *records[i], local ? EjectionCause::kFailurePercentageLocalOrigin : EjectionCause::kFailurePercentage,
          local ? config.enforcing_failure_percentage_local_origin : config.enforcing_failure_percentage,
          absl::StrCat(",\"eject_failure_percentage_event\":{\"host_success_rate\":", whole(tally.successRate()), "}"));
    }
  }
}

void OutlierDetector::onTimer(event::Timer&) {
  letBack();
  checkRates(false);
  if (context_.config.split_local_origin) checkRates(true);
  timer_.arm(context_.config.interval);
}

}  // namespace weir::upstream::health
