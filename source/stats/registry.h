// Registry: knows every metric by name, gives out ids at load, owns the shards and adds them up on read. One per
// process (or per simulated proxy); made first and destroyed last. Every call is safe from any thread: registration
// and reading take a lock that workers never take, since they only touch their Shard. A metric is never removed.
//
//   load:    CounterId id = registry.counter({"cluster", "backend", "upstream_rq_total"});
//   start:   Shard& shard = registry.makeShard();            // one per worker
//   serving: shard.add(id);
//   admin:   registry.read({});
#pragma once

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

#include "source/stats/histogram.h"
#include "source/stats/name.h"
#include "source/stats/shard.h"

namespace weir::stats {

// The value of one metric at one moment. The views live as long as the Registry.
struct Sample {
  std::string_view text;                                    // "cluster.backend.upstream_rq_total"
  std::string_view prometheus_family;                       // "envoy_cluster_upstream_rq_total"
  std::string_view prometheus_labels;                       // `envoy_cluster_name="backend"`, escaped
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
  enum class Kind { kCounter, kGauge, kHistogram };
  struct Metric {
    Kind kind;
    uint32_t index;
    const std::string* family;  // a key of families_
    std::string labels;
  };

  uint32_t enter(Kind kind, const Name& name);
  void growShard(Shard& shard) const;
  uint64_t counterSum(uint32_t index) const;
  std::optional<Sample> sample(std::string_view text, const Metric& metric, bool used_only) const;
  HistogramSummary histogramSum(uint32_t index) const;

  mutable std::mutex mutex_;  // guards all below
  std::map<std::string, Metric, std::less<>> metrics_;
  std::map<std::string, Kind, std::less<>> families_;
  uint32_t counters_ = 0;
  uint32_t gauges_ = 0;
  uint32_t histograms_ = 0;
  std::vector<std::unique_ptr<Shard>> shards_;
  // Only the owner writes a cell, so a reset remembers what was there instead.
  std::vector<uint64_t> baselines_;
};

}  // namespace weir::stats
