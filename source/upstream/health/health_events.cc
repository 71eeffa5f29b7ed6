#include "source/upstream/health/health_events.h"

#include "absl/strings/str_cat.h"
#include "source/base/log.h"
#include "source/base/strings.h"

namespace weir::upstream::health {
namespace {

constexpr std::string_view kEject = "EJECT";
constexpr std::string_view kUneject = "UNEJECT";

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (static_cast<unsigned char>(c) < 0x20) {
      absl::StrAppend(&out, "\\u00", absl::Hex(c, absl::kZeroPad2));
    } else {
      out += c;
    }
  }
  return out + "\"";
}

}  // namespace

std::string HealthEvents::timestamp() const {
  return quoted(absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", clock_(), absl::UTCTimeZone()));
}

void HealthEvents::write(const Cluster& cluster, const Host& host, std::string_view event,
                         const std::string& more) const {
  if (logs_.empty()) return;
  const std::string line =
      absl::StrCat("{\"timestamp\":", timestamp(), ",\"cluster_name\":", quoted(cluster.config().name),
                   ",\"host\":", quoted(host.text), ",\"event\":", quoted(event), more, "}\n");
  for (const Write& to : logs_) to(line);
}

// The fields are those of envoy.data.cluster.v3.OutlierDetectionEvent.
void HealthEvents::writeOutlier(const Cluster& cluster, const Host& host, const Ejection& what, std::string_view action,
                                std::optional<absl::Duration> before) const {
  if (logs_.empty()) return;
  std::string line =
      absl::StrCat("{\"timestamp\":", timestamp(), ",\"type\":", quoted(what.type),
                   ",\"cluster_name\":", quoted(cluster.config().name), ",\"upstream_url\":", quoted(host.text),
                   ",\"action\":", quoted(action), ",\"num_ejections\":", what.times);
  if (before.has_value()) absl::StrAppend(&line, ",\"secs_since_last_action\":", absl::ToInt64Seconds(*before));
  if (action == kEject) absl::StrAppend(&line, ",\"enforced\":", what.enforced ? "true" : "false", what.detail);
  line += "}\n";
  for (const Write& to : logs_) to(line);
}

void HealthEvents::healthy(const Cluster& cluster, const Host& host, bool first) const {
  LOG(kInfo, "cluster ", cluster.config().name, ": ", host.text, " is healthy");
  write(cluster, host, "add_healthy", absl::StrCat(",\"first_check\":", first ? "true" : "false"));
}

void HealthEvents::unhealthy(const Cluster& cluster, const Host& host, std::string_view why, bool first) const {
  LOG(kWarning, "cluster ", cluster.config().name, ": ", host.text, " is unhealthy: ", base::av(why));
  write(cluster, host, "eject_unhealthy",
        absl::StrCat(",\"reason\":", quoted(why), ",\"first_check\":", first ? "true" : "false"));
}

void HealthEvents::failed(const Cluster& cluster, const Host& host, std::string_view why) const {
  write(cluster, host, "health_check_failure", absl::StrCat(",\"reason\":", quoted(why)));
}

void HealthEvents::passed(const Cluster& cluster, const Host& host) const {
  write(cluster, host, "health_check_success", "");
}

void HealthEvents::ejected(const Cluster& cluster, const Host& host, const Ejection& what,
                           std::optional<absl::Duration> before) const {
  if (what.enforced) {
    LOG(kWarning, "cluster ", cluster.config().name, ": ", host.text, " is ejected: ", base::av(what.cause));
  }
  writeOutlier(cluster, host, what, kEject, before);
}

void HealthEvents::unejected(const Cluster& cluster, const Host& host, const Ejection& what,
                             std::optional<absl::Duration> before) const {
  LOG(kInfo, "cluster ", cluster.config().name, ": ", host.text, " is let back after an ejection");
  writeOutlier(cluster, host, what, kUneject, before);
}

}  // namespace weir::upstream::health
