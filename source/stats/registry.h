// Registry: knows every metric by name, gives out ids at load, owns the shards and adds them up on read. One per
// process (or per simulated proxy); made first and destroyed last. Every call is safe from any thread: registration
// and reading take a lock that workers never take, since they only touch their Shard. A metric is never removed.
//
//   load:    CounterId id = registry.counter({"cluster", "backend", "upstream_rq_total"});
//   start:   Shard& shard = registry.makeShard();            // one per worker
//   serving: shard.add(id);
//   admin:   registry.read({});
//
// Nearly all metrics are those of some instance among many (a cluster of thousands), so that names are kept in two
// parts: what the metric is called, once for all instances, and for each instance which of these it has.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "source/stats/histogram.h"
#include "source/stats/name.h"
#include "source/stats/shard.h"

namespace weir::stats {

// The value of one metric at one moment. The view lives as long as the Registry.
struct Sample {
  std::string text;                                         // "cluster.backend.upstream_rq_total"
  std::string_view prometheus_family;                       // "envoy_cluster_upstream_rq_total"
  std::string prometheus_labels;                            // `envoy_cluster_name="backend"`, escaped
  std::variant<uint64_t, int64_t, HistogramSummary> value;  // counter, gauge, histogram
};

// Which metrics to read.
struct Selection {
  std::function<bool(std::string_view text)> filter;  // by text form; none: all
  bool used_only = false;                             // leave out what no worker ever wrote
};

class Registry {
 public:
  Registry() = default;
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;

  // The same name gives the same id again. A name of another kind is a bug, and checked.
  CounterId counter(const Name& name);
  GaugeId gauge(const Name& name);
  HistogramId histogram(const Name& name);

  // Valid as long as the Registry. Whoever asked hands it to the one thread that writes it.
  Shard& makeShard();

  uint64_t value(CounterId id) const;
  int64_t value(GaugeId id) const;
  HistogramSummary value(HistogramId id) const;
  // By text form; nothing if there is no counter or gauge of that name.
  std::optional<uint64_t> counterValue(std::string_view text) const;
  std::optional<int64_t> gaugeValue(std::string_view text) const;

  // Sorted by text form.
  std::vector<Sample> read(const Selection& selection) const;

  // All counters read as 0 from here on. Gauges and histograms keep their values.
  void resetCounters();

 private:
  enum class Kind : uint8_t { kCounter, kGauge, kHistogram };
  static constexpr size_t kKinds = 3;
  using Counts = std::array<uint32_t, kKinds>;  // by Kind

  // What a metric is called, without its instance.
  struct Title {
    Kind kind;
    std::string group, metric, label_key, label_value;
    const std::string* family;  // a key of families_
    Counts before;              // titles that are older
    Name of(std::string_view instance) const { return {group, instance, metric, label_key, label_value}; }
  };
  // Metrics of one instance with titles that follow each other, and so do their indices. What all clusters have is one
  // run in each.
  struct Run {
    uint32_t first;  // title
    uint32_t titles;
    Counts base;  // the index that a title of that kind has, or would have, at the beginning of the run
  };
  using Runs = std::vector<Run>;

  uint32_t enter(Kind kind, const Name& name);
  uint32_t titleOf(Kind kind, const Name& name, const Runs& runs);
  std::optional<uint32_t> indexOf(const Runs& runs, uint32_t title) const;
  uint32_t indexIn(const Run& run, uint32_t title) const;
  std::optional<uint32_t> indexOfText(Kind kind, std::string_view text) const;
  void growShard(Shard& shard) const;
  uint64_t counterSum(uint32_t index) const;
  int64_t gaugeSum(uint32_t index, bool& used) const;
  void read(const std::string& instance, uint32_t title, uint32_t index, const Selection& selection,
            std::vector<Sample>& out) const;
  HistogramSummary histogramSum(uint32_t index) const;

  mutable std::mutex mutex_;  // guards all below
  std::vector<Title> titles_;
  absl::flat_hash_map<std::string, uint32_t> titles_by_name_;
  absl::flat_hash_map<std::string, Runs> instances_;
  std::map<std::string, Kind, std::less<>> families_;
  Counts next_{};  // index
  std::vector<std::unique_ptr<Shard>> shards_;
  // Only the owner writes a cell, so a reset remembers what was there instead.
  std::vector<uint64_t> baselines_;
};

}  // namespace weir::stats
