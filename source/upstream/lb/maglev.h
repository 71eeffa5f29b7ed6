// Maglev: consistent hashing by a table (Eisenbud and others, "Maglev: A Fast and Reliable Software Network Load
// Balancer", NSDI 2016, section 3.4). Each host walks the table in an order of its own and takes free entries in turn,
// a host of half the weight every second turn; so shares are even to within an entry or two, better than on a ring, and
// when a host leaves, few other entries change.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "source/upstream/lb/policy.h"
#include "source/upstream/lb/ring_hash.h"

namespace weir::upstream::lb {

// Immutable; shared by workers. Four bytes for each entry.
class MaglevTable {
 public:
  static constexpr uint32_t kDefaultSize = 65537;
  static constexpr uint32_t kMaxSize = 5'000'011;

  // `size` is a prime up to kMaxSize. With more hosts than entries, the last ones get none. Takes time in proportion to
  // size * log(size), and to the ratio of the heaviest weight to the mean.
  MaglevTable(const std::vector<KeyedCandidate>& hosts, uint32_t size);

  static bool isPrime(uint32_t n);

  std::optional<uint32_t> find(uint64_t hash) const {
    if (table_.empty()) return std::nullopt;
    return table_[static_cast<size_t>((static_cast<__uint128_t>(hash) * table_.size()) >> 64)];
  }
  const std::vector<uint32_t>& entries() const { return table_; }

 private:
  std::vector<uint32_t> table_;
};

class Maglev final : public Policy {
 public:
  explicit Maglev(std::shared_ptr<const MaglevTable> table) : table_(std::move(table)) {}
  std::optional<uint32_t> pick(const PickInput& input) const override { return table_->find(pickHash(input)); }

 private:
  std::shared_ptr<const MaglevTable> table_;
};

}  // namespace weir::upstream::lb
