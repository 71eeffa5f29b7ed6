#include "source/upstream/health/check_state.h"

#include <utility>

namespace weir::upstream::health {

CheckState::Change CheckState::onResult(CheckResult result) {
  const bool passed = result == CheckResult::kPass || result == CheckResult::kPassDegraded;
  in_a_row_ = checked_ && passed == last_passed_ ? in_a_row_ + 1 : 1;
  last_passed_ = passed;
  Change change;
  change.first = !std::exchange(checked_, true);
  const bool was = healthy_;
  if (passed) {
    degraded_ = result == CheckResult::kPassDegraded;
    if (change.first || in_a_row_ >= config_.healthy_threshold) healthy_ = true;
  } else if (change.first || result == CheckResult::kFailAtOnce || in_a_row_ >= config_.unhealthy_threshold) {
    healthy_ = false;
  }
  change.became_healthy = healthy_ && (change.first || !was);
  change.became_unhealthy = !healthy_ && (change.first || was);
  return change;
}

absl::Duration CheckState::plainInterval(bool traffic) const {
  if (!traffic) {
    return healthy_ ? config_.no_traffic_healthy_interval.value_or(config_.no_traffic_interval)
                    : config_.no_traffic_interval;
  }
  // The results do not agree with the state yet: an edge is being decided.
  if (healthy_ && !last_passed_) return config_.unhealthy_edge_interval.value_or(config_.interval);
  if (!healthy_ && last_passed_) return config_.healthy_edge_interval.value_or(config_.interval);
  return healthy_ ? config_.interval : config_.unhealthy_interval.value_or(config_.interval);
}

absl::Duration CheckState::nextInterval(bool traffic, base::Random& random) const {
  const absl::Duration interval = plainInterval(traffic);
  const auto upTo = [&](absl::Duration most) {
    const int64_t milliseconds = absl::ToInt64Milliseconds(most);
    return milliseconds <= 0 ? absl::ZeroDuration()
                             : absl::Milliseconds(random.below(static_cast<uint64_t>(milliseconds)));
  };
  return interval + upTo(config_.interval_jitter) + upTo(interval * config_.interval_jitter_percent / 100);
}

}  // namespace weir::upstream::health
