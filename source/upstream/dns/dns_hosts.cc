#include "source/upstream/dns/dns_hosts.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace weir::upstream::dns {
namespace {

bool before(const net::Address& a, const net::Address& b) {
  return std::make_tuple(a.family(), a.ipBytes()) < std::make_tuple(b.family(), b.ipBytes());
}

}  // namespace

DnsHosts::DnsHosts(DnsHostsOptions options, Resolver& resolver, base::Random& random, event::Dispatcher& dispatcher,
                   DnsHostsReceiver& receiver)
    : options_(std::move(options)),
      resolver_(resolver),
      random_(random),
      dispatcher_(dispatcher),
      receiver_(receiver),
      next_(dispatcher, *this),
      expiry_(dispatcher, *this) {
  ask();
}

void DnsHosts::ask() {
  ++counts_.attempts;
  question_ = resolver_.resolve(options_.name, options_.family, *this);
}

void DnsHosts::onTimer(event::Timer& timer) {
  if (&timer == &next_) {
    ask();
    return;
  }
  ++counts_.expired;
  state_ = State::kGone;
  hosts_.clear();
  receiver_.onDnsHosts(hosts_);
}

void DnsHosts::onAddresses(Outcome outcome, std::vector<AddressRecord> records) {
  last_outcome_ = outcome;
  if (outcome == Outcome::kFound && !records.empty()) {
    good(records);
  } else {
    ++(isEmpty(outcome) ? counts_.empty : counts_.failures);
    bad();
  }
}

void DnsHosts::good(const std::vector<AddressRecord>& records) {
  ++counts_.successes;
  failures_in_a_row_ = 0;
  confirmed_ = dispatcher_.now();
  expiry_.cancel();
  next_.arm(refreshAfter(records));
  std::vector<net::Address> list = listOf(records);
  state_ = State::kFresh;
  if (list == hosts_) {
    ++counts_.unchanged;
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
      state_ = State::kStale;
      if (options_.keep_stale < absl::InfiniteDuration()) {
        expiry_.arm(confirmed_ + options_.keep_stale - dispatcher_.now());
      }
      return;
    case State::kStale:
    case State::kGone:
      return;
    case State::kUnknown:
      state_ = State::kGone;
      receiver_.onDnsHosts(hosts_);
      return;
  }
}

std::vector<net::Address> DnsHosts::listOf(const std::vector<AddressRecord>& records) const {
  if (options_.semantics == DnsHostsOptions::Semantics::kLogical) {
    return {withPort(records.front().address, options_.port)};
  }
  std::vector<net::Address> out;
  out.reserve(records.size());
  for (const AddressRecord& record : records) out.push_back(withPort(record.address, options_.port));
  std::sort(out.begin(), out.end(), before);
  out.erase(std::unique(out.begin(), out.end()), out.end());
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
