#include "source/upstream/cluster_shard.h"

#include <algorithm>
#include <utility>

namespace weir::upstream {

ClusterShard::ClusterShard(std::shared_ptr<const Cluster> snapshot, const net::WorkerContext& context,
                           http::h2::SessionMemory& memory, std::shared_ptr<const HostSet> first)
    : cluster(std::move(snapshot)),
      worker(context),
      h2_memory(memory),
      hosts(std::move(first)),
      states(hosts->hosts.size()),
      loads(hosts->hosts.size()) {
  countMembers();
  // Gauges are summed over workers, so what holds for all of them is said by the first alone.
  if (worker.index != 0) return;
  stats::Shard& out = worker.stats;
  for (size_t i = 0; i < config().thresholds.size(); ++i) {
    const Thresholds& limits = config().thresholds[i];
    const BreakerStats& ids = stats().breakers[i];
    out.gaugeAdd(ids.cx_open, limits.max_connections == 0);
    out.gaugeAdd(ids.rq_pending_open, limits.max_pending_requests == 0);
    out.gaugeAdd(ids.rq_open, limits.max_requests == 0);
    out.gaugeAdd(ids.rq_retry_open, limits.max_retries == 0 && !limits.retry_budget.has_value());
    out.gaugeAdd(ids.cx_pool_open, limits.max_connection_pools == 0u);
    if (!limits.track_remaining) continue;
    out.gaugeAdd(ids.remaining_cx, limits.max_connections);
    out.gaugeAdd(ids.remaining_pending, limits.max_pending_requests);
    out.gaugeAdd(ids.remaining_rq, limits.max_requests);
    out.gaugeAdd(ids.remaining_retries, limits.max_retries);
    out.gaugeAdd(ids.remaining_cx_pools, limits.max_connection_pools.value_or(0));
  }
}

absl::StatusOr<std::unique_ptr<net::Socket>> ClusterShard::openSocket(uint32_t slot, net::Purpose purpose) {
  const Host& to = host(slot);
  absl::StatusOr<std::unique_ptr<net::Socket>> socket = connectFor(worker.network, config(), to.address);
  if (!socket.ok()) return socket;
  if (to.transport_match != nullptr) {
    worker.stats.add(to.transport_match->matched);
  } else if (config().transport_unmatched.has_value()) {
    worker.stats.add(*config().transport_unmatched);
  }
  const net::TransportFactory* const transport = config().transportOf(to);
  if (transport == nullptr) return socket;
  if (purpose.host_name.empty()) purpose.host_name = to.hostname;
  return transport->wrap(*std::move(socket), worker, purpose);
}

void ClusterShard::countMembers() {
  if (worker.index != 0) return;
  stats::Shard& out = worker.stats;
  out.gaugeSet(stats().membership_total, static_cast<int64_t>(hosts->total));
  out.gaugeSet(stats().membership_healthy, static_cast<int64_t>(hosts->healthy));
  out.gaugeSet(stats().membership_degraded, static_cast<int64_t>(hosts->degraded));
  out.gaugeSet(stats().membership_excluded, static_cast<int64_t>(hosts->excluded));
}

void HostState::released() {
  if (std::exchange(touched, true)) return;
  shard.touched.push_back(this);
  shard.sweeper->wake();
}

bool ClusterShard::take(SharedLimit::Take result, Priority priority, stats::GaugeId open, stats::GaugeId remaining) {
  if (result == SharedLimit::Take::kRefused) return false;
  if (result == SharedLimit::Take::kTakenLast) worker.stats.gaugeAdd(open, 1);
  if (config().thresholds[static_cast<size_t>(priority)].track_remaining) worker.stats.gaugeAdd(remaining, -1);
  return true;
}

void ClusterShard::give(SharedLimit& limit, Priority priority, stats::GaugeId open, stats::GaugeId remaining) {
  if (limit.give()) worker.stats.gaugeAdd(open, -1);
  if (config().thresholds[static_cast<size_t>(priority)].track_remaining) worker.stats.gaugeAdd(remaining, 1);
}

bool ClusterShard::takeConnection(uint32_t slot, Priority priority) {
  const std::optional<uint32_t>& own = config().thresholds[static_cast<size_t>(priority)].host_max_connections;
  if (own.has_value() && !host(slot).takeConnection(*own)) {
    if (!shelf.closeOne(slot, priority) || !host(slot).takeConnection(*own)) return false;
  }
  const BreakerStats& ids = stats().breakers[static_cast<size_t>(priority)];
  SharedLimit& limit = cluster->breaker(priority).connections;
  if (take(limit.tryTake(), priority, ids.cx_open, ids.remaining_cx)) return true;
  if (shelf.closeAny(priority) && take(limit.tryTake(), priority, ids.cx_open, ids.remaining_cx)) return true;
  if (own.has_value()) host(slot).giveConnection();
  return false;
}

void ClusterShard::giveConnection(const Host& host, Priority priority) {
  if (config().thresholds[static_cast<size_t>(priority)].host_max_connections.has_value()) host.giveConnection();
  const BreakerStats& ids = stats().breakers[static_cast<size_t>(priority)];
  give(cluster->breaker(priority).connections, priority, ids.cx_open, ids.remaining_cx);
}

bool ClusterShard::takePending(Priority priority) {
  const BreakerStats& ids = stats().breakers[static_cast<size_t>(priority)];
  return take(cluster->breaker(priority).pending.tryTake(), priority, ids.rq_pending_open, ids.remaining_pending);
}

void ClusterShard::givePending(Priority priority) {
  const BreakerStats& ids = stats().breakers[static_cast<size_t>(priority)];
  give(cluster->breaker(priority).pending, priority, ids.rq_pending_open, ids.remaining_pending);
}

bool ClusterShard::takeRequest(Priority priority) {
  const BreakerStats& ids = stats().breakers[static_cast<size_t>(priority)];
  return take(cluster->breaker(priority).requests.tryTake(), priority, ids.rq_open, ids.remaining_rq);
}

void ClusterShard::giveRequest(Priority priority) {
  const BreakerStats& ids = stats().breakers[static_cast<size_t>(priority)];
  give(cluster->breaker(priority).requests, priority, ids.rq_open, ids.remaining_rq);
}

SharedLimit::Take ClusterShard::tryRetry(Priority priority) {
  CircuitBreaker& breaker = cluster->breaker(priority);
  const std::optional<RetryBudget>& budget = config().thresholds[static_cast<size_t>(priority)].retry_budget;
  if (!budget.has_value()) return breaker.retries.tryTake();
  const double under_way = static_cast<double>(breaker.requests.used()) + breaker.pending.used();
  const auto allowed = static_cast<uint32_t>(under_way * budget->percent / 100);
  return breaker.retries.tryTake(std::max(budget->min_concurrency, allowed));
}

bool ClusterShard::takeRetry(Priority priority) {
  const BreakerStats& ids = stats().breakers[static_cast<size_t>(priority)];
  return take(tryRetry(priority), priority, ids.rq_retry_open, ids.remaining_retries);
}

void ClusterShard::giveRetry(Priority priority) {
  const BreakerStats& ids = stats().breakers[static_cast<size_t>(priority)];
  give(cluster->breaker(priority).retries, priority, ids.rq_retry_open, ids.remaining_retries);
}

bool ClusterShard::takePool(Priority priority) {
  if (!config().thresholds[static_cast<size_t>(priority)].max_connection_pools.has_value()) return true;
  const BreakerStats& ids = stats().breakers[static_cast<size_t>(priority)];
  return take(cluster->breaker(priority).pools.tryTake(), priority, ids.cx_pool_open, ids.remaining_cx_pools);
}

void ClusterShard::givePool(Priority priority) {
  if (!config().thresholds[static_cast<size_t>(priority)].max_connection_pools.has_value()) return;
  const BreakerStats& ids = stats().breakers[static_cast<size_t>(priority)];
  give(cluster->breaker(priority).pools, priority, ids.cx_pool_open, ids.remaining_cx_pools);
}

void ClusterShard::connectionOpened(uint32_t slot) {
  worker.stats.add(stats().cx_total);
  worker.stats.gaugeAdd(stats().cx_active, 1);
  counters(slot).cx_total.add();
  counters(slot).cx_active.add();
}

void ClusterShard::connectionGone(uint32_t slot, Priority priority) {
  worker.stats.add(stats().cx_destroy);
  worker.stats.gaugeAdd(stats().cx_active, -1);
  counters(slot).cx_active.add(-1);
  giveConnection(host(slot), priority);
  released(slot);
  wakePermitWaiters();
}

void ClusterShard::wakePermitWaiters() {
  for (event::Wakeable* pool : permit_waiters) pool->wake();
  permit_waiters.clear();
}

void ClusterShard::connectionMoved(uint32_t slot, int by) {
  worker.stats.gaugeAdd(stats().cx_active, by);
  worker.stats.gaugeAdd(stats().cx_left_idle, -by);
  counters(slot).cx_active.add(by);
  if (by < 0) wakePermitWaiters();  // one of them may have it closed
}

void ClusterShard::shelvedConnectionGone(const Host& host, Priority priority, base::MonotonicTime opened) {
  worker.stats.add(stats().cx_destroy);
  worker.stats.gaugeAdd(stats().cx_left_idle, -1);
  worker.stats.record(stats().cx_length_ms,
                      static_cast<uint64_t>(base::millisecondsBetween(opened, worker.dispatcher.now())));
  giveConnection(host, priority);
  wakePermitWaiters();
}

void ClusterShard::connectFailed(uint32_t slot, bool timeout) {
  worker.stats.add(stats().cx_connect_fail);
  if (timeout) worker.stats.add(stats().cx_connect_timeout);
  counters(slot).cx_connect_fail.add();
}

}  // namespace weir::upstream
