#include "source/extensions/filters/http/grpc_stats/call_counters.h"

#include <functional>

namespace weir::extensions::grpc_stats {

namespace {

constexpr uint32_t kNotMade = UINT32_MAX;

std::string_view clusterOrUnknown(std::string_view cluster) { return cluster.empty() ? "unknown" : cluster; }

}  // namespace

struct CallCountersTable::Entry {
  const std::string cluster;
  const std::string method;
  const CallCounters counters;
  Entry* next = nullptr;
};

CallCounters::CallCounters(stats::Registry& registry, std::string_view cluster, std::string_view method, bool timed)
    : registry_(registry),
      cluster_(clusterOrUnknown(cluster)),
      method_(method),
      timed_(timed),
      total_(counter("total")),
      success_(counter("success")),
      failure_(counter("failure")),
      request_messages_(counter("request_message_count")),
      response_messages_(counter("response_message_count")),
      time_(timed ? registry.histogram({"cluster", cluster_, metric("upstream_rq_time"),
                                        method.empty() ? "" : "envoy_grpc_method", method_})
                  : stats::HistogramId{}) {
  for (std::atomic<uint32_t>& index : by_status_) index.store(kNotMade, std::memory_order_relaxed);
}

std::string CallCounters::metric(std::string_view name) const {
  std::string out = "grpc.";
  if (!method_.empty()) out.append(method_).append(".");
  return out.append(name);
}

stats::CounterId CallCounters::counter(std::string_view name) const {
  return registry_.counter({"cluster", cluster_, metric(name), method_.empty() ? "" : "envoy_grpc_method", method_});
}

void CallCounters::addCall(stats::Shard& shard, http::GrpcStatus status) const {
  shard.add(total_);
  shard.add(status == http::GrpcStatus::kOk ? success_ : failure_);
  std::atomic<uint32_t>& index = by_status_[static_cast<size_t>(status)];
  if (index.load(std::memory_order_acquire) == kNotMade) {
    // Whoever else does this at the same moment gets the same id.
    index.store(counter(http::grpcStatusName(status).number).index, std::memory_order_release);
  }
  shard.add(stats::CounterId{index.load(std::memory_order_acquire)});
}

void CallCounters::addMessages(stats::Shard& shard, uint64_t requests, uint64_t responses) const {
  shard.add(request_messages_, requests);
  shard.add(response_messages_, responses);
}

void CallCounters::addTime(stats::Shard& shard, uint64_t milliseconds) const {
  if (timed_) shard.record(time_, milliseconds);
}

CallCountersTable::CallCountersTable(stats::Registry& registry, stats::CounterId over_limit, bool timed)
    : registry_(registry), over_limit_(over_limit), timed_(timed) {}

CallCountersTable::~CallCountersTable() {
  for (std::atomic<Entry*>& bucket : buckets_) {
    for (Entry* entry = bucket.load(std::memory_order_acquire); entry != nullptr;) {
      Entry* const next = entry->next;
      delete entry;
      entry = next;
    }
  }
}

const CallCountersTable::Entry* CallCountersTable::scan(const Entry* from, const Entry* to, std::string_view cluster,
                                                        std::string_view method) const {
  for (const Entry* entry = from; entry != to; entry = entry->next) {
    if (entry->method == method && entry->cluster == cluster) return entry;
  }
  return nullptr;
}

const CallCounters& CallCountersTable::find(std::string_view cluster, std::string_view method,
                                            stats::Shard& shard) const {
  const std::hash<std::string_view> hash;
  std::atomic<Entry*>& bucket = buckets_[(hash(cluster) * 31 + hash(method)) % kBuckets];
  Entry* head = bucket.load(std::memory_order_acquire);
  if (const Entry* const found = scan(head, nullptr, cluster, method)) return found->counters;
  if (!method.empty() && methods_.fetch_add(1, std::memory_order_relaxed) >= kMaxMethods) {
    methods_.fetch_sub(1, std::memory_order_relaxed);
    shard.add(over_limit_);
    return find(cluster, "", shard);
  }
  auto* const entry =
      new Entry{std::string(cluster), std::string(method), CallCounters(registry_, cluster, method, timed_), head};
  while (!bucket.compare_exchange_weak(head, entry, std::memory_order_acq_rel, std::memory_order_acquire)) {
    // Others were faster, perhaps with the same one.
    if (const Entry* const theirs = scan(head, entry->next, cluster, method)) {
      delete entry;
      if (!method.empty()) methods_.fetch_sub(1, std::memory_order_relaxed);
      return theirs->counters;
    }
    entry->next = head;
  }
  return entry->counters;
}

}  // namespace weir::extensions::grpc_stats
