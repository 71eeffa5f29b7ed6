// HealthEvents: what happens to the health of hosts, as lines of JSON and in the process's own log. Main thread. Made
// by HealthChecks; writes where the configuration of the checks says.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "source/upstream/cluster.h"

namespace weir::upstream::health {

// What outlier detection did to a host.
struct Ejection {
  std::string_view type;    // "CONSECUTIVE_5XX": as in the log
  std::string_view cause;   // "consecutive_5xx": as in the names of counters
  uint32_t times;           // in a row
  bool enforced = true;     // else it was only found out
  std::string detail = {};  // fields of the line that only this type has: `,"name":{...}`
};

class HealthEvents {
 public:
  // Takes a line, which ends with a line feed.
  using Write = std::function<void(std::string_view line)>;
  using WallClock = std::function<absl::Time()>;
  explicit HealthEvents(WallClock clock, std::vector<Write> logs = {})
      : clock_(std::move(clock)), logs_(std::move(logs)) {}

  void healthy(const Cluster& cluster, const Host& host, bool first) const;
  void unhealthy(const Cluster& cluster, const Host& host, std::string_view why, bool first) const;
  // A check that changed nothing.
  void failed(const Cluster& cluster, const Host& host, std::string_view why) const;
  void passed(const Cluster& cluster, const Host& host) const;
  // Outlier detection. `before` is how long ago the last of these two was; none: there was none.
  void ejected(const Cluster& cluster, const Host& host, const Ejection& what,
               std::optional<absl::Duration> before) const;
  void unejected(const Cluster& cluster, const Host& host, const Ejection& what,
                 std::optional<absl::Duration> before) const;

 private:
  void write(const Cluster& cluster, const Host& host, std::string_view event, const std::string& more) const;
  void writeOutlier(const Cluster& cluster, const Host& host, const Ejection& what, std::string_view action,
                    std::optional<absl::Duration> before) const;
  std::string timestamp() const;

  WallClock clock_;
  std::vector<Write> logs_;
};

}  // namespace weir::upstream::health
