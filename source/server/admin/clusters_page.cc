#include "source/server/admin/clusters_page.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "source/base/strings.h"
#include "source/server/admin/quote_json.h"

namespace weir::server {
namespace {

using upstream::HostEntry;
using upstream::HostTotals;

struct CountName {
  std::string_view name;
  uint64_t HostTotals::*count;
  bool gauge;
};

constexpr CountName kCounts[] = {
    {"cx_active", &HostTotals::cx_active, true},    {"cx_connect_fail", &HostTotals::cx_connect_fail, false},
    {"cx_total", &HostTotals::cx_total, false},     {"rq_active", &HostTotals::rq_active, true},
    {"rq_error", &HostTotals::rq_error, false},     {"rq_success", &HostTotals::rq_success, false},
    {"rq_timeout", &HostTotals::rq_timeout, false}, {"rq_total", &HostTotals::rq_total, false},
};

struct FlagName {
  upstream::HealthFlag flag;
  std::string_view text;
  std::string_view json;  // the field; empty: said by eds_health_status
};

constexpr FlagName kFlags[] = {
    {upstream::HealthFlag::kFailedActiveCheck, "/failed_active_hc", "failed_active_health_check"},
    {upstream::HealthFlag::kFailedOutlierCheck, "/failed_outlier_check", "failed_outlier_check"},
    {upstream::HealthFlag::kFailedDiscovery, "/failed_eds_health", ""},
    {upstream::HealthFlag::kDegradedActiveCheck, "/degraded_active_hc", "failed_active_degraded_check"},
    {upstream::HealthFlag::kDegradedDiscovery, "/degraded_eds_health", ""},
    {upstream::HealthFlag::kPendingActiveCheck, "/pending_active_hc", "pending_active_hc"},
    {upstream::HealthFlag::kExcludedByCheck, "/excluded_via_immediate_hc_fail", "excluded_via_immediate_hc_fail"},
    {upstream::HealthFlag::kActiveCheckTimeout, "/active_hc_timeout", "active_hc_timeout"},
    {upstream::HealthFlag::kDrainingDiscovery, "/eds_status_draining", ""},
    {upstream::HealthFlag::kDrainingAdmin, "/draining", "draining"},
    {upstream::HealthFlag::kPendingRemoval, "/pending_dynamic_removal", "pending_dynamic_removal"},
};

std::string flagsText(upstream::HealthFlags flags) {
  std::string out;
  for (const FlagName& name : kFlags) {
    if (flags.has(name.flag)) absl::StrAppend(&out, base::av(name.text));
  }
  return out.empty() ? "healthy" : out;
}

std::string_view discoveryHealth(upstream::HealthFlags flags) {
  if (flags.has(upstream::HealthFlag::kDrainingDiscovery)) return "DRAINING";
  if (flags.has(upstream::HealthFlag::kFailedDiscovery)) return "UNHEALTHY";
  return flags.has(upstream::HealthFlag::kDegradedDiscovery) ? "DEGRADED" : "HEALTHY";
}

std::string healthJson(upstream::HealthFlags flags) {
  std::string out = absl::StrCat("{\"eds_health_status\":\"", base::av(discoveryHealth(flags)), "\"");
  for (const FlagName& name : kFlags) {
    if (!name.json.empty() && flags.has(name.flag)) absl::StrAppend(&out, ",\"", base::av(name.json), "\":true");
  }
  return out + "}";
}

// Percent of the requests that were answered well; -1 as long as there are none.
std::string successRate(const HostTotals& totals) {
  const uint64_t all = totals.rq_success + totals.rq_error;
  if (all == 0) return "-1";
  return absl::StrFormat("%.4g", 100.0 * static_cast<double>(totals.rq_success) / static_cast<double>(all));
}

std::string meanMilliseconds(const HostTotals& totals) {
  if (totals.rq_success == 0) return "0";
  return absl::StrFormat("%.3f",
                         static_cast<double>(totals.latency_us) / 1000.0 / static_cast<double>(totals.rq_success));
}

const upstream::HostGroup& groupOf(const HostEntry& entry) {
  static const upstream::HostGroup kNone;
  return entry.group == nullptr ? kNone : *entry.group;
}

// A limit of the circuit breakers, with the names of what is said about it.
struct LimitName {
  std::string_view limit;
  std::string_view open;
  std::string_view remaining;
  uint32_t upstream::Thresholds::*value;
  upstream::SharedLimit upstream::CircuitBreaker::*count;
};
constexpr LimitName kLimits[] = {
    {"max_connections", "cx_open", "remaining_cx", &upstream::Thresholds::max_connections,
     &upstream::CircuitBreaker::connections},
    {"max_pending_requests", "rq_pending_open", "remaining_pending", &upstream::Thresholds::max_pending_requests,
     &upstream::CircuitBreaker::pending},
    {"max_requests", "rq_open", "remaining_rq", &upstream::Thresholds::max_requests,
     &upstream::CircuitBreaker::requests},
    {"max_retries", "rq_retry_open", "remaining_retries", &upstream::Thresholds::max_retries,
     &upstream::CircuitBreaker::retries},
};

uint32_t remainingOf(const upstream::SharedLimit& count) {
  return count.limit() - std::min(count.used(), count.limit());
}

// A budget has no number that something could remain of.
bool isCounted(const LimitName& name, const upstream::Thresholds& thresholds) {
  return name.count != &upstream::CircuitBreaker::retries || !thresholds.retry_budget.has_value();
}

void appendThresholds(std::string& out, std::string_view priority, const upstream::Cluster& cluster,
                      upstream::Priority which) {
  const upstream::Thresholds& thresholds = cluster.config().thresholds[static_cast<size_t>(which)];
  const std::string head = absl::StrCat(cluster.config().name, "::", base::av(priority), "::");
  for (const LimitName& name : kLimits) {
    if (isCounted(name, thresholds))
      absl::StrAppend(&out, head, base::av(name.limit), "::", thresholds.*name.value, "\n");
  }
  if (const std::optional<upstream::RetryBudget>& budget = thresholds.retry_budget) {
    absl::StrAppend(&out, head, "retry_budget_percent::", budget->percent, "\n", head,
                    "min_retry_concurrency::", budget->min_concurrency, "\n");
  }
  for (const LimitName& name : kLimits) {
    if (!isCounted(name, thresholds)) continue;
    const uint32_t remaining = remainingOf(cluster.breaker(which).*name.count);
    absl::StrAppend(&out, head, base::av(name.open), "::", remaining == 0 ? 1 : 0, "\n", head, base::av(name.remaining),
                    "::", remaining, "\n");
  }
}

void appendHostText(std::string& out, const std::string& name, const HostEntry& entry) {
  const std::string head = absl::StrCat(name, "::", entry.host->text, "::");
  const HostTotals totals = entry.host->totals();
  for (const CountName& count : kCounts) {
    absl::StrAppend(&out, head, base::av(count.name), "::", totals.*count.count, "\n");
  }
  const upstream::HostGroup& group = groupOf(entry);
  absl::StrAppend(&out, head, "hostname::", entry.host->hostname, "\n");
  absl::StrAppend(&out, head, "health_flags::", flagsText(entry.flags), "\n");
  absl::StrAppend(&out, head, "weight::", entry.effectiveWeight(), "\n");
  absl::StrAppend(&out, head, "region::", group.locality.region, "\n", head, "zone::", group.locality.zone, "\n", head,
                  "sub_zone::", group.locality.sub_zone, "\n");
  absl::StrAppend(&out, head, "priority::", group.priority, "\n");
  absl::StrAppend(&out, head, "success_rate::", successRate(totals), "\n");
  absl::StrAppend(&out, head, "mean_latency_ms::", meanMilliseconds(totals), "\n");
  if (entry.metadata == nullptr) return;
  for (const auto& [key, value] : *entry.metadata) absl::StrAppend(&out, head, "metadata::", key, "=", value, "\n");
}

// What balancing goes by: each key with its values, which are JSON.
std::string metadataJson(const upstream::lb::Metadata& metadata) {
  std::map<std::string_view, std::string> values;
  for (const auto& [key, value] : metadata) {
    std::string& list = values[key];
    absl::StrAppend(&list, list.empty() ? "" : ",", value);
  }
  std::string out = "{";
  for (const auto& [key, list] : values) {
    absl::StrAppend(&out, out.size() == 1 ? "" : ",", quoteJson(key), ":[", list, "]");
  }
  return out + "}";
}

std::string hostJson(const HostEntry& entry) {
  std::string out = absl::StrCat("{\"address\":", addressJson(entry.host->address), ",\"stats\":[");
  const HostTotals totals = entry.host->totals();
  const char* comma = "";
  for (const CountName& count : kCounts) {
    absl::StrAppend(&out, comma, "{\"name\":", quoteJson(count.name), ",\"value\":\"", totals.*count.count,
                    "\",\"type\":\"", count.gauge ? "GAUGE" : "COUNTER", "\"}");
    comma = ",";
  }
  const upstream::HostGroup& group = groupOf(entry);
  absl::StrAppend(&out, "],\"health_status\":", healthJson(entry.flags), ",\"weight\":", entry.effectiveWeight(),
                  ",\"hostname\":", quoteJson(entry.host->hostname), ",\"priority\":", group.priority,
                  ",\"locality\":{\"region\":", quoteJson(group.locality.region),
                  ",\"zone\":", quoteJson(group.locality.zone), ",\"sub_zone\":", quoteJson(group.locality.sub_zone),
                  "}");
  if (totals.rq_success + totals.rq_error > 0) {
    absl::StrAppend(&out, ",\"success_rate\":{\"value\":", successRate(totals),
                    "},\"mean_latency_ms\":", meanMilliseconds(totals));
  }
  if (entry.metadata != nullptr) absl::StrAppend(&out, ",\"metadata\":", metadataJson(*entry.metadata));
  return out + "}";
}

std::string thresholdsJson(std::string_view priority, const upstream::Cluster& cluster, upstream::Priority which) {
  const upstream::Thresholds& thresholds = cluster.config().thresholds[static_cast<size_t>(which)];
  std::string out = absl::StrCat("{\"priority\":\"", base::av(priority), "\"");
  for (const LimitName& name : kLimits) {
    if (isCounted(name, thresholds)) absl::StrAppend(&out, ",\"", base::av(name.limit), "\":", thresholds.*name.value);
  }
  if (const std::optional<upstream::RetryBudget>& budget = thresholds.retry_budget) {
    absl::StrAppend(&out, ",\"retry_budget\":{\"budget_percent\":", budget->percent,
                    ",\"min_retry_concurrency\":", budget->min_concurrency, "}");
  }
  for (const LimitName& name : kLimits) {
    if (!isCounted(name, thresholds)) continue;
    absl::StrAppend(&out, ",\"", base::av(name.remaining), "\":", remainingOf(cluster.breaker(which).*name.count));
  }
  return out + "}";
}

std::vector<AdminView::ResolvedName> namesOf(const AdminView& view, const std::string& cluster) {
  if (view.names == nullptr) return {};
  return view.names(cluster);
}

std::string namesJson(const std::vector<AdminView::ResolvedName>& names) {
  std::string out = "[";
  for (const AdminView::ResolvedName& name : names) {
    absl::StrAppend(&out, out.size() == 1 ? "" : ",", "{\"name\":", quoteJson(name.name),
                    ",\"state\":", quoteJson(name.state), ",\"answer\":", quoteJson(name.answer),
                    ",\"hosts\":", name.hosts, "}");
  }
  return out + "]";
}

}  // namespace

std::string addressJson(const net::Address& address) {
  if (address.isIp()) {
    return absl::StrCat("{\"socket_address\":{\"address\":", quoteJson(address.ip()),
                        ",\"port_value\":", address.port(), "}}");
  }
  return absl::StrCat("{\"pipe\":{\"path\":", quoteJson(address.ip()), "}}");
}

std::string clustersText(const AdminView& view) {
  std::string out;
  for (const std::unique_ptr<upstream::ClusterHosts>& cluster : view.hosts->all()) {
    const upstream::ClusterConfig& config = cluster->cluster().config();
    appendThresholds(out, "default_priority", cluster->cluster(), upstream::Priority::kDefault);
    appendThresholds(out, "high_priority", cluster->cluster(), upstream::Priority::kHigh);
    for (const HostEntry& entry : cluster->entries()) appendHostText(out, config.name, entry);
    for (const AdminView::ResolvedName& name : namesOf(view, config.name)) {
      const std::string head = absl::StrCat(config.name, "::", base::av(name.name), "::");
      absl::StrAppend(&out, head, "dns::", base::av(name.state), "\n", head, "dns_answer::", base::av(name.answer),
                      "\n", head, "dns_hosts::", name.hosts, "\n");
    }
  }
  return out;
}

std::string clustersJson(const AdminView& view) {
  std::string out = "{\"cluster_statuses\":[";
  const char* comma = "";
  for (const std::unique_ptr<upstream::ClusterHosts>& cluster : view.hosts->all()) {
    const upstream::ClusterConfig& config = cluster->cluster().config();
    absl::StrAppend(&out, comma, "{\"name\":", quoteJson(config.name), ",\"circuit_breakers\":{\"thresholds\":[",
                    thresholdsJson("DEFAULT", cluster->cluster(), upstream::Priority::kDefault), ",",
                    thresholdsJson("HIGH", cluster->cluster(), upstream::Priority::kHigh), "]},\"host_statuses\":[");
    comma = ",";
    const char* host_comma = "";
    for (const HostEntry& entry : cluster->entries()) {
      absl::StrAppend(&out, host_comma, hostJson(entry));
      host_comma = ",";
    }
    out += "]";
    const std::vector<AdminView::ResolvedName> names = namesOf(view, config.name);
    if (!names.empty()) absl::StrAppend(&out, ",\"dns_names\":", namesJson(names));
    out += "}";
  }
  return out + "]}\n";
}

}  // namespace weir::server
