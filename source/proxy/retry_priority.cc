#include "source/proxy/retry_priority.h"

#include <algorithm>

namespace weir::proxy {

void RetryPriority::attempted(uint32_t priority, std::span<const uint32_t> capacity) {
  if (priority < kMost) tried_[priority] = true;
  if (++attempts_ % update_frequency_ == 0) divide(capacity.first(std::min<size_t>(capacity.size(), kMost)));
}

void RetryPriority::divide(std::span<const uint32_t> capacity) {
  uint64_t sum = 0;
  for (size_t i = 0; i < capacity.size(); ++i) sum += tried_[i] ? 0 : capacity[i];
  count_ = 0;
  if (sum == 0) {
    // Begins anew, with the loads of the cluster.
    tried_.fill(false);
    attempts_ = 0;
    return;
  }
  const auto available = static_cast<uint32_t>(std::min<uint64_t>(sum, 100));
  uint32_t left = 100;
  for (size_t i = 0; i < capacity.size(); ++i) {
    loads_[i] = tried_[i] ? 0 : std::min(left, capacity[i] * 100 / available);
    left -= loads_[i];
  }
  count_ = static_cast<uint32_t>(capacity.size());
  // What rounding leaves goes to the first that has any.
  *std::find_if(loads_.begin(), loads_.begin() + count_, [](uint32_t load) { return load > 0; }) += left;
}

}  // namespace weir::proxy
