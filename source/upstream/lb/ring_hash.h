// RingHash: consistent hashing on a ring (Karger and others, 1997; ketama's points by weight). A host owns points on
// the ring of 64-bit numbers, and a request goes to the owner of the first point at or after its hash.
//
// How many points a host gets depends on its share of the weights and on its own key alone, rounded up or down by a
// number that the key gives. So when one of n hosts leaves, 1/n of the requests move, and in a small ring, where the
// others get more points to keep it at its size, about as many again.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "source/upstream/lb/policy.h"

namespace weir::upstream::lb {

// A candidate with what names it for hashing: its address, or its hostname or metadata where the cluster says so. The
// same key means the same place for every proxy.
struct KeyedCandidate {
  Candidate candidate;
  std::string key;
};

// Immutable; shared by workers.
class HashRing {
 public:
  struct Size {
    uint64_t min = 1024;  // about so many points; more when hosts would have few, or a light one none
    uint64_t max = 8 * 1024 * 1024;
  };

  // Each host has one point at least, even if that makes the ring larger than `size.max`.
  HashRing(const std::vector<KeyedCandidate>& hosts, Size size);

  std::optional<uint32_t> find(uint64_t hash) const;
  size_t points() const { return points_.size(); }

 private:
  struct Point {
    uint64_t hash;
    uint32_t host;
  };
  std::vector<Point> points_;     // by hash
  std::vector<uint32_t> starts_;  // by the hash's first bits: the first point that may be it
  int shift_ = 63;
};

class RingHash final : public Policy {
 public:
  explicit RingHash(std::shared_ptr<const HashRing> ring) : ring_(std::move(ring)) {}
  std::optional<uint32_t> pick(const PickInput& input) const override { return ring_->find(pickHash(input)); }

 private:
  std::shared_ptr<const HashRing> ring_;
};

}  // namespace weir::upstream::lb
