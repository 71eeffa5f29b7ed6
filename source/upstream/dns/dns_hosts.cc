#include "source/upstream/dns/dns_hosts.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace weir::upstream::dns {
namespace {

bool before(const ResolvedHost& a, const ResolvedHost& b) {
  const auto key = [](const ResolvedHost& host) {
    return std::make_tuple(host.address.family(), host.address.ipBytes(), host.address.port(), host.rank);
  };
  return key(a) < key(b);
}

}  // namespace

DnsStats DnsStats::make(stats::Registry& registry, stats::Shard& shard, std::string_view stat_name) {
  const auto counter = [&](std::string_view metric) { return registry.counter({"cluster", stat_name, metric}); };
  return {&shard,
          counter("update_attempt"),
          counter("update_success"),
          counter("update_failure"),
          counter("update_empty"),
          counter("update_no_rebuild"),
          counter("update_expired"),
          registry.gauge({"cluster", stat_name, "update_stale"})};
}

std::string_view stateText(DnsHosts::State state) {
  switch (state) {
    case DnsHosts::State::kUnknown:
      return "unknown";
    case DnsHosts::State::kFresh:
      return "fresh";
    case DnsHosts::State::kStale:
      return "stale";
    case DnsHosts::State::kGone:
      break;
  }
  return "gone";
}

DnsHosts::DnsHosts(DnsHostsOptions options, Resolver& resolver, base::Random& random, event::Dispatcher& dispatcher,
                   DnsHostsReceiver& receiver, const DnsStats* stats)
    : options_(std::move(options)),
      resolver_(resolver),
      random_(random),
      dispatcher_(dispatcher),
      receiver_(receiver),
      next_(dispatcher, *this),
      expiry_(dispatcher, *this),
      stats_(stats) {
  if (isServiceName(options_.name)) service_.emplace(resolver, static_cast<AddressReceiver&>(*this));
  ask();
}

DnsHosts::~DnsHosts() { become(State::kGone); }

void DnsHosts::become(State state) {
  if (stats_ != nullptr && (state == State::kStale) != (state_ == State::kStale)) {
    stats_->shard->gaugeAdd(stats_->stale, state == State::kStale ? 1 : -1);
  }
  state_ = state;
}

void DnsHosts::count(uint64_t& own, stats::CounterId DnsStats::*shared) {
  ++own;
  if (stats_ != nullptr) stats_->shard->add(stats_->*shared);
}

void DnsHosts::ask() {
  count(counts_.attempts, &DnsStats::attempt);
  if (service_.has_value()) {
    service_->start(options_.name, options_.family);
    return;
  }
  question_ = resolver_.resolve(options_.name, options_.family, *this);
}

void DnsHosts::onTimer(event::Timer& timer) {
  if (&timer == &next_) {
    ask();
    return;
  }
  count(counts_.expired, &DnsStats::expired);
  become(State::kGone);
  hosts_.clear();
  receiver_.onDnsHosts(hosts_);
}

void DnsHosts::onAddresses(Outcome outcome, std::vector<AddressRecord> records) {
  last_outcome_ = outcome;
  if (outcome == Outcome::kFound && !records.empty()) {
    good(records);
  } else {
    if (isEmpty(outcome)) {
      count(counts_.empty, &DnsStats::empty);
    } else {
      count(counts_.failures, &DnsStats::failure);
    }
    bad();
  }
}

void DnsHosts::good(const std::vector<AddressRecord>& records) {
  count(counts_.successes, &DnsStats::success);
  failures_in_a_row_ = 0;
  confirmed_ = dispatcher_.now();
  expiry_.cancel();
  next_.arm(refreshAfter(records));
  std::vector<ResolvedHost> list = listOf(records);
  become(State::kFresh);
  if (list == hosts_) {
    count(counts_.unchanged, &DnsStats::no_rebuild);
    return;
  }
  hosts_ = std::move(list);
  receiver_.onDnsHosts(hosts_);
}

void DnsHosts::bad() {
  ++failures_in_a_row_;
  next_.arm(retryAfter());
  switch (state_) {
    case State::kFresh:
      become(State::kStale);
      if (options_.keep_stale < absl::InfiniteDuration()) {
        expiry_.arm(confirmed_ + options_.keep_stale - dispatcher_.now());
      }
      return;
    case State::kStale:
    case State::kGone:
      return;
    case State::kUnknown:
      become(State::kGone);
      receiver_.onDnsHosts(hosts_);
      return;
  }
}

std::vector<ResolvedHost> DnsHosts::listOf(const std::vector<AddressRecord>& records) const {
  const auto hostOf = [this](const AddressRecord& record) {
    const bool has_port = record.address.port() != 0;
    return ResolvedHost{has_port ? record.address : withPort(record.address, options_.port), record.weight,
                        record.rank};
  };
  if (options_.semantics == DnsHostsOptions::Semantics::kLogical) return {hostOf(records.front())};
  std::vector<ResolvedHost> out;
  out.reserve(records.size());
  for (const AddressRecord& record : records) out.push_back(hostOf(record));
  std::sort(out.begin(), out.end(), before);
  const auto same = [](const ResolvedHost& a, const ResolvedHost& b) { return a.address == b.address; };
  out.erase(std::unique(out.begin(), out.end(), same), out.end());
  return out;
}

absl::Duration DnsHosts::refreshAfter(const std::vector<AddressRecord>& records) {
  absl::Duration ttl = absl::InfiniteDuration();
  for (const AddressRecord& record : records) ttl = std::min(ttl, record.ttl);
  const bool use_ttl = options_.respect_ttl && ttl > absl::ZeroDuration() && ttl < absl::InfiniteDuration();
  const absl::Duration after =
      use_ttl ? std::clamp(ttl, options_.min_refresh, std::max(options_.min_refresh, options_.max_refresh))
              : options_.refresh_rate;
  return after + upTo(options_.jitter);
}

absl::Duration DnsHosts::retryAfter() {
  if (!options_.failure_base.has_value()) return options_.refresh_rate + upTo(options_.jitter);
  const absl::Duration base = *options_.failure_base;
  const bool bounded = options_.failure_max > absl::ZeroDuration() && options_.failure_max < absl::InfiniteDuration();
  const absl::Duration most = std::max(base, bounded ? options_.failure_max : base * 10);
  const int doublings = std::min(failures_in_a_row_ - 1, 30);
  const absl::Duration limit = std::min(most, base * (int64_t{1} << doublings));
  return std::max(limit / 10, upTo(limit));
}

absl::Duration DnsHosts::upTo(absl::Duration limit) {
  const int64_t whole = absl::ToInt64Nanoseconds(limit);
  return whole <= 0 ? absl::ZeroDuration() : absl::Nanoseconds(random_.below(static_cast<uint64_t>(whole)));
}

}  // namespace weir::upstream::dns
