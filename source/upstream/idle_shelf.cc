#include "source/upstream/idle_shelf.h"

#include <algorithm>

namespace weir::upstream {

void IdleShelf::put(Idle idle) {
  const std::lock_guard<std::mutex> lock(mutex_);
  idle_[Key(idle.host.get(), idle.priority)].push_back(std::move(idle));
  size_.fetch_add(1, std::memory_order_relaxed);
}

IdleShelf::Idle IdleShelf::takeFrom(Map::iterator at) {
  Idle idle = std::move(at->second.back());
  at->second.pop_back();
  if (at->second.empty()) idle_.erase(at);
  size_.fetch_sub(1, std::memory_order_relaxed);
  return idle;
}

std::optional<IdleShelf::Idle> IdleShelf::take(const Host& host, Priority priority) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto at = idle_.find(Key(&host, priority));
  if (at == idle_.end()) return std::nullopt;
  return takeFrom(at);
}

std::optional<IdleShelf::Idle> IdleShelf::takeAny(Priority priority) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto at =
      std::find_if(idle_.begin(), idle_.end(), [&](const auto& entry) { return entry.first.second == priority; });
  if (at == idle_.end()) return std::nullopt;
  return takeFrom(at);
}

std::vector<IdleShelf::Idle> IdleShelf::takeToLookAt(base::MonotonicTime now, absl::Duration every) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (now < looked_at_ + every) return {};
    looked_at_ = now;
  }
  return takeAll();
}

std::vector<IdleShelf::Idle> IdleShelf::takeAll() {
  Map taken;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    taken.swap(idle_);
    size_.store(0, std::memory_order_relaxed);
  }
  std::vector<Idle> all;
  for (auto& [key, some] : taken) {
    for (Idle& idle : some) all.push_back(std::move(idle));
  }
  return all;
}

}  // namespace weir::upstream
