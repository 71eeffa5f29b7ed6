#include "source/upstream/health/health_events.h"

#include "absl/strings/str_cat.h"
#include "source/base/log.h"
#include "source/base/strings.h"

namespace weir::upstream::health {
namespace {

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

void HealthEvents::write(const Cluster& cluster, const Host& host, std::string_view event,
                         const std::string& more) const {
  if (!write_) return;
  write_(
      absl::StrCat("{\"timestamp\":", quoted(absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", clock_(), absl::UTCTimeZone())),
                   ",\"cluster_name\":", quoted(cluster.config().name), ",\"host\":", quoted(host.text),
                   ",\"event\":", quoted(event), more, "}\n"));
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

void HealthEvents::ejected(const Cluster& cluster, const Host& host, std::string_view cause, uint32_t times) const {
  LOG(kWarning, "cluster ", cluster.config().name, ": ", host.text, " is ejected: ", base::av(cause));
  write(cluster, host, "eject", absl::StrCat(",\"type\":", quoted(cause), ",\"num_ejections\":", times));
}

void HealthEvents::unejected(const Cluster& cluster, const Host& host, uint32_t times) const {
  LOG(kInfo, "cluster ", cluster.config().name, ": ", host.text, " is let back after an ejection");
  write(cluster, host, "uneject", absl::StrCat(",\"num_ejections\":", times));
}

}  // namespace weir::upstream::health
