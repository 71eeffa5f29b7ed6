#include "source/server/admin/endpoint_samples.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "source/base/strings.h"
#include "source/stats/name.h"

namespace weir::server {
namespace {

using stats::Sample;
using upstream::HostTotals;

struct Count {
  std::string_view name;
  std::string_view family;
  uint64_t HostTotals::*value;
  bool gauge;
};

constexpr Count kCounts[] = {
    {"cx_active", "envoy_cluster_endpoint_cx_active", &HostTotals::cx_active, true},
    {"cx_connect_fail", "envoy_cluster_endpoint_cx_connect_fail", &HostTotals::cx_connect_fail, false},
    {"cx_total", "envoy_cluster_endpoint_cx_total", &HostTotals::cx_total, false},
    {"rq_active", "envoy_cluster_endpoint_rq_active", &HostTotals::rq_active, true},
    {"rq_error", "envoy_cluster_endpoint_rq_error", &HostTotals::rq_error, false},
    {"rq_success", "envoy_cluster_endpoint_rq_success", &HostTotals::rq_success, false},
    {"rq_timeout", "envoy_cluster_endpoint_rq_timeout", &HostTotals::rq_timeout, false},
    {"rq_total", "envoy_cluster_endpoint_rq_total", &HostTotals::rq_total, false},
};
constexpr std::string_view kHealthy = "healthy";
constexpr std::string_view kHealthyFamily = "envoy_cluster_endpoint_healthy";

std::string labelsOf(std::string_view cluster, const upstream::Host& host) {
  const auto labels = [](std::string_view instance, std::string_view key, std::string_view value) {
    return stats::prometheusLabels({"cluster", instance, "endpoint", key, value});
  };
  std::string out = labels(cluster, "envoy_endpoint_address", host.text);
  if (!host.hostname.empty()) absl::StrAppend(&out, ",", labels({}, "envoy_endpoint_hostname", host.hostname));
  return out;
}

class Samples {
 public:
  explicit Samples(const stats::Selection& selection) : selection_(selection) {}

  void add(std::string_view cluster, const upstream::HostEntry& entry) {
    const upstream::Host& host = *entry.host;
    const HostTotals totals = host.totals();
    if (selection_.used_only && totals.cx_total == 0 && totals.rq_total == 0) return;
    const std::string head = absl::StrCat(stats::textName({"cluster", cluster, "endpoint"}), ".",
                                          stats::instanceText({"cluster", host.text, "endpoint"}), ".");
    const std::string labels = labelsOf(cluster, host);
    for (const Count& count : kCounts) {
      const uint64_t value = totals.*count.value;
      if (count.gauge) {
        add(head, count.name, count.family, labels, static_cast<int64_t>(value));
      } else {
        add(head, count.name, count.family, labels, value);
      }
    }
    const bool healthy = entry.flags.status() == upstream::lb::Status::kHealthy;
    add(head, kHealthy, kHealthyFamily, labels, int64_t{healthy ? 1 : 0});
  }

  // Those with the same name and labels as one.
  std::vector<Sample> take() {
    const auto key = [](const Sample& sample) { return std::tie(sample.text, sample.prometheus_labels); };
    std::sort(all_.begin(), all_.end(), [&](const Sample& a, const Sample& b) { return key(a) < key(b); });
    std::vector<Sample> out;
    for (Sample& sample : all_) {
      if (out.empty() || key(out.back()) != key(sample)) {
        out.push_back(std::move(sample));
      } else if (auto* const counter = std::get_if<uint64_t>(&out.back().value)) {
        *counter += std::get<uint64_t>(sample.value);
      } else {
        std::get<int64_t>(out.back().value) += std::get<int64_t>(sample.value);
      }
    }
    return out;
  }

 private:
  template <typename Value>
  void add(const std::string& head, std::string_view name, std::string_view family, const std::string& labels,
           Value value) {
    std::string text = absl::StrCat(head, base::av(name));
    if (selection_.filter != nullptr && !selection_.filter(text)) return;
    all_.push_back(Sample{std::move(text), family, labels, value});
  }

  const stats::Selection& selection_;
  std::vector<Sample> all_;
};

}  // namespace

void addEndpointSamples(const upstream::HostDirectory& hosts, const stats::Selection& selection,
                        std::vector<stats::Sample>& samples) {
  Samples found(selection);
  for (const std::unique_ptr<upstream::ClusterHosts>& cluster : hosts.all()) {
    const upstream::ClusterConfig& config = cluster->cluster().config();
    if (!config.shows_endpoints) continue;
    for (const upstream::HostEntry& entry : cluster->entries()) found.add(config.stat_name, entry);
  }
  std::vector<Sample> more = found.take();
  if (more.empty()) return;
  const auto middle = static_cast<std::ptrdiff_t>(samples.size());
  std::move(more.begin(), more.end(), std::back_inserter(samples));
  std::inplace_merge(samples.begin(), samples.begin() + middle, samples.end(),
                     [](const Sample& a, const Sample& b) { return a.text < b.text; });
}

}  // namespace weir::server
