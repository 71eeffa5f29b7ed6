#include "test/harness/sim/sim_poller.h"

#include <algorithm>
#include <utility>

namespace weir::harness {

SimPoller::Watch::~Watch() {
  std::erase(poller_.ready_, this);
  std::replace(poller_.delivering_.begin(), poller_.delivering_.end(), this, static_cast<Watch*>(nullptr));
}

void SimPoller::Watch::mark(event::Readiness edge) {
  marked_.readable |= edge.readable;
  marked_.writable |= edge.writable;
  marked_.closed |= edge.closed;
  if (queued_) return;
  queued_ = true;
  poller_.ready_.push_back(this);
}

bool SimPoller::poll(std::optional<base::MonotonicTime>, absl::FunctionRef<void()> awake) {
  awake();
  delivering_.swap(ready_);
  bool delivered = false;
  for (size_t i = 0; i < delivering_.size(); ++i) {
    Watch* watch = delivering_[i];
    if (watch == nullptr) continue;
    watch->queued_ = false;
    delivered = true;
    watch->handler_->onReady(std::exchange(watch->marked_, event::Readiness{}));
  }
  delivering_.clear();
  return delivered;
}

}  // namespace weir::harness
