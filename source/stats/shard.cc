#include "source/stats/shard.h"

namespace weir::stats {

Shard::~Shard() {
  for (uint32_t i = 0; i < histogram_count_; ++i) delete histograms_.at(i).load(std::memory_order_relaxed);
}

void Shard::record(HistogramId id, uint64_t value) {
  std::atomic<HistogramCells*>& slot = histograms_.at(id.index);
  HistogramCells* cells = slot.load(std::memory_order_relaxed);
  if (cells == nullptr) {
    cells = new HistogramCells;
    slot.store(cells, std::memory_order_release);
  }
  cells->record(value);
}

}  // namespace weir::stats
