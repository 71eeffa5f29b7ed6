// PeakEwma: the better of two hosts by expected latency: what the host lately took, times one more than what it has
// under way. Latency is a moving average that decays with time and jumps to each peak at once, so that a host that
// becomes slow loses traffic at once and wins it back slowly (Twitter's Finagle; linkerd's default). A host that nobody
// asks is forgiven with time: its estimate decays to nothing, and it is tried again. A failure counts as a slow answer,
// or a host that fails quickly would draw all the traffic.
//
// All estimates fade at the same rate, so that in logarithms each is a number that stays, less one that is the same for
// all: a pick compares two hosts with one power of two, whose fraction a polynomial gives.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
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
  // What has faded by `now` of every estimate, for log2At().
  double fadedAt(base::MonotonicTime now) const { return static_cast<double>(now.nanoseconds) * halvings_; }
  // Logarithm to the base 2 of nanoseconds, 0 at least. `faded`: of the moment, not before the host's last answer.
  double log2At(uint32_t host, double faded) const { return std::max(0.0, lasting_[host] - faded); }

 private:
  struct Estimate {
    double nanoseconds;
    base::MonotonicTime when;
  };
  double lasting(const Estimate& estimate) const;
  void set(uint32_t host, double nanoseconds, base::MonotonicTime now);
  // What is left, of 1, of something observed so long ago.
  double remains(const Estimate& estimate, base::MonotonicTime now) const;

  Options options_;
  double halvings_;              // in a nanosecond
  std::vector<double> lasting_;  // log2 of the estimate, and of what will have faded when it was made: all a pick reads
  std::vector<Estimate> estimates_;
};

// 2 to the power of `x`, which is cut to -1000 and 1000; wrong by less than 6 parts in a million.
inline double quickExp2(double x) {
  const double shifted = std::clamp(x, -1000.0, 1000.0) + 1024.0;
  const auto whole = static_cast<int64_t>(shifted);
  const double f = shifted - static_cast<double>(whole);
  // Through 2^f at 0, at 1 and at three Chebyshev points between.
  constexpr std::array<double, 4> kC = {0.69303532649570, 0.24144451094456, 0.05183617966590, 0.01368398289384};
  const double power = 1.0 + f * (kC[0] + f * (kC[1] + f * (kC[2] + f * kC[3])));
  return power * std::bit_cast<double>((whole - 1) << 52);  // the exponent's bias is 1023
}

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

  std::vector<Entry> entries_;
  WeightedDraw draw_;
};

}  // namespace weir::upstream::lb
