#include "source/stats/registry.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "source/base/check.h"
#include "source/base/strings.h"

namespace weir::stats {
namespace {

// Stands in no name.
constexpr std::string_view kBetween = "\n";

// The same for all instances.
std::string titleKey(const Name& name) {
  return absl::StrCat(base::av(name.group), base::av(kBetween), base::av(name.metric), base::av(kBetween),
                      base::av(name.label_key), base::av(kBetween), base::av(name.label_value));
}

// The instance that makes `text` the text of that name; none when there is none.
std::optional<std::string> instanceIn(std::string_view text, Name name) {
  // Wherever it stands, there is a mark in its place, and what is around it stays.
  name.instance = kBetween;
  const std::string whole = textName(name);
  const size_t at = whole.find(kBetween);
  const std::string_view head = std::string_view(whole).substr(0, at);
  const std::string_view tail = std::string_view(whole).substr(at + kBetween.size());
  if (text.size() <= head.size() + tail.size() || !text.starts_with(head) || !text.ends_with(tail)) return std::nullopt;
  return std::string(text.substr(head.size(), text.size() - head.size() - tail.size()));
}

}  // namespace

uint32_t Registry::titleOf(Kind kind, const Name& name, const Runs& runs) {
  const auto [found, fresh] = titles_by_name_.emplace(titleKey(name), static_cast<uint32_t>(titles_.size()));
  if (!fresh) {
    if (titles_[found->second].kind == kind) return found->second;
    CHECK(!indexOf(runs, found->second).has_value(), "a metric keeps its kind");
  }
  const auto family = families_.emplace(prometheusFamily(name), kind).first;
  CHECK(family->second == kind, "all metrics of one Prometheus name are of one kind");
  Title& title = titles_.emplace_back(Title{kind,
                                            std::string(name.group),
                                            std::string(name.metric),
                                            std::string(name.label_key),
                                            std::string(name.label_value),
                                            &family->first,
                                            {}});
  if (titles_.size() > 1) {
    const Title& last = titles_[titles_.size() - 2];
    title.before = last.before;
    ++title.before[static_cast<size_t>(last.kind)];
  }
  return found->second;
}

uint32_t Registry::indexIn(const Run& run, uint32_t title) const {
  const auto kind = static_cast<size_t>(titles_[title].kind);
  return run.base[kind] + titles_[title].before[kind] - titles_[run.first].before[kind];
}

std::optional<uint32_t> Registry::indexOf(const Runs& runs, uint32_t title) const {
  for (const Run& run : runs) {
    if (title - run.first < run.titles) return indexIn(run, title);
  }
  return std::nullopt;
}

uint32_t Registry::enter(Kind kind, const Name& name) {
  std::string instance = instanceText(name);
  const std::lock_guard lock(mutex_);
  Runs& runs = instances_[std::move(instance)];
  const uint32_t title = titleOf(kind, name, runs);
  if (const std::optional<uint32_t> known = indexOf(runs, title)) return *known;
  const uint32_t index = next_[static_cast<size_t>(kind)];
  const bool goes_on =
      !runs.empty() && runs.back().first + runs.back().titles == title && indexIn(runs.back(), title) == index;
  if (goes_on) {
    ++runs.back().titles;
  } else {
    runs.push_back({title, 1, next_});
  }
  ++next_[static_cast<size_t>(kind)];
  // Workers find the cells there when they learn the id.
  for (const std::unique_ptr<Shard>& shard : shards_) growShard(*shard);
  return index;
}

CounterId Registry::counter(const Name& name) { return {enter(Kind::kCounter, name)}; }
GaugeId Registry::gauge(const Name& name) { return {enter(Kind::kGauge, name)}; }
HistogramId Registry::histogram(const Name& name) { return {enter(Kind::kHistogram, name)}; }

void Registry::growShard(Shard& shard) const {
  shard.counters_.grow(next_[static_cast<size_t>(Kind::kCounter)]);
  shard.gauges_.grow(next_[static_cast<size_t>(Kind::kGauge)]);
  shard.histogram_count_ = next_[static_cast<size_t>(Kind::kHistogram)];
  shard.histograms_.grow(shard.histogram_count_);
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

int64_t Registry::gaugeSum(uint32_t index, bool& used) const {
  int64_t sum = 0;
  for (const std::unique_ptr<Shard>& shard : shards_) {
    const int64_t cell = shard->gauges_.at(index).load(std::memory_order_relaxed);
    used |= cell != 0;
    sum += cell >> 1;
  }
  return sum;
}

void Registry::read(const std::string& instance, uint32_t number, uint32_t index, const Selection& selection,
                    std::vector<Sample>& out) const {
  const Title& title = titles_[number];
  const Name name = title.of(instance);
  Sample one{textName(name), *title.family, {}, {}};
  if (selection.filter && !selection.filter(one.text)) return;
  bool used = false;
  switch (title.kind) {
    case Kind::kCounter: {
      const uint64_t sum = counterSum(index);
      used = sum != 0;
      one.value = sum - (index < baselines_.size() ? baselines_[index] : 0);
      break;
    }
    case Kind::kGauge:
      one.value = gaugeSum(index, used);
      break;
    case Kind::kHistogram: {
      const HistogramSummary summary = histogramSum(index);
      used = summary.count != 0;
      one.value = summary;
      break;
    }
  }
  if (selection.used_only && !used) return;
  one.prometheus_labels = prometheusLabels(name);
  out.push_back(std::move(one));
}

uint64_t Registry::value(CounterId id) const {
  const std::lock_guard lock(mutex_);
  return counterSum(id.index) - (id.index < baselines_.size() ? baselines_[id.index] : 0);
}

int64_t Registry::value(GaugeId id) const {
  const std::lock_guard lock(mutex_);
  bool used = false;
  return gaugeSum(id.index, used);
}

HistogramSummary Registry::value(HistogramId id) const {
  const std::lock_guard lock(mutex_);
  return histogramSum(id.index);
}

std::optional<uint32_t> Registry::indexOfText(Kind kind, std::string_view text) const {
  const std::lock_guard lock(mutex_);
  for (uint32_t title = 0; title < titles_.size(); ++title) {
    if (titles_[title].kind != kind) continue;
    const bool bare = textName(titles_[title].of({})) == text;
    const std::optional<std::string> instance = bare ? std::string() : instanceIn(text, titles_[title].of({}));
    if (!instance.has_value()) continue;
    const auto found = instances_.find(*instance);
    if (found == instances_.end()) continue;
    if (const std::optional<uint32_t> index = indexOf(found->second, title)) return index;
  }
  return std::nullopt;
}

std::optional<uint64_t> Registry::counterValue(std::string_view text) const {
  const std::optional<uint32_t> index = indexOfText(Kind::kCounter, text);
  return index.has_value() ? std::optional(value(CounterId{*index})) : std::nullopt;
}

std::optional<int64_t> Registry::gaugeValue(std::string_view text) const {
  const std::optional<uint32_t> index = indexOfText(Kind::kGauge, text);
  return index.has_value() ? std::optional(value(GaugeId{*index})) : std::nullopt;
}

std::vector<Sample> Registry::read(const Selection& selection) const {
  std::vector<Sample> out;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [instance, runs] : instances_) {
      for (const Run& run : runs) {
        for (uint32_t title = run.first; title < run.first + run.titles; ++title) {
          read(instance, title, indexIn(run, title), selection, out);
        }
      }
    }
  }
  std::sort(out.begin(), out.end(), [](const Sample& a, const Sample& b) { return a.text < b.text; });
  return out;
}

void Registry::resetCounters() {
  const std::lock_guard lock(mutex_);
  baselines_.resize(next_[static_cast<size_t>(Kind::kCounter)]);
  for (uint32_t i = 0; i < baselines_.size(); ++i) baselines_[i] = counterSum(i);
}

}  // namespace weir::stats
