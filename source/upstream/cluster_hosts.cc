#include "source/upstream/cluster_hosts.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "absl/hash/hash.h"

namespace weir::upstream {
namespace {

// How long after a set was replaced it is first looked at whether workers still have it, and how often then.
constexpr absl::Duration kSweepInterval = absl::Milliseconds(200);

// A window of slow start has so many steps, none shorter or longer than this.
constexpr int kGrowthSteps = 60;
constexpr absl::Duration kFastestGrowth = absl::Milliseconds(100);
constexpr absl::Duration kSlowestGrowth = absl::Seconds(5);

size_t hashOf(const std::string& text, const std::string& hostname) {
  return absl::Hash<std::pair<const std::string&, const std::string&>>()({text, hostname});
}

}  // namespace

size_t ClusterHosts::KeyHash::operator()(uint32_t slot) const {
  const Host& host = *(*hosts)[slot];
  return hashOf(host.text, host.hostname);
}

size_t ClusterHosts::KeyHash::operator()(const HostSpec& spec) const {
  return spec.text.empty() ? hashOf(spec.address.text(), spec.hostname) : hashOf(spec.text, spec.hostname);
}

bool ClusterHosts::KeyEqual::operator()(uint32_t slot, const HostSpec& spec) const {
  const Host& host = *(*hosts)[slot];
  return host.address == spec.address && host.hostname == spec.hostname;
}

ClusterHosts::ClusterHosts(std::shared_ptr<const Cluster> cluster, event::Dispatcher& main, Publish publish)
    : Wakeable(main),
      cluster_(std::move(cluster)),
      main_(main),
      publish_(std::move(publish)),
      entries_(cluster_->takeInitialEntries()),
      keys_(0, KeyHash{&by_slot_}, KeyEqual{&by_slot_}),
      current_(cluster_->initialHosts()) {
  by_slot_.reserve(entries_.size());
  place_by_slot_.reserve(entries_.size());
  for (uint32_t i = 0; i < entries_.size(); ++i) {
    by_slot_.push_back(entries_[i].host.get());
    place_by_slot_.push_back(i);
    keys_.insert(i);
  }
}

ClusterHosts::~ClusterHosts() = default;

HostEntry* ClusterHosts::entryOf(const Host& host) {
  if (host.slot >= by_slot_.size() || by_slot_[host.slot] != &host) return nullptr;
  return &entries_[place_by_slot_[host.slot]];
}

const HostEntry* ClusterHosts::find(const Host& host) const { return const_cast<ClusterHosts*>(this)->entryOf(host); }

const HostEntry* ClusterHosts::findByText(std::string_view text) const {
  const auto at = std::find_if(entries_.begin(), entries_.end(),
                               [&](const HostEntry& entry) { return std::string_view(entry.host->text) == text; });
  return at == entries_.end() ? nullptr : &*at;
}

void ClusterHosts::monitorWith(MonitorFactory factory) {
  monitors_ = std::move(factory);
  for (const HostEntry& entry : entries_) entry.host->setMonitor(monitors_(*entry.host));
}

HostEntry ClusterHosts::makeEntry(const HostSpec& spec, const TransportMatch* match) {
  uint32_t slot = static_cast<uint32_t>(by_slot_.size());
  if (free_slots_.empty()) {
    by_slot_.push_back(nullptr);
    place_by_slot_.push_back(0);
  } else {
    slot = free_slots_.back();
    free_slots_.pop_back();
  }
  auto host = std::make_shared<const Host>(spec, slot, match);
  by_slot_[slot] = host.get();
  keys_.insert(slot);
  if (monitors_) host->setMonitor(monitors_(*host));
  added_.push_back(host);
  return HostEntry(spec, std::move(host), main_.now());
}

// The slot stays taken until no thread knows the host.
void ClusterHosts::remove(HostEntry& entry) {
  const uint32_t slot = entry.host->slot;
  keys_.erase(slot);
  by_slot_[slot] = nullptr;
  removed_.push_back(entry.host);
  leaving_.push_back(std::move(entry.host));
}

bool ClusterHosts::outlasts(const HostEntry& entry) const {
  return cluster_->config().keep_hosts_that_pass && !entry.flags.has(HealthFlag::kFailedActiveCheck) &&
         !entry.flags.has(HealthFlag::kFailedDiscovery) && !entry.flags.has(HealthFlag::kDrainingDiscovery);
}

void ClusterHosts::removeFailed() {
  std::vector<HostEntry> next;
  next.reserve(entries_.size());
  for (HostEntry& entry : entries_) {
    if (entry.flags.has(HealthFlag::kPendingRemoval) && !outlasts(entry)) {
      remove(entry);
      continue;
    }
    place_by_slot_[entry.host->slot] = static_cast<uint32_t>(next.size());
    next.push_back(std::move(entry));
  }
  entries_ = std::move(next);
}

void ClusterHosts::update(const std::vector<HostSpec>& specs) {
  std::vector<HostEntry> next;
  next.reserve(specs.size());
  for (const HostSpec& spec : specs) {
    const TransportMatch* const match = transportMatch(cluster_->config().transport_matches, spec);
    const auto known = keys_.find(spec);
    if (known == keys_.end()) {
      HostEntry entry = makeEntry(spec, match);
      place_by_slot_[entry.host->slot] = static_cast<uint32_t>(next.size());
      next.push_back(std::move(entry));
      changed_ = true;
      continue;
    }
    const uint32_t place = place_by_slot_[*known];
    const bool taken =
        place >= entries_.size() || entries_[place].host == nullptr || entries_[place].host->slot != *known;
    if (taken) continue;  // it came before in this list
    HostEntry& entry = entries_[place];
    if (entry.host->transport_match != match) {
      // Its connections are no good any more: to the workers it is another host, and that one leaves.
      remove(entry);
      HostEntry other = makeEntry(spec, match);
      place_by_slot_[other.host->slot] = static_cast<uint32_t>(next.size());
      next.push_back(std::move(other));
      changed_ = true;
      continue;
    }
    changed_ = entry.assign(spec) || changed_ || place != next.size();
    place_by_slot_[*known] = static_cast<uint32_t>(next.size());
    next.push_back(std::move(entry));
  }
  for (HostEntry& entry : entries_) {
    if (entry.host == nullptr) continue;
    if (outlasts(entry)) {
      changed_ = changed_ || !entry.flags.has(HealthFlag::kPendingRemoval);
      entry.flags.set(HealthFlag::kPendingRemoval, true);
      place_by_slot_[entry.host->slot] = static_cast<uint32_t>(next.size());
      next.push_back(std::move(entry));
      continue;
    }
    remove(entry);
    changed_ = true;
  }
  entries_ = std::move(next);
  if (changed_) wake();
}

bool ClusterHosts::setFlag(const Host& host, HealthFlag flag, bool on) {
  HostEntry* const entry = entryOf(host);
  if (entry == nullptr) return false;
  if (entry->flags.has(flag) == on) return true;
  const lb::Status before = entry->flags.status();
  entry->flags.set(flag, on);
  if (before == lb::Status::kUnhealthy && entry->flags.status() != before) entry->healthy_since = main_.now();
  changed_ = true;
  may_remove_ = may_remove_ || entry->flags.has(HealthFlag::kPendingRemoval);
  wake();
  return true;
}

bool ClusterHosts::setWeight(const Host& host, uint32_t weight) {
  HostEntry* const entry = entryOf(host);
  if (entry == nullptr) return false;
  if (std::exchange(entry->weight_override, weight) == weight) return true;
  changed_ = true;
  wake();
  return true;
}

void ClusterHosts::setLocal(std::shared_ptr<const LocalCluster> local) {
  const bool same = local_ != nullptr && *local_ == *local;
  local_ = std::move(local);
  if (same) return;
  changed_ = true;
  wake();
}

LocalCluster ClusterHosts::asLocal() const {
  LocalCluster local;
  for (const HostEntry& entry : entries_) {
    const bool first = entry.group == nullptr || entry.group->priority == 0;
    if (!first || entry.flags.status() != lb::Status::kHealthy) continue;
    ++local.healthy[entry.group == nullptr ? Locality() : entry.group->locality];
  }
  const std::vector<lb::LevelLoad>& levels = current_->balancer.loads().levels;
  local.panics = !levels.empty() && levels.front().panic;
  return local;
}

void ClusterHosts::onWake() {
  if (std::exchange(may_remove_, false)) removeFailed();
  if (!added_.empty() || !removed_.empty()) {
    std::vector<std::shared_ptr<const Host>> added = std::exchange(added_, {});
    std::vector<std::shared_ptr<const Host>> removed = std::exchange(removed_, {});
    // What came and went within one turn nobody is told of.
    absl::flat_hash_set<const Host*> passing;
    for (const auto& host : added) {
      if (by_slot_[host->slot] != host.get()) passing.insert(host.get());
    }
    if (!passing.empty()) {
      std::erase_if(added, [&](const auto& host) { return passing.contains(host.get()); });
      std::erase_if(removed, [&](const auto& host) { return passing.contains(host.get()); });
    }
    for (HostObserver* const observer : std::vector<HostObserver*>(observers_)) {
      observer->onHostsChanged(added, removed);
    }
  }
  if (std::exchange(changed_, false)) publish();
}

void ClusterHosts::publish() {
  cluster_->forgetInitialHosts();
  retired_.push_back(std::move(current_));
  current_ =
      std::make_shared<const HostSet>(entries_, by_slot_.size(), cluster_->config().lb, main_.now(), local_.get());
  publish_(current_);
  if (timers_ == nullptr) timers_ = std::make_unique<Timers>(main_, *this);
  if (current_->in_slow_start) {
    timers_->growth.arm(
        std::clamp(cluster_->config().lb.slow_start.window / kGrowthSteps, kFastestGrowth, kSlowestGrowth));
  }
  if (!timers_->sweep.armed()) timers_->sweep.arm(kSweepInterval);
}

bool ClusterHosts::sweep() {
  std::erase_if(retired_, [](const auto& set) { return set.use_count() == 1; });
  std::erase_if(leaving_, [this](const auto& host) {
    if (host.use_count() != 1) return false;
    free_slots_.push_back(host->slot);
    return true;
  });
  return !retired_.empty() || !leaving_.empty();
}

void ClusterHosts::onTimer(event::Timer& timer) {
  if (&timer == &timers_->growth) {
    changed_ = true;
    wake();
    return;
  }
  if (sweep()) timer.arm(kSweepInterval);
}

}  // namespace weir::upstream
