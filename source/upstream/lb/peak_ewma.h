// PeakEwma: the better of two hosts by expected latency: what the host lately took, times one more than what it has
// under way. Latency is a moving average that decays with time and jumps to each peak at once, so that a host that
// becomes slow loses traffic at once and wins it back slowly (Twitter's Finagle; linkerd's default). A host that nobody
// asks is forgiven with time: its estimate decays to nothing, and it is tried again. A failure counts as a slow answer,
// or a host that fails quickly would draw all the traffic.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/time/time.h"
#include "source/upstream/lb/policy.h"
#include "source/upstream/lb/weighted_draw.h"

namespace weir::upstream::lb {

// What a worker has seen of each host. Outlives the policies that are built over it; one thread.
class LatencyEstimates {
 public:
  struct Options {
    absl::Duration decay = absl::Seconds(10);           // in which an old observation loses 63 % of its part
    absl::Duration initial = absl::Milliseconds(30);    // of a host that was never asked
    absl::Duration failure_penalty = absl::Seconds(1);  // what a failure counts as
  };

  LatencyEstimates(size_t hosts, base::MonotonicTime now, Options options);
  // Room for so many hosts; never shrinks.
  void grow(size_t hosts, base::MonotonicTime now);
  // Another host has come to this place.
  void forget(uint32_t host, base::MonotonicTime now);

  // An answer of `host` came at `now` and took `latency`.
  void succeeded(uint32_t host, absl::Duration latency, base::MonotonicTime now);
  void failed(uint32_t host, base::MonotonicTime now) { succeeded(host, options_.failure_penalty, now); }
  // In nanoseconds, 1 at least.
  double at(uint32_t host, base::MonotonicTime now) const;

 private:
  struct Estimate {
    double nanoseconds;
    base::MonotonicTime when;
  };
  // What is left, of 1, of something observed so long ago.
  double remains(const Estimate& estimate, base::MonotonicTime now) const;

  Options options_;
  double per_decay_;  // 1 / decay, in nanoseconds
  std::vector<Estimate> estimates_;
};

class PeakEwma final : public Policy {
 public:
  // Hosts are drawn by weight, and compared by latency and by what they have under way for their weight.
  explicit PeakEwma(const std::vector<Candidate>& hosts);

  std::optional<uint32_t> pick(const PickInput& input) const override;

 private:
  struct Entry {
    uint32_t host;
    double load_factor;  // mean weight / own weight
  };
  static double cost(const Entry& entry, const PickInput& input);

  std::vector<Entry> entries_;
  WeightedDraw draw_;
};

}  // namespace weir::upstream::lb
