#include "source/upstream/discovery/demanded_hosts.h"

#include <charconv>
#include <utility>

#include "absl/strings/str_cat.h"
#include "source/base/strings.h"

namespace weir::upstream::discovery {
namespace {

using http::Reason;

struct Target {
  std::string host;
  uint16_t port = 0;
};

// "example.org:443", "10.0.0.1:80", "[::1]:80".
std::optional<Target> parse(const std::string& key) {
  const size_t colon = key.rfind(':');
  if (colon == std::string::npos || colon == 0) return std::nullopt;
  Target target;
  const char* const end = key.data() + key.size();
  const auto [rest, error] = std::from_chars(key.data() + colon + 1, end, target.port);
  if (error != std::errc() || rest != end || target.port == 0) return std::nullopt;
  target.host = key.substr(0, colon);
  return target;
}

// As a resolver takes it.
std::string withoutBrackets(const std::string& host) {
  const bool brackets = host.size() > 2 && host.front() == '[' && host.back() == ']';
  return brackets ? host.substr(1, host.size() - 2) : host;
}

}  // namespace

class DemandedHosts::Entry final : private dns::DnsHostsReceiver {
 public:
  // Of a name.
  Entry(DemandedHosts& home, Target target) : home_(home), hostname_(target.host) {
    dns::DnsHostsOptions options = home.demand_->config().options;
    options.name = withoutBrackets(target.host);
    options.port = target.port;
    options.semantics = dns::DnsHostsOptions::Semantics::kLogical;
    dns_.emplace(std::move(options), *home.seams_.resolver, home.seams_.random, home.seams_.dispatcher,
                 static_cast<dns::DnsHostsReceiver&>(*this), &home.stats_);
  }
  // Of an address.
  Entry(DemandedHosts& home, net::Address address) : home_(home), address_(std::move(address)) {}

  void wait(std::function<void(Reason)> done) {
    used_ = true;
    if (address_.has_value()) {
      done(Reason::kNone);
    } else if (dns_->state() == dns::DnsHosts::State::kUnknown) {
      waiting_.push_back(std::move(done));
    } else {
      done(Reason::kDnsFailure);
    }
  }

  std::optional<HostSpec> spec() const {
    if (!address_.has_value()) return std::nullopt;
    HostSpec host;
    host.address = *address_;
    host.text = address_->text();
    host.hostname = hostname_;
    return host;
  }

  // Whether nobody has used it since the last call. `entry` is its host's, or null.
  bool idle(const HostEntry* entry) {
    const HostTotals now = entry == nullptr ? HostTotals() : entry->host->totals();
    const uint64_t uses = now.rq_total + now.cx_total;
    const bool unused = std::exchange(uses_, uses) == uses && now.rq_active == 0;
    return !std::exchange(used_, false) && unused && waiting_.empty();
  }

 private:
  void onDnsHosts(const std::vector<dns::ResolvedHost>& hosts) override {
    address_ = hosts.empty() ? std::nullopt : std::optional<net::Address>(hosts.front().address);
    home_.publish();
    const Reason reason = hosts.empty() ? Reason::kDnsFailure : Reason::kNone;
    for (const std::function<void(Reason)>& done : std::exchange(waiting_, {})) done(reason);
  }

  DemandedHosts& home_;
  std::string hostname_;
  std::optional<net::Address> address_;
  bool used_ = true;
  uint64_t uses_ = 0;
  std::vector<std::function<void(Reason)>> waiting_;
  std::optional<dns::DnsHosts> dns_;
};

DemandedHosts::DemandedHosts(std::shared_ptr<Demand> demand, std::string_view stat_name, const Seams& seams)
    : demand_(std::move(demand)),
      seams_(seams),
      stats_(dns::DnsStats::make(seams.stats, seams.shard, stat_name)),
      host_added_(seams.stats.counter({"cluster", stat_name, "host_added"})),
      host_removed_(seams.stats.counter({"cluster", stat_name, "host_removed"})),
      host_overflow_(seams.stats.counter({"cluster", stat_name, "host_overflow"})),
      num_hosts_(seams.stats.gauge({"cluster", stat_name, "num_hosts"})),
      sweep_(seams.dispatcher, *this) {
  demand_->connect(seams.dispatcher, *this);
  for (const std::string& key : demand_->config().preresolved) add(key);
  sweep_.arm(demand_->config().host_ttl);
}

DemandedHosts::~DemandedHosts() { demand_->disconnect(); }

DemandedHosts::Entry* DemandedHosts::add(const std::string& key) {
  const std::optional<Target> target = parse(key);
  if (!target.has_value()) return nullptr;
  std::unique_ptr<Entry> entry;
  if (demand_->config().kind == DemandConfig::Kind::kNames) {
    entry = std::make_unique<Entry>(*this, *target);
  } else {
    absl::StatusOr<net::Address> address = net::Address::parseIp(target->host, target->port);
    if (!address.ok()) return nullptr;
    entry = std::make_unique<Entry>(*this, *std::move(address));
  }
  Entry* const made = entry.get();
  entries_[key] = std::move(entry);
  seams_.shard.add(host_added_);
  seams_.shard.gaugeAdd(num_hosts_, 1);
  if (demand_->config().kind == DemandConfig::Kind::kAddresses) publish();
  return made;
}

void DemandedHosts::want(const std::string& key, std::function<void(Reason)> done) {
  const auto known = entries_.find(key);
  if (known != entries_.end()) {
    known->second->wait(std::move(done));
    return;
  }
  if (entries_.size() >= demand_->config().max_hosts) {
    seams_.shard.add(host_overflow_);
    done(Reason::kUpstreamOverflow);
    return;
  }
  Entry* const entry = add(key);
  if (entry == nullptr) {
    done(Reason::kDnsFailure);
  } else {
    entry->wait(std::move(done));
  }
}

void DemandedHosts::publish() {
  std::vector<HostSpec> list;
  for (const auto& [key, entry] : entries_) {
    if (std::optional<HostSpec> spec = entry->spec()) list.push_back(*std::move(spec));
  }
  seams_.hosts.update(list);
}

void DemandedHosts::onTimer(event::Timer&) {
  sweep_.arm(demand_->config().host_ttl);
  absl::flat_hash_map<std::string, const HostEntry*> hosts;
  for (const HostEntry& entry : seams_.hosts.entries()) {
    hosts[absl::StrCat(entry.host->hostname, " ", entry.host->text)] = &entry;
  }
  std::vector<std::string> idle;
  for (const auto& [key, entry] : entries_) {
    const std::optional<HostSpec> spec = entry->spec();
    const auto found = spec.has_value() ? hosts.find(absl::StrCat(spec->hostname, " ", spec->text)) : hosts.end();
    if (entry->idle(found == hosts.end() ? nullptr : found->second)) idle.push_back(key);
  }
  for (const std::string& key : idle) entries_.erase(key);
  if (idle.empty()) return;
  seams_.shard.add(host_removed_, idle.size());
  seams_.shard.gaugeAdd(num_hosts_, -static_cast<int64_t>(idle.size()));
  publish();
}

}  // namespace weir::upstream::discovery
