#include "source/upstream/discovery/dns_cluster.h"

#include <optional>
#include <utility>

#include "absl/container/flat_hash_set.h"

namespace weir::upstream::discovery {
namespace {

// The same group, `ranks` priorities further down.
std::shared_ptr<const HostGroup> lowered(const std::shared_ptr<const HostGroup>& group, uint32_t ranks) {
  auto out = std::make_shared<HostGroup>();
  if (group != nullptr) *out = *group;
  out->priority += ranks;
  return out;
}

}  // namespace

// One name of the cluster.
class DnsCluster::Name final : private dns::DnsHostsReceiver {
 public:
  Name(DnsCluster& cluster, const NamedHost& endpoint, dns::Resolver& resolver, base::Random& random,
       event::Dispatcher& dispatcher)
      : cluster_(cluster), endpoint_(endpoint) {
    dns::DnsHostsOptions options = cluster.config_->options;
    options.name = endpoint.name;
    options.port = endpoint.port;
    hosts_.emplace(std::move(options), resolver, random, dispatcher, static_cast<dns::DnsHostsReceiver&>(*this),
                   &cluster.stats_);
  }

  const dns::DnsHosts& hosts() const { return *hosts_; }
  const NamedHost& endpoint() const { return endpoint_; }

 private:
  void onDnsHosts(const std::vector<dns::ResolvedHost>&) override { cluster_.onName(!std::exchange(known_, true)); }

  DnsCluster& cluster_;
  const NamedHost& endpoint_;
  bool known_ = false;
  std::optional<dns::DnsHosts> hosts_;
};

DnsCluster::DnsCluster(std::shared_ptr<const DnsDiscovery> config, const dns::DnsStats& stats, dns::Resolver& resolver,
                       base::Random& random, event::Dispatcher& dispatcher, HostsReceiver& receiver)
    : config_(std::move(config)), stats_(stats), receiver_(receiver) {
  for (const NamedHost& endpoint : config_->endpoints) {
    if (endpoint.name.empty()) {
      names_.push_back(nullptr);
      continue;
    }
    ++unknown_;
    names_.push_back(std::make_unique<Name>(*this, endpoint, resolver, random, dispatcher));
  }
}

DnsCluster::~DnsCluster() = default;

void DnsCluster::onName(bool first) {
  if (first) --unknown_;
  if (unknown_ == 0) publish();
}

void DnsCluster::publish() {
  std::vector<HostSpec> list;
  absl::flat_hash_set<std::string> taken;
  for (size_t i = 0; i < names_.size(); ++i) {
    const NamedHost& endpoint = config_->endpoints[i];
    if (names_[i] == nullptr) {
      if (taken.insert(endpoint.host.text).second) list.push_back(endpoint.host);
      continue;
    }
    for (const dns::ResolvedHost& found : names_[i]->hosts().hosts()) {
      std::string text = found.address.text();
      if (!taken.insert(text).second) continue;
      HostSpec& host = list.emplace_back(endpoint.host);
      host.address = found.address;
      host.text = std::move(text);
      if (found.weight > 0) host.weight = found.weight;
      if (found.rank > 0) host.group = lowered(host.group, found.rank);
      if (endpoint.health_port != 0) host.health_address = dns::withPort(found.address, endpoint.health_port);
    }
  }
  receiver_.onHosts(std::move(list));
}

void DnsCluster::forEachName(const std::function<void(const NameState&)>& fn) const {
  for (const std::unique_ptr<Name>& name : names_) {
    if (name == nullptr) continue;
    const dns::DnsHosts& hosts = name->hosts();
    fn({name->endpoint().name, hosts.state(), hosts.lastOutcome(), hosts.hosts().size()});
  }
}

}  // namespace weir::upstream::discovery
