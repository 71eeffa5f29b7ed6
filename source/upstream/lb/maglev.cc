#include "source/upstream/lb/maglev.h"

#include <algorithm>

#include "source/base/check.h"

namespace weir::upstream::lb {
namespace {

constexpr uint64_t kOffsetSeed = 3;
constexpr uint64_t kSkipSeed = 4;
constexpr uint32_t kFree = UINT32_MAX;

struct Walk {
  uint64_t position;
  uint64_t skip;
  double pace;    // of the heaviest host's
  double credit;  // a turn is taken for each whole one
  uint32_t host;
};

std::vector<Walk> makeWalks(const std::vector<KeyedCandidate>& hosts, uint32_t size) {
  uint32_t heaviest = 1;
  for (const KeyedCandidate& host : hosts) heaviest = std::max(heaviest, host.candidate.weight);
  // Turns are taken in the order of the keys, so that the order in which hosts are listed does not matter.
  std::vector<const KeyedCandidate*> ordered;
  for (const KeyedCandidate& host : hosts) ordered.push_back(&host);
  std::stable_sort(ordered.begin(), ordered.end(),
                   [](const KeyedCandidate* a, const KeyedCandidate* b) { return a->key < b->key; });
  std::vector<Walk> walks;
  walks.reserve(ordered.size());
  for (const KeyedCandidate* host : ordered) {
    walks.push_back({stableHash(host->key, kOffsetSeed) % size, stableHash(host->key, kSkipSeed) % (size - 1) + 1,
                     static_cast<double>(host->candidate.weight) / heaviest, 0.5, host->candidate.host});
  }
  return walks;
}

}  // namespace

bool MaglevTable::isPrime(uint32_t n) {
  if (n < 2) return false;
  for (uint32_t d = 2; uint64_t{d} * d <= n; ++d) {
    if (n % d == 0) return false;
  }
  return true;
}

MaglevTable::MaglevTable(const std::vector<KeyedCandidate>& hosts, uint32_t size) {
  CHECK(size > 2 && size <= kMaxSize && isPrime(size), "a walk visits every entry only if their number is prime");
  if (hosts.empty()) return;
  std::vector<Walk> walks = makeWalks(hosts, size);
  table_.assign(size, kFree);
  uint32_t filled = 0;
  while (filled < size) {
    for (Walk& walk : walks) {
      walk.credit += walk.pace;
      if (walk.credit < 1.0) continue;
      walk.credit -= 1.0;
      while (table_[walk.position] != kFree) walk.position = (walk.position + walk.skip) % size;
      table_[walk.position] = walk.host;
      if (++filled == size) return;
    }
  }
}

}  // namespace weir::upstream::lb
