#include "source/stats/render_json.h"

#include <string_view>
#include <variant>

#include "absl/strings/str_cat.h"
#include "source/base/strings.h"

namespace weir::stats {
namespace {

// Names come from the configuration and are UTF-8 already.
void appendQuoted(std::string& out, std::string_view text) {
  constexpr char kHex[] = "0123456789abcdef";
  out += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20) {
      out += "\\u00";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
      continue;
    }
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  out += '"';
}

void appendHistogram(std::string& out, const Sample& sample, const HistogramSummary& summary) {
  if (!out.empty()) out += ',';
  out += "{\"name\":";
  appendQuoted(out, sample.text);
  out += ",\"values\":[";
  for (size_t i = 0; i < summary.quantiles.size(); ++i) {
    absl::StrAppend(&out, i == 0 ? "" : ",", "{\"interval\":null,\"cumulative\":");
    if (summary.count == 0) {
      out += "null}";
    } else {
      absl::StrAppend(&out, summary.quantiles[i], "}");
    }
  }
  out += "]}";
}

}  // namespace

std::string renderJson(const std::vector<Sample>& samples) {
  std::string out = "{\"stats\":[";
  std::string histograms;
  bool first = true;
  for (const Sample& sample : samples) {
    if (const auto* summary = std::get_if<HistogramSummary>(&sample.value)) {
      appendHistogram(histograms, sample, *summary);
      continue;
    }
    out += first ? "{\"name\":" : ",{\"name\":";
    first = false;
    appendQuoted(out, sample.text);
    out += ",\"value\":";
    if (const auto* counter = std::get_if<uint64_t>(&sample.value)) {
      absl::StrAppend(&out, *counter, "}");
    } else {
      absl::StrAppend(&out, std::get<int64_t>(sample.value), "}");
    }
  }
  if (!histograms.empty()) {
    out += first ? "{\"histograms\":{\"supported_quantiles\":[" : ",{\"histograms\":{\"supported_quantiles\":[";
    for (size_t i = 0; i < kHistogramQuantiles.size(); ++i) {
      absl::StrAppend(&out, i == 0 ? "" : ",", base::av(kHistogramQuantiles[i].percent));
    }
    absl::StrAppend(&out, "],\"computed_quantiles\":[", histograms, "]}}");
  }
  out += "]}";
  return out;
}

}  // namespace weir::stats
