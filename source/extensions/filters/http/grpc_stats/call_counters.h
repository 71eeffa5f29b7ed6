// CallCounters: the counters of one gRPC method in one cluster, or of all methods of a cluster that have none of their
// own. CallCountersTable: all of one configured filter, made as methods are seen. Shared by the workers, since a method
// that is new to one is new to all: finding takes no lock and writes nothing; an entry that is made stays until the
// configuration goes. At most kMaxMethods entries are made for methods, so that clients cannot grow it for ever.
//
//   cluster.NAME.grpc.SERVICE.METHOD.{total,success,failure,0..16,request_message_count,response_message_count}
//   and the histogram upstream_rq_time, in milliseconds; without SERVICE.METHOD for the shared ones
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "source/http/grpc.h"
#include "source/stats/stats.h"

namespace weir::extensions::grpc_stats {

class CallCounters {
 public:
  // `method` is "SERVICE.METHOD" or empty; an empty cluster name is counted as "unknown".
  CallCounters(stats::Registry& registry, std::string_view cluster, std::string_view method, bool timed);

  void addCall(stats::Shard& shard, http::GrpcStatus status) const;
  void addMessages(stats::Shard& shard, uint64_t requests, uint64_t responses) const;
  // Does nothing unless the counters were made `timed`.
  void addTime(stats::Shard& shard, uint64_t milliseconds) const;

 private:
  stats::CounterId counter(std::string_view name) const;
  std::string metric(std::string_view name) const;

  stats::Registry& registry_;
  const std::string cluster_;
  const std::string method_;
  const bool timed_;
  const stats::CounterId total_;
  const stats::CounterId success_;
  const stats::CounterId failure_;
  const stats::CounterId request_messages_;
  const stats::CounterId response_messages_;
  const stats::HistogramId time_;
  // The index of the counter of a status; UINT32_MAX until the first call that ended with it.
  mutable std::array<std::atomic<uint32_t>, http::kGrpcStatuses> by_status_;
};

class CallCountersTable {
 public:
  static constexpr size_t kMaxMethods = 1000;

  // The registry outlives the table. `over_limit` counts the calls whose method came too late for counters of its own.
  CallCountersTable(stats::Registry& registry, stats::CounterId over_limit, bool timed);
  ~CallCountersTable();
  CallCountersTable(const CallCountersTable&) = delete;
  CallCountersTable& operator=(const CallCountersTable&) = delete;

  // Those of "SERVICE.METHOD", or the shared ones when `method` is empty or there is no place for it. Never null; valid
  // as long as the table.
  const CallCounters& find(std::string_view cluster, std::string_view method, stats::Shard& shard) const;

 private:
  struct Entry;
  static constexpr size_t kBuckets = 1024;

  const Entry* scan(const Entry* from, const Entry* to, std::string_view cluster, std::string_view method) const;

  stats::Registry& registry_;
  const stats::CounterId over_limit_;
  const bool timed_;
  // Lists that only grow, at their heads.
  mutable std::array<std::atomic<Entry*>, kBuckets> buckets_{};
  mutable std::atomic<size_t> methods_{0};
};

}  // namespace weir::extensions::grpc_stats
