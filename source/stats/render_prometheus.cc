#include "source/stats/render_prometheus.h"

#include <algorithm>
#include <tuple>
#include <variant>

#include "absl/strings/str_cat.h"
#include "source/base/strings.h"

namespace weir::stats {
namespace {

using base::av;

std::string_view typeOf(const Sample& sample) {
  if (std::holds_alternative<uint64_t>(sample.value)) return "counter";
  return std::holds_alternative<int64_t>(sample.value) ? "gauge" : "histogram";
}

// "family_suffix{labels,extra} ", without braces if there is nothing to put between them.
void appendSeries(std::string& out, const Sample& sample, std::string_view suffix, std::string_view le = {}) {
  absl::StrAppend(&out, av(sample.prometheus_family), av(suffix));
  if (!sample.prometheus_labels.empty() || !le.empty()) {
    absl::StrAppend(&out, "{", av(sample.prometheus_labels));
    if (!le.empty()) absl::StrAppend(&out, sample.prometheus_labels.empty() ? "" : ",", "le=\"", av(le), "\"");
    out += '}';
  }
  out += ' ';
}

void appendHistogram(std::string& out, const Sample& sample, const HistogramSummary& summary) {
  for (size_t i = 0; i < kHistogramBounds.size(); ++i) {
    appendSeries(out, sample, "_bucket", kHistogramBounds[i].text);
    absl::StrAppend(&out, summary.cumulative[i], "\n");
  }
  appendSeries(out, sample, "_bucket", "+Inf");
  absl::StrAppend(&out, summary.count, "\n");
  appendSeries(out, sample, "_sum");
  absl::StrAppend(&out, summary.sum, "\n");
  appendSeries(out, sample, "_count");
  absl::StrAppend(&out, summary.count, "\n");
}

}  // namespace

std::string renderPrometheus(std::vector<Sample> samples) {
  std::sort(samples.begin(), samples.end(), [](const Sample& a, const Sample& b) {
    return std::tie(a.prometheus_family, a.prometheus_labels) < std::tie(b.prometheus_family, b.prometheus_labels);
  });
  std::string out;
  std::string_view family;
  for (const Sample& sample : samples) {
    if (sample.prometheus_family != family) {
      family = sample.prometheus_family;
      absl::StrAppend(&out, "# TYPE ", av(family), " ", av(typeOf(sample)), "\n");
    }
    if (const auto* summary = std::get_if<HistogramSummary>(&sample.value)) {
      appendHistogram(out, sample, *summary);
      continue;
    }
    appendSeries(out, sample, "");
    if (const auto* counter = std::get_if<uint64_t>(&sample.value)) {
      absl::StrAppend(&out, *counter, "\n");
    } else {
      absl::StrAppend(&out, std::get<int64_t>(sample.value), "\n");
    }
  }
  return out;
}

}  // namespace weir::stats
