#include "source/upstream/load_balancer.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

namespace weir::upstream {
namespace {

struct Candidate {
  uint32_t index;
  uint32_t weight;
};

std::vector<Candidate> healthyHosts(const ClusterConfig& config) {
  std::vector<Candidate> out;
  for (uint32_t i = 0; i < config.hosts.size(); ++i) {
    if (config.hosts[i].health == HostHealth::kHealthy) out.push_back({i, std::max(config.hosts[i].weight, 1u)});
  }
  return out;
}

// Weights as small whole numbers: divided by what they have in common, then, if a round would still be longer than
// kMaxRound, scaled down to about that, each at least 1.
void reduceWeights(std::vector<Candidate>& hosts) {
  uint32_t divisor = 0;
  uint64_t sum = 0;
  for (const Candidate& host : hosts) divisor = std::gcd(divisor, host.weight);
  for (Candidate& host : hosts) sum += host.weight /= divisor;
  if (sum <= LoadBalancer::kMaxRound) return;
  const double scale = static_cast<double>(LoadBalancer::kMaxRound) / static_cast<double>(sum);
  for (Candidate& host : hosts) host.weight = std::max(1u, static_cast<uint32_t>(std::lround(host.weight * scale)));
}

// One round in which each host comes as often as its weight says, evenly spread: its turns lie at the middles of equal
// parts of the round, as in earliest-deadline-first scheduling.
std::vector<uint32_t> makeRound(std::vector<Candidate> hosts) {
  reduceWeights(hosts);
  std::vector<std::pair<double, uint32_t>> turns;
  for (const Candidate& host : hosts) {
    for (uint32_t k = 0; k < host.weight; ++k) turns.push_back({(k + 0.5) / host.weight, host.index});
  }
  std::sort(turns.begin(), turns.end());
  std::vector<uint32_t> round;
  round.reserve(turns.size());
  for (const auto& turn : turns) round.push_back(turn.second);
  return round;
}

// Draws hosts in proportion to their weights with one random number (Walker's alias method, as built by Vose, 1991).
class WeightedDraw {
 public:
  explicit WeightedDraw(const std::vector<Candidate>& hosts) {
    const size_t n = hosts.size();
    uint64_t sum = 0;
    for (const Candidate& host : hosts) sum += host.weight;
    std::vector<double> share;
    std::vector<uint32_t> small, large;
    for (uint32_t i = 0; i < n; ++i) {
      columns_.push_back({kWhole, hosts[i].index, hosts[i].index});
      share.push_back(static_cast<double>(hosts[i].weight) * static_cast<double>(n) / static_cast<double>(sum));
      (share[i] < 1.0 ? small : large).push_back(i);
    }
    while (!small.empty() && !large.empty()) {
      const uint32_t s = small.back();
      const uint32_t l = large.back();
      small.pop_back();
      columns_[s].own = static_cast<uint64_t>(share[s] * static_cast<double>(kWhole));
      columns_[s].other = hosts[l].index;
      share[l] -= 1.0 - share[s];
      if (share[l] >= 1.0) continue;
      large.pop_back();
      small.push_back(l);
    }
  }

  bool empty() const { return columns_.empty(); }
  size_t size() const { return columns_.size(); }
  uint32_t draw(base::Random& random) const {
    const Column& column = columns_[random.below(columns_.size())];
    if (column.own == kWhole) return column.host;
    return random.below(kWhole) < column.own ? column.host : column.other;
  }

 private:
  static constexpr uint64_t kWhole = uint64_t{1} << 32;
  struct Column {
    uint64_t own;  // of kWhole, the part that is the host's own
    uint32_t host;
    uint32_t other;
  };
  std::vector<Column> columns_;
};

class RoundRobin final : public LoadBalancer {
 public:
  RoundRobin(const ClusterConfig& config, base::Random& random) : round_(makeRound(healthyHosts(config))) {
    if (!round_.empty()) next_ = random.below(round_.size());
  }

  std::optional<uint32_t> pick(base::Random&) override {
    if (round_.empty()) return std::nullopt;
    const uint32_t host = round_[next_];
    if (++next_ == round_.size()) next_ = 0;
    return host;
  }

 private:
  std::vector<uint32_t> round_;
  size_t next_ = 0;
};

class WeightedRandom final : public LoadBalancer {
 public:
  explicit WeightedRandom(const ClusterConfig& config) : draw_(healthyHosts(config)) {}

  std::optional<uint32_t> pick(base::Random& random) override {
    if (draw_.empty()) return std::nullopt;
    return draw_.draw(random);
  }

 private:
  WeightedDraw draw_;
};

// The best of a few candidates (Mitzenmacher's power of two choices). Candidates are drawn by weight and compared by
// load per weight, so that an idle cluster gets traffic by weight, and a slow host less.
class LeastRequest final : public LoadBalancer {
 public:
  LeastRequest(const ClusterConfig& config, const std::vector<uint32_t>& outstanding)
      : config_(config), outstanding_(outstanding), draw_(healthyHosts(config)) {}

  std::optional<uint32_t> pick(base::Random& random) override {
    if (draw_.empty()) return std::nullopt;
    uint32_t best = draw_.draw(random);
    if (draw_.size() == 1) return best;
    for (uint32_t i = 1; i < config_.choice_count; ++i) {
      const uint32_t candidate = draw_.draw(random);
      if (lighter(candidate, best)) best = candidate;
    }
    return best;
  }

 private:
  // outstanding / weight, compared without dividing.
  bool lighter(uint32_t a, uint32_t b) const {
    return uint64_t{outstanding_[a]} * config_.hosts[b].weight < uint64_t{outstanding_[b]} * config_.hosts[a].weight;
  }

  const ClusterConfig& config_;
  const std::vector<uint32_t>& outstanding_;
  WeightedDraw draw_;
};

}  // namespace

std::unique_ptr<LoadBalancer> makeLoadBalancer(const ClusterConfig& config, const std::vector<uint32_t>& outstanding,
                                               base::Random& random) {
  switch (config.lb_policy) {
    case LbPolicy::kLeastRequest:
      return std::make_unique<LeastRequest>(config, outstanding);
    case LbPolicy::kRandom:
      return std::make_unique<WeightedRandom>(config);
    case LbPolicy::kRoundRobin:
      break;
  }
  return std::make_unique<RoundRobin>(config, random);
}

}  // namespace weir::upstream
