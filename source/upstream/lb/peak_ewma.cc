#include "source/upstream/lb/peak_ewma.h"

#include <algorithm>
#include <cmath>
#include <numbers>

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
    : options_(options), halvings_(std::numbers::log2e / std::max(1.0, absl::ToDoubleNanoseconds(options.decay))) {
  grow(hosts, now);
}

double LatencyEstimates::remains(const Estimate& estimate, base::MonotonicTime now) const {
  const int64_t age = now.nanoseconds - estimate.when.nanoseconds;
  return age <= 0 ? 1.0 : std::exp2(-static_cast<double>(age) * halvings_);
}

double LatencyEstimates::lasting(const Estimate& estimate) const {
  return std::log2(std::max(1.0, estimate.nanoseconds)) + fadedAt(estimate.when);
}

void LatencyEstimates::set(uint32_t host, double nanoseconds, base::MonotonicTime now) {
  estimates_[host] = {nanoseconds, now};
  lasting_[host] = lasting(estimates_[host]);
}

void LatencyEstimates::succeeded(uint32_t host, absl::Duration latency, base::MonotonicTime now) {
  const Estimate& estimate = estimates_[host];
  const double seen = std::max(0.0, absl::ToDoubleNanoseconds(latency));
  const double old = remains(estimate, now);
  set(host, seen >= estimate.nanoseconds ? seen : estimate.nanoseconds * old + seen * (1.0 - old), now);
}

void LatencyEstimates::grow(size_t hosts, base::MonotonicTime now) {
  const size_t known = estimates_.size();
  if (hosts <= known) return;
  estimates_.resize(hosts, {absl::ToDoubleNanoseconds(options_.initial), now});
  lasting_.resize(hosts, lasting(estimates_[known]));
}

void LatencyEstimates::forget(uint32_t host, base::MonotonicTime now) {
  set(host, absl::ToDoubleNanoseconds(options_.initial), now);
}

PeakEwma::PeakEwma(const std::vector<Candidate>& hosts) : draw_(weightsOf(hosts)) {
  double sum = 0;
  for (const Candidate& host : hosts) sum += host.weight;
  for (const Candidate& host : hosts) {
    entries_.push_back({host.host, sum / static_cast<double>(hosts.size()) / host.weight});
  }
}

std::optional<uint32_t> PeakEwma::pick(const PickInput& input) const {
  if (entries_.empty()) return std::nullopt;
  const std::array<Entry, 2> two = {entries_[draw_.draw(input.random.next())],
                                    entries_[draw_.draw(input.random.next())]};
  const auto load = [&input](const Entry& entry) {
    return 1.0 + entry.load_factor * input.loads->outstanding[entry.host];
  };
  const double faded = input.latencies->fadedAt(input.now);
  const double apart = input.latencies->log2At(two[0].host, faded) - input.latencies->log2At(two[1].host, faded);
  // As likely as not: an index, where a branch would be guessed wrongly every other time.
  const bool second = load(two[1]) < load(two[0]) * quickExp2(apart);
  return two[static_cast<size_t>(second)].host;
}

}  // namespace weir::upstream::lb
