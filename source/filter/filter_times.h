// FilterTime: how long one filter of one exchange took: inside its hooks, and between a Wait and its answer. A list of
// them hangs on StreamInfo::filter_times, of the filters that are timed, in the arena of the exchange; null where none
// is. FilterTimesWanted: which filters the logs of a chain ask for, gathered at load. Filters that nobody asks for are
// not timed, and cost what they cost without all this.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "source/stats/stats.h"

namespace weir::filter {

struct FilterTime {
  std::string_view name;                        // of the filter in its chain; lives as long as the configuration
  std::optional<stats::HistogramId> histogram;  // none unless all filters are wanted
  absl::Duration spent = absl::ZeroDuration();
  FilterTime* next = nullptr;
};

// Whole microseconds, rounded down, never below 0.
inline uint64_t microsecondsOf(absl::Duration spent) {
  const int64_t microseconds = absl::ToInt64Microseconds(spent);
  return microseconds < 0 ? 0 : static_cast<uint64_t>(microseconds);
}

struct FilterTimesWanted {
  bool all = false;  // with histograms of them
  std::vector<std::string> names;

  bool none() const { return !all && names.empty(); }
  bool has(std::string_view name) const {
    for (const std::string& one : names) {
      if (one == name) return true;
    }
    return all;
  }
};

}  // namespace weir::filter
