#include "source/stats/registry.h"

#include <utility>

#include "source/base/check.h"

namespace weir::stats {

uint32_t Registry::enter(Kind kind, const Name& name) {
  std::string text = textName(name);
  const std::lock_guard lock(mutex_);
  const auto found = metrics_.find(text);
  if (found != metrics_.end()) {
    CHECK(found->second.kind == kind, "a metric keeps its kind");
    return found->second.index;
  }
  const auto family = families_.emplace(prometheusFamily(name), kind).first;
  CHECK(family->second == kind, "all metrics of one Prometheus name are of one kind");
  uint32_t& next = kind == Kind::kCounter ? counters_ : kind == Kind::kGauge ? gauges_ : histograms_;
  const uint32_t index = next++;
  // Workers find the cells there when they learn the id.
  for (const std::unique_ptr<Shard>& shard : shards_) growShard(*shard);
  metrics_.emplace(std::move(text), Metric{kind, index, &family->first, prometheusLabels(name)});
  return index;
}

CounterId Registry::counter(const Name& name) { return {enter(Kind::kCounter, name)}; }
GaugeId Registry::gauge(const Name& name) { return {enter(Kind::kGauge, name)}; }
HistogramId Registry::histogram(const Name& name) { return {enter(Kind::kHistogram, name)}; }

void Registry::growShard(Shard& shard) const {
  shard.counters_.grow(counters_);
  shard.gauges_.grow(gauges_);
  shard.histograms_.grow(histograms_);
  shard.histogram_count_ = histograms_;
}

Shard& Registry::makeShard() {
  const std::lock_guard lock(mutex_);
  shards_.push_back(std::make_unique<Shard>());
  growShard(*shards_.back());
  return *shards_.back();
}

uint64_t Registry::counterSum(uint32_t index) const {
  uint64_t sum = 0;
  for (const std::unique_ptr<Shard>& shard : shards_) {
    sum += shard->counters_.at(index).load(std::memory_order_relaxed);
  }
  return sum;
}

HistogramSummary Registry::histogramSum(uint32_t index) const {
  HistogramReader reader;
  for (const std::unique_ptr<Shard>& shard : shards_) {
    const HistogramCells* const cells = shard->histograms_.at(index).load(std::memory_order_acquire);
    if (cells != nullptr) reader.add(*cells);
  }
  return reader.summary();
}

std::optional<Sample> Registry::sample(std::string_view text, const Metric& metric, bool used_only) const {
  Sample out{text, *metric.family, metric.labels, {}};
  bool used = false;
  switch (metric.kind) {
    case Kind::kCounter: {
      const uint64_t sum = counterSum(metric.index);
      used = sum != 0;
      out.value = sum - (metric.index < baselines_.size() ? baselines_[metric.index] : 0);
      break;
    }
    case Kind::kGauge: {
      int64_t sum = 0;
      for (const std::unique_ptr<Shard>& shard : shards_) {
        const int64_t cell = shard->gauges_.at(metric.index).load(std::memory_order_relaxed);
        used |= cell != 0;
        sum += cell >> 1;
      }
      out.value = sum;
      break;
    }
    case Kind::kHistogram: {
      const HistogramSummary summary = histogramSum(metric.index);
      used = summary.count != 0;
      out.value = summary;
      break;
    }
  }
  if (used_only && !used) return std::nullopt;
  return out;
}

uint64_t Registry::value(CounterId id) const {
  const std::lock_guard lock(mutex_);
  return counterSum(id.index) - (id.index < baselines_.size() ? baselines_[id.index] : 0);
}

int64_t Registry::value(GaugeId id) const {
  const std::lock_guard lock(mutex_);
  int64_t sum = 0;
  for (const std::unique_ptr<Shard>& shard : shards_) {
    sum += shard->gauges_.at(id.index).load(std::memory_order_relaxed) >> 1;
  }
  return sum;
}

HistogramSummary Registry::value(HistogramId id) const {
  const std::lock_guard lock(mutex_);
  return histogramSum(id.index);
}

std::optional<uint64_t> Registry::counterValue(std::string_view text) const {
  const std::lock_guard lock(mutex_);
  const auto found = metrics_.find(text);
  if (found == metrics_.end() || found->second.kind != Kind::kCounter) return std::nullopt;
  return std::get<uint64_t>(sample(text, found->second, false)->value);
}

std::optional<int64_t> Registry::gaugeValue(std::string_view text) const {
  const std::lock_guard lock(mutex_);
  const auto found = metrics_.find(text);
  if (found == metrics_.end() || found->second.kind != Kind::kGauge) return std::nullopt;
  return std::get<int64_t>(sample(text, found->second, false)->value);
}

std::vector<Sample> Registry::read(const Selection& selection) const {
  std::vector<Sample> out;
  const std::lock_guard lock(mutex_);
  for (const auto& [text, metric] : metrics_) {
    if (selection.filter && !selection.filter(text)) continue;
    if (std::optional<Sample> one = sample(text, metric, selection.used_only)) out.push_back(*std::move(one));
  }
  return out;
}

void Registry::resetCounters() {
  const std::lock_guard lock(mutex_);
  baselines_.resize(counters_);
  for (uint32_t i = 0; i < counters_; ++i) baselines_[i] = counterSum(i);
}

}  // namespace weir::stats
