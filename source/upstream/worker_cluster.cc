#include "source/upstream/worker_cluster.h"

#include <utility>

namespace weir::upstream {
namespace {

// How often a pick is repeated to get a host other than the one to avoid.
constexpr int kMorePicks = 3;

}  // namespace

WorkerCluster::WorkerCluster(std::shared_ptr<const Cluster> cluster, const net::WorkerContext& worker,
                             http::h2::SessionMemory& memory)
    : Wakeable(worker.dispatcher),
      shard_(std::move(cluster), worker, memory),
      balancer_(makeLoadBalancer(shard_.config(), shard_.outstanding, worker.random)),
      waiters_(shard_),
      pools_(shard_.config().hosts.size()),
      plain_(shard_) {}

WorkerCluster::~WorkerCluster() = default;

std::optional<uint32_t> WorkerCluster::pick(const PickContext& context) {
  std::optional<uint32_t> host = balancer_->pick(shard_.worker.random);
  if (context.avoid == nullptr || cluster().healthyHosts() < 2) return host;
  for (int i = 0; i < kMorePicks && &shard_.host(*host) == context.avoid; ++i) {
    host = balancer_->pick(shard_.worker.random);
  }
  return host;
}

ConnectionPool& WorkerCluster::pool(uint32_t host, const PickContext& context) {
  const Protocol wanted = config().protocol;
  const bool h2 =
      wanted == Protocol::kHttp2 || (wanted == Protocol::kDownstream && context.version == http::Version::kHttp2);
  std::unique_ptr<ConnectionPool>& pool = pools_[host][static_cast<size_t>(context.priority) * 2 + (h2 ? 1 : 0)];
  if (pool == nullptr) {
    const http::Version version = h2 ? http::Version::kHttp2 : http::Version::kHttp11;
    pool = std::make_unique<ConnectionPool>(shard_, waiters_, host, context.priority, version);
  }
  return *pool;
}

base::Ticket WorkerCluster::openStream(const PickContext& context, StreamReceiver& receiver) {
  const std::optional<uint32_t> host = pick(context);
  if (host.has_value()) return pool(*host, context).open(context, receiver);
  shard_.worker.stats.add(stats().cx_none_healthy);
  Waiter& waiter = waiters_.take(receiver, std::nullopt, context);
  unplaced_.pushBack(waiter);
  wake();
  return waiter.issue();
}

void WorkerCluster::onWake() {
  for (size_t count = unplaced_.size(); count > 0 && !unplaced_.empty(); --count) {
    Waiter& waiter = *unplaced_.first();
    StreamReceiver& receiver = waiter.receiver();
    waiters_.give(waiter);
    receiver.onStreamFailed(http::Reason::kNoHealthyUpstream, nullptr);
  }
  if (!unplaced_.empty()) wake();
}

base::Ticket WorkerCluster::connect(const PickContext& context, ConnectReceiver& receiver) {
  return plain_.connect(pick(context), context.priority, receiver);
}

void WorkerCluster::finish(ConnectReceiver::Connected connected, absl::Duration patience) {
  plain_.finish(std::move(connected), patience);
}

void WorkerCluster::recordOutcome(const Host& host, Outcome outcome) {
  HostCounters& counters = shard_.counters[shard_.indexOf(host)];
  switch (outcome) {
    case Outcome::kSuccess:
      counters.rq_success.add();
      break;
    case Outcome::kTimeout:
      counters.rq_timeout.add();
      counters.rq_error.add();
      break;
    case Outcome::kError:
      counters.rq_error.add();
      break;
  }
}

void WorkerCluster::drain() {
  shard_.draining = true;
  for (auto& of_host : pools_) {
    for (std::unique_ptr<ConnectionPool>& pool : of_host) {
      if (pool != nullptr) pool->closeIdle();
    }
  }
}

size_t WorkerCluster::connections() const {
  size_t sum = 0;
  for (const HostCounters& host : shard_.counters) sum += host.cx_active.value();
  return sum;
}

void WorkerCluster::forEachHost(const std::function<void(const Host&, const HostCounters&)>& fn) const {
  for (size_t i = 0; i < config().hosts.size(); ++i) fn(config().hosts[i], shard_.counters[i]);
}

}  // namespace weir::upstream
