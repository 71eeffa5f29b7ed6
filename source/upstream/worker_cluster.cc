#include "source/upstream/worker_cluster.h"

#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "source/base/strings.h"
#include "source/event/dispatcher.h"
#include "source/upstream/worker_demand.h"

namespace weir::upstream {

namespace {

// Of one host, before those that nobody uses are dropped.
constexpr size_t kUnusedNames = 64;

}  // namespace

// With the pools to the host, by priority and protocol; made when first used.
struct WorkerCluster::PooledHost final : public HostState {
  using HostState::HostState;
  // Where requests say that: by what they ask for over TLS, and for whom.
  struct PoolsByPurpose {
    std::map<std::string, std::unique_ptr<ConnectionPool>, std::less<>> all;
    size_t sweep_at = kUnusedNames;  // with so many, those that nobody uses are dropped before there is one more
  };

  bool idle() const {
    const auto unused = [](const auto& pool) { return pool == nullptr || pool->empty(); };
    return std::all_of(pools.begin(), pools.end(), unused) &&
           std::all_of(named.begin(), named.end(), [&](const PoolsByPurpose& pools) {
             return std::all_of(pools.all.begin(), pools.all.end(),
                                [&](const auto& one) { return unused(one.second); });
           });
  }
  void closeIdle() {
    for (const std::unique_ptr<ConnectionPool>& pool : pools) {
      if (pool != nullptr) pool->closeIdle();
    }
    for (const PoolsByPurpose& pools : named) {
      for (const auto& [purpose, pool] : pools.all) pool->closeIdle();
    }
  }

  std::array<std::unique_ptr<ConnectionPool>, 4> pools;
  std::vector<PoolsByPurpose> named;  // as many as `pools`, or none
};

// Goes on in the next turn with the hosts that have left.
class WorkerCluster::Departures final : private event::TimerHandler {
 public:
  explicit Departures(WorkerCluster& home) : home_(home), timer_(home.shard_.worker.dispatcher, *this) {}
  void goOn() { timer_.arm(absl::ZeroDuration()); }

 private:
  void onTimer(event::Timer&) override { home_.retireSome(); }

