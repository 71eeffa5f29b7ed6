#include "source/upstream/lb/peak_ewma.h"

#include <algorithm>
#include <cmath>

namespace weir::upstream::lb {
namespace {

std::vector<double> weightsOf(const std::vector<Candidate>& hosts) {
  std::vector<double> out;
  out.reserve(hosts.size());
  for (const Candidate& host : hosts) out.push_back(host.weight);
  return out;
}

}  // namespace

LatencyEstimates::LatencyEstimates(size_t hosts, base::MonotonicTime now, Options options)
    : options_(options),
      per_decay_(1.0 / std::max(1.0, absl::ToDoubleNanoseconds(options.decay))),
      estimates_(hosts, {absl::ToDoubleNanoseconds(options.initial), now}) {}

double LatencyEstimates::remains(const Estimate& estimate, base::MonotonicTime now) const {
  const int64_t age = now.nanoseconds - estimate.when.nanoseconds;
  return age <= 0 ? 1.0 : std::exp(-static_cast<double>(age) * per_decay_);
}

void LatencyEstimates::succeeded(uint32_t host, absl::Duration latency, base::MonotonicTime now) {
  Estimate& estimate = estimates_[host];
  const double seen = std::max(0.0, absl::ToDoubleNanoseconds(latency));
  const double old = remains(estimate, now);
  estimate.nanoseconds = seen >= estimate.nanoseconds ? seen : estimate.nanoseconds * old + seen * (1.0 - old);
  estimate.when = now;
}

double LatencyEstimates::at(uint32_t host, base::MonotonicTime now) const {
  const Estimate& estimate = estimates_[host];
  return std::max(1.0, estimate.nanoseconds * remains(estimate, now));
}

void LatencyEstimates::grow(size_t hosts, base::MonotonicTime now) {
  if (hosts > estimates_.size()) estimates_.resize(hosts, {absl::ToDoubleNanoseconds(options_.initial), now});
}

void LatencyEstimates::forget(uint32_t host, base::MonotonicTime now) {
  estimates_[host] = {absl::ToDoubleNanoseconds(options_.initial), now};
}

PeakEwma::PeakEwma(const std::vector<Candidate>& hosts) : draw_(weightsOf(hosts)) {
  double sum = 0;
  for (const Candidate& host : hosts) sum += host.weight;
  for (const Candidate& host : hosts) {
    entries_.push_back({host.host, sum / static_cast<double>(hosts.size()) / host.weight});
  }
}

double PeakEwma::cost(const Entry& entry, const PickInput& input) {
  return input.latencies->at(entry.host, input.now) * (1.0 + entry.load_factor * input.loads->outstanding[entry.host]);
}

std::optional<uint32_t> PeakEwma::pick(const PickInput& input) const {
  if (entries_.empty()) return std::nullopt;
  const Entry& first = entries_[draw_.draw(input.random.next())];
  const Entry& second = entries_[draw_.draw(input.random.next())];
  if (first.host == second.host) return first.host;
  return cost(second, input) < cost(first, input) ? second.host : first.host;
}

}  // namespace weir::upstream::lb
