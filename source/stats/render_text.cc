#include "source/stats/render_text.h"

#include <variant>

#include "absl/strings/str_cat.h"
#include "source/base/strings.h"

namespace weir::stats {

std::string renderText(const std::vector<Sample>& samples) {
  std::string out;
  for (const Sample& sample : samples) {
    absl::StrAppend(&out, base::av(sample.text), ":");
    if (const auto* counter = std::get_if<uint64_t>(&sample.value)) {
      absl::StrAppend(&out, " ", *counter);
    } else if (const auto* gauge = std::get_if<int64_t>(&sample.value)) {
      absl::StrAppend(&out, " ", *gauge);
    } else if (const auto& summary = std::get<HistogramSummary>(sample.value); summary.count == 0) {
      out += " No recorded values";
    } else {
      for (size_t i = 0; i < kHistogramQuantiles.size(); ++i) {
        absl::StrAppend(&out, " P", base::av(kHistogramQuantiles[i].percent), "(", summary.quantiles[i], ")");
      }
    }
    out += '\n';
  }
  return out;
}

}  // namespace weir::stats
