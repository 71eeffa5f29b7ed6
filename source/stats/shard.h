// Shard: the numbers of one worker, and one more for the main thread (law 16). Made by Registry::makeShard and owned
// by the Registry, so that the counts of a worker that ended are kept. Written only by its worker, with plain loads
// and stores that take no lock and share no line with other workers; read by any thread through the Registry.
// Ids come from the Registry at load. Nothing allocates, except the first value of a histogram on this worker.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "source/stats/chunked_array.h"
#include "source/stats/histogram.h"

namespace weir::stats {

// An id that the Registry did not give is a bug, and checked when it is written to.
struct CounterId {
  uint32_t index = UINT32_MAX;
};
struct GaugeId {
  uint32_t index = UINT32_MAX;
};
struct HistogramId {
  uint32_t index = UINT32_MAX;
};

class Shard {
 public:
  Shard() = default;
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;
  ~Shard();

  void add(CounterId id, uint64_t n = 1) {
    std::atomic<uint64_t>& cell = counters_.at(id.index);
    cell.store(cell.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  // A gauge is the signed sum over all shards: one worker may take away what another added.
  void gaugeAdd(GaugeId id, int64_t n) {
    std::atomic<int64_t>& cell = gauges_.at(id.index);
    writeGauge(cell, (cell.load(std::memory_order_relaxed) >> 1) + n);
  }
  // Sets this shard's part of the sum: for gauges that only one thread writes.
  void gaugeSet(GaugeId id, int64_t value) { writeGauge(gauges_.at(id.index), value); }
  // The unit is the histogram's; milliseconds unless its name says otherwise.
  void record(HistogramId id, uint64_t value);

 private:
  friend class Registry;

  // The lowest bit says that the gauge was ever written; what is above is the value.
  static void writeGauge(std::atomic<int64_t>& cell, int64_t value) {
    cell.store(static_cast<int64_t>(static_cast<uint64_t>(value) << 1 | 1), std::memory_order_relaxed);
  }

  ChunkedArray<uint64_t> counters_;
  ChunkedArray<int64_t> gauges_;
  ChunkedArray<HistogramCells*> histograms_;
  size_t histogram_count_ = 0;
};

}  // namespace weir::stats