  WorkerCluster& home_;
  event::Timer timer_;
};

namespace {

// Hosts that have left, and are drained in one turn: closing a connection takes some microseconds.
constexpr size_t kDeparturesPerTurn = 256;

// A pool until the end of the turn: it may be on the stack.
struct BuriedPool final : event::Deletable {
  explicit BuriedPool(std::unique_ptr<ConnectionPool> buried) : pool(std::move(buried)) {}
  std::unique_ptr<ConnectionPool> pool;
};

void appendKey(const net::Address& address, std::string& key) {
  key += '\0';
  key += static_cast<char>(address.port() >> 8);
  key += static_cast<char>(address.port() & 0xff);
  if (address.isIp()) {
    key += address.ipBytes();
  } else {
    key += address.ip();
  }
}

}  // namespace

WorkerCluster::WorkerCluster(std::shared_ptr<const Cluster> cluster, const net::WorkerContext& worker,
                             http::h2::SessionMemory& memory, std::shared_ptr<const HostSet> hosts)
    : Wakeable(worker.dispatcher),
      shard_(std::move(cluster), worker, memory, std::move(hosts)),
      waiters_(shard_),
      plain_(shard_) {
  shard_.sweeper = this;
  if (config().demand != nullptr) demand_ = std::make_unique<WorkerDemand>(*config().demand, *this, worker.dispatcher);
  if (config().lb.policy == lb::PolicyKind::kPeakEwma) {
    latencies_ =
        std::make_unique<lb::LatencyEstimates>(shard_.states.size(), worker.dispatcher.now(), config().lb.latency);
  }
  makeCursors();
  countZones();
}

WorkerCluster::~WorkerCluster() {
  demand_.reset();
  shard_.states.clear();
}

// At random places, so that workers do not walk in step.
void WorkerCluster::makeCursors() {
  cursors_.resize(shard_.hosts->balancer.cursors());
  for (uint64_t& cursor : cursors_) cursor = shard_.worker.random.next() >> 1;
}

void WorkerCluster::setHosts(std::shared_ptr<const HostSet> hosts) {
  shard_.hosts = std::move(hosts);
  const HostSet& now = *shard_.hosts;
  if (now.hosts.size() > shard_.states.size()) shard_.states.resize(now.hosts.size());
  shard_.loads.grow(now.hosts.size());
  if (latencies_ != nullptr) latencies_->grow(now.hosts.size(), shard_.worker.dispatcher.now());
  makeCursors();
  countZones();
  unseen_ = known_.size();
  retireSome();
  shard_.shelf.closeRemoved();
  foreseen_.clear();
  if (demand_ != nullptr) demand_->hostsChanged();
  shard_.countMembers();
  if (shard_.worker.index == 0) shard_.worker.stats.add(stats().membership_change);
}

// From the end, so that what goes meanwhile does not move what is still to be looked at.
void WorkerCluster::retireSome() {
  for (size_t left = kDeparturesPerTurn; unseen_ > 0 && left > 0; --unseen_) {
    HostState& state = shard_.state(known_[unseen_ - 1]);
    if (state.removed || shard_.hosts->contains(*state.host)) continue;
    state.removed = true;
    static_cast<PooledHost&>(state).closeIdle();
    state.released();
    --left;
  }
  if (unseen_ == 0) return;
  if (departures_ == nullptr) departures_ = std::make_unique<Departures>(*this);
  departures_->goOn();
}

// Destroyed at the end of the turn: pools and connections may be on the stack.
void WorkerCluster::buryUnused() {
  for (HostState* const state : std::exchange(shard_.touched, {})) {
    state->touched = false;
    const uint32_t slot = state->host->slot;
    const bool used = state->references > 0 || shard_.loads.outstanding[slot] > 0;
    if (used || !static_cast<PooledHost*>(state)->idle()) continue;
    shard_.worker.dispatcher.deleteLater(std::move(shard_.states[slot]));
  }
  std::erase_if(known_, [this](uint32_t slot) { return shard_.states[slot] == nullptr; });
  unseen_ = std::min(unseen_, known_.size());
}

WorkerCluster::PooledHost& WorkerCluster::hostState(uint32_t slot) {
  std::unique_ptr<HostState>& state = shard_.states[slot];
  if (state == nullptr) {
    state = std::make_unique<PooledHost>(shard_, shard_.hosts->hosts[slot]);
    known_.push_back(slot);
    if (latencies_ != nullptr) latencies_->forget(slot, shard_.worker.dispatcher.now());
  }
  return static_cast<PooledHost&>(*state);
}

HostRef WorkerCluster::hold(uint32_t slot) {
  if (slot >= shard_.hosts->hosts.size() || shard_.hosts->hosts[slot] == nullptr) return {};
  return HostRef(hostState(slot));
}

// Said by the first worker alone, as all have the same.
void WorkerCluster::countZones() {
  const ZoneStats* const ids = cluster().zoneStats();
  if (ids == nullptr || shard_.worker.index != 0) return;
  shard_.worker.stats.add(ids->recalculate_zone_structures);
  const lb::ZoneState state = shard_.hosts->balancer.zoneState();
  if (state == lb::ZoneState::kLocalNotOk) shard_.worker.stats.add(ids->local_cluster_not_ok);
  if (state == lb::ZoneState::kClusterTooSmall) shard_.worker.stats.add(ids->cluster_too_small);
}

void WorkerCluster::count(const lb::PickNotes& notes) {
  if (notes.panic) shard_.worker.stats.add(stats().healthy_panic);
  const ZoneStats* const ids = cluster().zoneStats();
  if (ids == nullptr) return;
  switch (notes.zone) {
    case lb::PickNotes::Zone::kNone:
      break;
    case lb::PickNotes::Zone::kAllDirectly:
      shard_.worker.stats.add(ids->routing_all_directly);
      break;
    case lb::PickNotes::Zone::kSampled:
      shard_.worker.stats.add(ids->routing_sampled);
      break;
    case lb::PickNotes::Zone::kCrossZone:
      shard_.worker.stats.add(ids->routing_cross_zone);
      break;
  }
}

std::optional<uint32_t> WorkerCluster::preferred(const PickContext& context) const {
  for (std::string_view left = context.preferred; !left.empty();) {
    const size_t comma = std::min(left.find(','), left.size());
    const std::string_view text = base::sv(absl::StripAsciiWhitespace(base::av(left.substr(0, comma))));
    left.remove_prefix(std::min(comma + 1, left.size()));
    const std::optional<uint32_t> slot = shard_.hosts->usableAt(text);
    if (!slot.has_value()) continue;
    const Host* const host = shard_.hosts->hosts[*slot].get();
    const bool tried = std::any_of(context.attempted.begin(), context.attempted.end(),
                                   [host](const HostRef& ref) { return ref == host; });
    if (!tried) return slot;
  }
  return std::nullopt;
}

std::optional<uint32_t> WorkerCluster::pick(const PickContext& context) {
  if (!context.preferred.empty()) {
    if (const std::optional<uint32_t> slot = preferred(context)) {
      hostState(*slot);
      return slot;
    }
  }
  lb::PickNotes notes;
  lb::PickInput input{shard_.worker.random, shard_.worker.dispatcher.now(),
                      context.hash,         0,
                      &shard_.loads,        latencies_.get(),
                      cursors_.data(),      &notes};
  const lb::PickWish wish{context.subset, context.priority_loads};
  const lb::Balancer& balancer = shard_.hosts->balancer;
  const auto unwanted = [&](uint32_t slot) {
    const Host* const host = shard_.hosts->hosts[slot].get();
    return std::any_of(context.attempted.begin(), context.attempted.end(),
                       [host](const HostRef& ref) { return ref == host; }) ||
           std::any_of(context.omitted.begin(), context.omitted.end(),
                       [&](const lb::Metadata& metadata) { return shard_.hosts->hasMetadata(slot, metadata); });
  };
  std::optional<uint32_t> slot = balancer.pick(input, wish);
  while (slot.has_value() && unwanted(*slot) && input.attempt < context.more_picks) {
    ++input.attempt;
    slot = balancer.pick(input, wish);
  }
  count(notes);
  if (slot.has_value()) hostState(*slot);
  return slot;
}

// What was foreseen holds for those whose pick depends on nothing but the balancer.
std::optional<uint32_t> WorkerCluster::next(const PickContext& context) {
  const bool plain = context.attempted.empty() && !context.hash.has_value() && context.subset == nullptr &&
                     context.priority_loads.empty() && context.preferred.empty() && context.omitted.empty();
  if (!plain || foreseen_.empty()) return pick(context);
  const uint32_t slot = foreseen_.front();
  foreseen_.erase(foreseen_.begin());
  hostState(slot);
  return slot;
}

// One that nobody uses makes room for another.
bool WorkerCluster::retireAPool(Priority priority) {
  for (const uint32_t slot : known_) {
    for (std::unique_ptr<ConnectionPool>& pool : static_cast<PooledHost&>(shard_.state(slot)).pools) {
      if (pool == nullptr || pool->priority() != priority || !pool->unused()) continue;
      pool->retire();
      shard_.worker.dispatcher.deleteLater(std::move(pool));
      return true;
    }
    for (PooledHost::PoolsByPurpose& pools : static_cast<PooledHost&>(shard_.state(slot)).named) {
      const auto at = std::find_if(pools.all.begin(), pools.all.end(), [priority](const auto& one) {
        return one.second->priority() == priority && one.second->unused();
      });
      if (at == pools.all.end()) continue;
      at->second->retire();
      shard_.worker.dispatcher.deleteLater(std::move(at->second));
      pools.all.erase(at);
      return true;
    }
  }
  return false;
}

// A permit for one more.
bool WorkerCluster::takePool(Priority priority) {
  if (shard_.takePool(priority) || (retireAPool(priority) && shard_.takePool(priority))) return true;
  shard_.worker.stats.add(stats().cx_pool_overflow);
  return false;
}

ConnectionPool* WorkerCluster::pool(uint32_t slot, const PickContext& context) {
  const Protocol wanted = config().protocol;
  const bool h2 =
      wanted == Protocol::kHttp2 || (wanted == Protocol::kDownstream && context.version == http::Version::kHttp2);
  const http::Version version = h2 ? http::Version::kHttp2 : http::Version::kHttp11;
  PooledHost& host = hostState(slot);
  const size_t kind = static_cast<size_t>(context.priority) * 2 + (h2 ? 1 : 0);
  if (!context.server_name.empty() || context.client != nullptr) return namedPool(host, kind, context, version);
  std::unique_ptr<ConnectionPool>& pool = host.pools[kind];
  if (pool == nullptr && takePool(context.priority)) {
    pool = std::make_unique<ConnectionPool>(shard_, waiters_, slot, context.priority, version);
  }
  return pool.get();
}

base::Ticket WorkerCluster::refuse(std::optional<uint32_t> host, const PickContext& context, StreamReceiver& receiver,
                                   http::Reason reason) {
  Waiter& waiter = waiters_.take(receiver, host, context);
  if (host.has_value()) shard_.begin(*host);
  waiter.refuse(reason);
  unplaced_.pushBack(waiter);
  wake();
  return waiter.issue();
}

ConnectionPool* WorkerCluster::namedPool(PooledHost& host, size_t kind, const PickContext& context,
                                         http::Version version) {
  if (host.named.empty()) host.named.resize(host.pools.size());
  PooledHost::PoolsByPurpose& pools = host.named[kind];
  key_.assign(context.server_name);
  if (context.client != nullptr) {
    appendKey(context.client->remote, key_);
    appendKey(context.client->local, key_);
  }
  const auto found = pools.all.find(key_);
  if (found != pools.all.end()) return found->second.get();
  if (pools.all.size() >= pools.sweep_at) {
    for (auto at = pools.all.begin(); at != pools.all.end();) {
      const auto one = at++;
      if (!one->second->empty()) continue;
      shard_.worker.dispatcher.deleteLater(std::make_unique<BuriedPool>(std::move(one->second)));
      pools.all.erase(one);
    }
    pools.sweep_at = std::max(kUnusedNames, 2 * pools.all.size());
  }
  if (!takePool(context.priority)) return nullptr;
  auto pool = std::make_unique<ConnectionPool>(shard_, waiters_, host.host->slot, context.priority, version,
                                               net::Purpose{context.server_name, context.client});
  return pools.all.emplace(key_, std::move(pool)).first->second.get();
}

base::Ticket WorkerCluster::openStreamTo(uint32_t slot, const PickContext& context, StreamReceiver& receiver) {
  if (ConnectionPool* const to = pool(slot, context)) return to->open(context, receiver);
  return refuse(slot, context, receiver, http::Reason::kUpstreamOverflow);
}

base::Ticket WorkerCluster::connectTo(uint32_t slot, const PickContext& context, ConnectReceiver& receiver) {
  hostState(slot);
  return plain_.connect(slot, context, receiver);
}

base::Ticket WorkerCluster::openStream(const PickContext& context, StreamReceiver& receiver) {
  if (demand_ != nullptr) return demand_->openStream(context, receiver);
  const std::optional<uint32_t> host = next(context);
  if (!host.has_value()) {
    shard_.worker.stats.add(stats().cx_none_healthy);
    return refuse(std::nullopt, context, receiver, http::Reason::kNoHealthyUpstream);
  }
  base::Ticket ticket = openStreamTo(*host, context, receiver);
  // A connection that was opened for nobody in particular is of no use where hosts are told for whom it is.
  if (config().predictive_preconnect_ratio > 1 && !config().tells_client) {
    ahead_for_ = Ahead{context.priority, context.version};
    wake();
  }
  return ticket;
}

// Once in a turn, behind the pools that were asked. The rule is that of a pool, for all of them together.
void WorkerCluster::openAhead() {
  const double ratio = config().predictive_preconnect_ratio;
  const Ahead ahead = *std::exchange(ahead_for_, std::nullopt);
  const PickContext context{.priority = ahead.priority, .version = ahead.version};
  for (int i = 0; i < ConnectionPool::kAheadAtOnce && foreseen_.size() < shard_.hosts->healthy; ++i) {
    size_t capacity = 0;
    for (const ConnectionPool* const one : shard_.pools) capacity += one->capacity();
    const auto provided = static_cast<double>(capacity + shard_.streams);
    if (static_cast<double>(waiters_.out() + shard_.streams) * ratio <= provided) return;
    const std::optional<uint32_t> slot = pick(context);
    if (!slot.has_value()) return;
    foreseen_.push_back(*slot);
    ConnectionPool* const to = pool(*slot, context);
    if (to == nullptr || !to->openAhead(ratio)) return;
  }
}

void WorkerCluster::onWake() {
  for (size_t count = unplaced_.size(); count > 0 && !unplaced_.empty(); --count) {
    Waiter& waiter = *unplaced_.first();
    StreamReceiver& receiver = waiter.receiver();
    const http::Reason reason = waiter.refusal();
    HostRef host = waiter.host().has_value() ? HostRef(shard_.state(*waiter.host())) : HostRef();
    waiters_.give(waiter);
    if (host) shard_.end(host->slot);
    receiver.onStreamFailed(reason, std::move(host));
  }
  if (ahead_for_.has_value()) openAhead();
  if (!unplaced_.empty()) wake();
  if (!shard_.touched.empty()) buryUnused();
}

RetryLease WorkerCluster::takeRetry(Priority priority) {
  return shard_.takeRetry(priority) ? RetryLease(shard_, priority) : RetryLease();
}

base::Ticket WorkerCluster::connect(const PickContext& context, ConnectReceiver& receiver) {
  if (demand_ != nullptr) return demand_->connect(context, receiver);
  return plain_.connect(pick(context), context, receiver);
}

void WorkerCluster::finish(ConnectReceiver::Connected connected, absl::Duration patience) {
  plain_.finish(std::move(connected), patience);
}

void WorkerCluster::recordOutcome(const HostRef& host, const RequestOutcome& outcome) {
  HostCounters& counters = host.state()->counters;
  switch (outcome.kind) {
    case RequestOutcome::Kind::kSuccess:
      counters.rq_success.add();
      counters.latency_us.add(absl::ToInt64Microseconds(outcome.latency));
      break;
    case RequestOutcome::Kind::kTimeout:
      counters.rq_timeout.add();
      counters.rq_error.add();
      break;
    case RequestOutcome::Kind::kError:
    case RequestOutcome::Kind::kConnectFailure:
    case RequestOutcome::Kind::kConnectTimeout:
    case RequestOutcome::Kind::kReset:
      counters.rq_error.add();
      break;
  }
  const bool current = shard_.hosts->contains(*host);
  if (latencies_ != nullptr && current) {
    const base::MonotonicTime now = shard_.worker.dispatcher.now();
    if (outcome.kind == RequestOutcome::Kind::kSuccess) {
      latencies_->succeeded(host->slot, outcome.latency, now);
    } else {
      latencies_->failed(host->slot, now);
    }
  }
  if (HostMonitor* const monitor = host->monitor()) monitor->onOutcome(outcome);
}

void WorkerCluster::drain() {
  shard_.draining = true;
  for (const uint32_t slot : known_) static_cast<PooledHost&>(shard_.state(slot)).closeIdle();
  shard_.shelf.closeAll();
}

size_t WorkerCluster::connections() const {
  size_t sum = 0;
  for (const uint32_t slot : known_) sum += shard_.counters(slot).cx_active.value();
  return sum;
}

}  // namespace weir::upstream
