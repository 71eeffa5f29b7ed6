#include "source/upstream/demand.h"

namespace weir::upstream {

void Demand::ask(std::string key, event::Dispatcher& worker, std::function<void(http::Reason)> done) const {
  if (main_ == nullptr) return;
  main_->post([this, key = std::move(key), &worker, done = std::move(done)] {
    if (source_ == nullptr) return;
    source_->want(key, [&worker, done](http::Reason reason) { worker.post([done, reason] { done(reason); }); });
  });
}

bool Demand::enter() const {
  uint32_t waiting = waiting_.load(std::memory_order_relaxed);
  do {
    if (waiting >= config_.max_pending) return false;
  } while (!waiting_.compare_exchange_weak(waiting, waiting + 1, std::memory_order_relaxed));
  return true;
}

}  // namespace weir::upstream
