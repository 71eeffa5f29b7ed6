// HealthEvents: what happens to the health of hosts, as lines of JSON and in the process's own log. Main thread. Made
// by HealthChecks; writes where the configuration of the checks says.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "source/upstream/cluster.h"

namespace weir::upstream::health {

class HealthEvents {
 public:
  // Takes a line, which ends with a line feed. Null: nowhere.
  using Write = std::function<void(std::string_view line)>;
  using WallClock = std::function<absl::Time()>;
  explicit HealthEvents(WallClock clock, Write write = nullptr) : clock_(std::move(clock)), write_(std::move(write)) {}

  void healthy(const Cluster& cluster, const Host& host, bool first) const;
  void unhealthy(const Cluster& cluster, const Host& host, std::string_view why, bool first) const;
  // A check that changed nothing.
  void failed(const Cluster& cluster, const Host& host, std::string_view why) const;
  void passed(const Cluster& cluster, const Host& host) const;
  // Outlier detection; `times` in a row.
  void ejected(const Cluster& cluster, const Host& host, std::string_view cause, uint32_t times) const;
  void unejected(const Cluster& cluster, const Host& host, uint32_t times) const;

 private:
  void write(const Cluster& cluster, const Host& host, std::string_view event, const std::string& more) const;

  WallClock clock_;
  Write write_;
};

}  // namespace weir::upstream::health
