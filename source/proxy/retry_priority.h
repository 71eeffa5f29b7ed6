// RetryPriority: which priorities of a cluster the next attempt of one request may go to, by the rule of Envoy's
// "previous priorities": after every `update_frequency` attempts the priorities of those so far are ruled out, and the
// traffic is divided among the others by how much of it each can take; when none of the others can take any, all are
// allowed again. Made by the Router in the exchange's arena, when the policy asks for it and a first attempt has
// failed; one worker.
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace weir::proxy {

class RetryPriority {
 public:
  // Priorities above are as if they had not been attempted. The xDS API has no more.
  static constexpr uint32_t kMost = 128;

  // At least 1.
  explicit RetryPriority(uint32_t update_frequency) : update_frequency_(update_frequency) {}

  // An attempt went to a host of that priority, and failed. `capacity`: percent of the cluster's traffic that each
  // priority could take now.
  void attempted(uint32_t priority, std::span<const uint32_t> capacity);
  // Percent of the traffic by priority, for the next attempt; empty: as the cluster has it. Until the next call.
  std::span<const uint32_t> loads() const { return {loads_.data(), count_}; }

 private:
  void divide(std::span<const uint32_t> capacity);

  const uint32_t update_frequency_;
  uint32_t attempts_ = 0;
  uint32_t count_ = 0;  // of loads_
  std::array<bool, kMost> tried_{};
  std::array<uint32_t, kMost> loads_{};
};

}  // namespace weir::proxy
