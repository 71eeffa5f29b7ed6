// DnsHosts: keeps the hosts behind one name up to date: resolves it, again when what it got has run out, and tells a
// receiver when the list changes. The name of a service ("_http._tcp.example.org", RFC 2782) leads to hosts with ports,
// weights and ranks of their own. Made by a cluster on the thread that resolves; begins at once; destroying it ends it.
// Never calls from inside its constructor.
//
//   state        an answer with records      an answer without, or a failure
//   fresh        fresh; the new list         stale, with the old list (kept for `keep_stale` from the last good answer)
//   stale        fresh; the new list         stale; after `keep_stale`: gone
//   gone         fresh; the new list         gone
//   unknown      fresh; the new list         gone, with an empty list: the cluster need not wait any longer
//
// The next question comes after the records' time to live or the refresh rate; after a failure, or an answer without
// records, after a back-off that doubles, with jitter. A receiver may destroy the DnsHosts from inside its call.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "source/base/clock.h"
#include "source/base/random.h"
#include "source/base/ticket.h"
#include "source/event/dispatcher.h"
#include "source/event/timer.h"
#include "source/net/address.h"
#include "source/stats/stats.h"
#include "source/upstream/dns/resolver.h"
#include "source/upstream/dns/service_lookup.h"

namespace weir::upstream::dns {

struct DnsHostsOptions {
  enum class Semantics : uint8_t {
    kStrict,   // every address is a host
    kLogical,  // the first address is the only host, for new connections; with names that rotate, another each time
  };

  std::string name;
  uint16_t port = 0;
  Family family = Family::kAuto;
  Semantics semantics = Semantics::kStrict;
  absl::Duration refresh_rate = absl::Seconds(5);
  // The least time to live of the records takes the place of the refresh rate, within these bounds; not one of zero.
  bool respect_ttl = false;
  absl::Duration min_refresh = absl::Seconds(1);
  absl::Duration max_refresh = absl::Hours(24);
  // Up to this much, at random, is added to each refresh.
  absl::Duration jitter = absl::ZeroDuration();
  // After the nth failure in a row: a random time up to base * 2^(n-1), or up to the maximum, but at least a tenth of
  // it. None: the refresh rate.
  std::optional<absl::Duration> failure_base = std::nullopt;
  absl::Duration failure_max = absl::InfiniteDuration();  // zero or infinite: ten times the base
  // How long the last good list outlives the answers that do not confirm it. Infinite: as long as it takes.
  absl::Duration keep_stale = absl::Minutes(5);
};

// What is counted about the names of one cluster.
struct DnsStats {
  // Registers them below "cluster.<stat name>."; counts into `shard`, of the thread that resolves, which outlives it.
  static DnsStats make(stats::Registry& registry, stats::Shard& shard, std::string_view stat_name);

  stats::Shard* shard;
  stats::CounterId attempt, success, failure, empty, no_rebuild, expired;
  stats::GaugeId stale;  // names whose list is kept although the last answer did not confirm it
};

struct ResolvedHost {
  net::Address address;
  uint32_t weight = 0;  // 0: DNS says nothing about it
  uint32_t rank = 0;    // hosts of a lower rank come first

  friend bool operator==(const ResolvedHost& a, const ResolvedHost& b) = default;
};

class DnsHostsReceiver {
 public:
  // The first outcome, and every change of the list since. `hosts` lives until the next call; strict lists are sorted,
  // without repetition of addresses.
  virtual void onDnsHosts(const std::vector<ResolvedHost>& hosts) = 0;

 protected:
  ~DnsHostsReceiver() = default;
};

class DnsHosts final : private AddressReceiver, private event::TimerHandler {
 public:
  enum class State : uint8_t { kUnknown, kFresh, kStale, kGone };

  struct Counts {
    uint64_t attempts = 0;
    uint64_t successes = 0;  // answers with records
    uint64_t failures = 0;   // neither records nor the word of a server that there are none
    uint64_t empty = 0;      // the word of a server that there are none
    uint64_t unchanged = 0;  // successes that gave the list that there was
    uint64_t expired = 0;    // lists that were given up because they were stale for too long
  };

  // All must outlive it. `stats` may be null: not counted.
  DnsHosts(DnsHostsOptions options, Resolver& resolver, base::Random& random, event::Dispatcher& dispatcher,
           DnsHostsReceiver& receiver, const DnsStats* stats = nullptr);
  ~DnsHosts();

  const std::vector<ResolvedHost>& hosts() const { return hosts_; }
  State state() const { return state_; }
  Outcome lastOutcome() const { return last_outcome_; }
  const Counts& counts() const { return counts_; }

 private:
  void onAddresses(Outcome outcome, std::vector<AddressRecord> records) override;
  void onTimer(event::Timer& timer) override;

  void ask();
  void good(const std::vector<AddressRecord>& records);
  void bad();
  std::vector<ResolvedHost> listOf(const std::vector<AddressRecord>& records) const;
  void become(State state);
  void count(uint64_t& own, stats::CounterId DnsStats::*shared);
  absl::Duration refreshAfter(const std::vector<AddressRecord>& records);
  absl::Duration retryAfter();
  absl::Duration upTo(absl::Duration limit);

  const DnsHostsOptions options_;
  Resolver& resolver_;
  base::Random& random_;
  event::Dispatcher& dispatcher_;
  DnsHostsReceiver& receiver_;
  event::Timer next_;    // question
  event::Timer expiry_;  // of a stale list
  const DnsStats* const stats_;
  std::vector<ResolvedHost> hosts_;
  State state_ = State::kUnknown;
  Outcome last_outcome_ = Outcome::kNoData;
  base::MonotonicTime confirmed_;  // when the list was last good
  int failures_in_a_row_ = 0;
  Counts counts_;
  base::Ticket question_;
  std::optional<ServiceLookup> service_;  // of the name of a service
};

// "fresh", ...
std::string_view stateText(DnsHosts::State state);

}  // namespace weir::upstream::dns
