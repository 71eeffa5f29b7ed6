#include "source/server/admin/clusters_page.h"

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "source/base/strings.h"
#include "source/server/admin/quote_json.h"

namespace weir::server {
namespace {

using upstream::HostCount;
using upstream::HostCounters;

struct CountName {
  std::string_view name;
  HostCount HostCounters::*count;
  bool gauge;
};

constexpr CountName kCounts[] = {
    {"cx_active", &HostCounters::cx_active, true},    {"cx_connect_fail", &HostCounters::cx_connect_fail, false},
    {"cx_total", &HostCounters::cx_total, false},     {"rq_active", &HostCounters::rq_active, true},
    {"rq_error", &HostCounters::rq_error, false},     {"rq_success", &HostCounters::rq_success, false},
    {"rq_timeout", &HostCounters::rq_timeout, false}, {"rq_total", &HostCounters::rq_total, false},
};
constexpr size_t kCountOfCounts = std::size(kCounts);

struct HostRow {
  const upstream::Host* host = nullptr;
  uint64_t counts[kCountOfCounts] = {};
};

struct ClusterRow {
  const upstream::Cluster* cluster = nullptr;
  std::vector<HostRow> hosts;
};

void addCounts(const upstream::WorkerCluster& cluster, ClusterRow& row) {
  size_t index = 0;
  cluster.forEachHost([&](const upstream::Host& host, const HostCounters& counters) {
    if (row.hosts.size() <= index) row.hosts.emplace_back();
    HostRow& host_row = row.hosts[index++];
    host_row.host = &host;
    for (size_t i = 0; i < kCountOfCounts; ++i) host_row.counts[i] += (counters.*kCounts[i].count).value();
  });
}

// What all workers counted, summed.
std::vector<ClusterRow> gather(std::span<const upstream::ClusterManager* const> workers) {
  std::vector<ClusterRow> rows;
  for (const upstream::ClusterManager* const worker : workers) {
    size_t index = 0;
    worker->forEach([&](const upstream::WorkerCluster& cluster) {
      if (rows.size() <= index) rows.emplace_back();
      ClusterRow& row = rows[index++];
      row.cluster = &cluster.cluster();
      addCounts(cluster, row);
    });
  }
  return rows;
}

std::string_view healthText(upstream::HostHealth health) {
  switch (health) {
    case upstream::HostHealth::kHealthy:
      return "healthy";
    case upstream::HostHealth::kUnhealthy:
      return "/failed_eds_health";
    case upstream::HostHealth::kDraining:
      return "/draining";
  }
  return "";
}

std::string_view healthEnum(upstream::HostHealth health) {
  switch (health) {
    case upstream::HostHealth::kHealthy:
      return "HEALTHY";
    case upstream::HostHealth::kUnhealthy:
      return "UNHEALTHY";
    case upstream::HostHealth::kDraining:
      return "DRAINING";
  }
  return "";
}

void appendThresholds(std::string& out, const std::string& name, std::string_view priority,
                      const upstream::Thresholds& thresholds) {
  const std::pair<std::string_view, uint32_t> lines[] = {{"max_connections", thresholds.max_connections},
                                                         {"max_pending_requests", thresholds.max_pending_requests},
                                                         {"max_requests", thresholds.max_requests},
                                                         {"max_retries", thresholds.max_retries}};
  for (const auto& [what, limit] : lines) {
    absl::StrAppend(&out, name, "::", base::av(priority), "::", base::av(what), "::", limit, "\n");
  }
}

void appendHostText(std::string& out, const std::string& name, const HostRow& row) {
  const std::string head = absl::StrCat(name, "::", row.host->text, "::");
  for (size_t i = 0; i < kCountOfCounts; ++i) {
    absl::StrAppend(&out, head, base::av(kCounts[i].name), "::", row.counts[i], "\n");
  }
  absl::StrAppend(&out, head, "hostname::", row.host->hostname, "\n");
  absl::StrAppend(&out, head, "health_flags::", base::av(healthText(row.host->health)), "\n");
  absl::StrAppend(&out, head, "weight::", row.host->weight, "\n");
}

std::string hostJson(const HostRow& row) {
  std::string out = absl::StrCat("{\"address\":", addressJson(row.host->address), ",\"stats\":[");
  for (size_t i = 0; i < kCountOfCounts; ++i) {
    absl::StrAppend(&out, i == 0 ? "" : ",", "{\"name\":", quoteJson(kCounts[i].name), ",\"value\":\"", row.counts[i],
                    "\",\"type\":\"", kCounts[i].gauge ? "GAUGE" : "COUNTER", "\"}");
  }
  absl::StrAppend(&out, "],\"health_status\":{\"eds_health_status\":\"", base::av(healthEnum(row.host->health)),
                  "\"},\"weight\":", row.host->weight, ",\"hostname\":", quoteJson(row.host->hostname), "}");
  return out;
}

std::string thresholdsJson(std::string_view priority, const upstream::Thresholds& thresholds) {
  return absl::StrCat("{\"priority\":\"", base::av(priority), "\",\"max_connections\":", thresholds.max_connections,
                      ",\"max_pending_requests\":", thresholds.max_pending_requests,
                      ",\"max_requests\":", thresholds.max_requests, ",\"max_retries\":", thresholds.max_retries, "}");
}

}  // namespace

std::string addressJson(const net::Address& address) {
  if (address.isIp()) {
    return absl::StrCat("{\"socket_address\":{\"address\":", quoteJson(address.ip()),
                        ",\"port_value\":", address.port(), "}}");
  }
  return absl::StrCat("{\"pipe\":{\"path\":", quoteJson(address.ip()), "}}");
}

std::string clustersText(std::span<const upstream::ClusterManager* const> workers) {
  std::string out;
  for (const ClusterRow& row : gather(workers)) {
    const upstream::ClusterConfig& config = row.cluster->config();
    appendThresholds(out, config.name, "default_priority", config.thresholds[0]);
    appendThresholds(out, config.name, "high_priority", config.thresholds[1]);
    for (const HostRow& host : row.hosts) appendHostText(out, config.name, host);
  }
  return out;
}

std::string clustersJson(std::span<const upstream::ClusterManager* const> workers) {
  std::string out = "{\"cluster_statuses\":[";
  bool first = true;
  for (const ClusterRow& row : gather(workers)) {
    const upstream::ClusterConfig& config = row.cluster->config();
    absl::StrAppend(&out, first ? "" : ",", "{\"name\":", quoteJson(config.name),
                    ",\"circuit_breakers\":{\"thresholds\":[", thresholdsJson("DEFAULT", config.thresholds[0]), ",",
                    thresholdsJson("HIGH", config.thresholds[1]), "]},\"host_statuses\":[");
    first = false;
    for (size_t i = 0; i < row.hosts.size(); ++i) absl::StrAppend(&out, i == 0 ? "" : ",", hostJson(row.hosts[i]));
    out += "]}";
  }
  return out + "]}\n";
}

}  // namespace weir::server
