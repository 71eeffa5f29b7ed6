#include "source/server/discovery.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "source/base/log.h"
#include "source/base/strings.h"

namespace weir::server {

using upstream::HostSpec;
using upstream::discovery::DnsCluster;
using upstream::discovery::DnsDiscovery;
using upstream::dns::DnsHosts;

// A cluster of names, and where its lists go.
class Discovery::Resolved final : private upstream::discovery::HostsReceiver {
 public:
  Resolved(const upstream::ClusterConfig& config, upstream::ClusterHosts& hosts, upstream::dns::Resolver& resolver,
           const Seams& seams)
      : name_(config.name),
        waited_for_(config.dns->wait),
        hosts_(hosts),
        cluster_(config.dns, upstream::dns::DnsStats::make(seams.stats, seams.shard, config.stat_name), resolver,
                 seams.random, seams.dispatcher, *this) {}

  const std::string& name() const { return name_; }
  bool holdsUp() const { return waited_for_ && !cluster_.resolved(); }
  const DnsCluster& cluster() const { return cluster_; }

 private:
  void onHosts(std::vector<HostSpec> hosts) override {
    std::string bad;
    cluster_.forEachName([&bad](const DnsCluster::NameState& name) {
      if (name.state != DnsHosts::State::kGone) return;
      absl::StrAppend(&bad, bad.empty() ? "" : ", ", base::av(name.name), ": ", base::av(outcomeText(name.outcome)));
    });
    if (!bad.empty()) LOG(kWarning, "cluster ", name_, ": no hosts for ", bad);
    hosts_.update(hosts);
  }

  const std::string name_;
  const bool waited_for_;
  upstream::ClusterHosts& hosts_;
  DnsCluster cluster_;
};

absl::StatusOr<std::unique_ptr<Discovery>> Discovery::make(const ServerConfig& config, const Seams& seams) {
  std::unique_ptr<Discovery> discovery(new Discovery);
  for (const auto& cluster : config.clusters) {
    const upstream::ClusterConfig& of = cluster->config();
    if (of.endpoints_file != nullptr && seams.files != nullptr) discovery->watch(of, seams);
    if (of.demand != nullptr) {
      if (absl::Status status = discovery->supply(of, config, seams); !status.ok()) return status;
    }
    if (of.dns == nullptr) continue;
    if (absl::Status status = discovery->resolve(of, config, seams); !status.ok()) return status;
  }
  return discovery;
}

Discovery::~Discovery() = default;

absl::Status Discovery::resolve(const upstream::ClusterConfig& cluster, const ServerConfig& config,
                                const Seams& seams) {
  const auto& options = cluster.dns->resolver != nullptr ? cluster.dns->resolver : config.dns_resolver;
  const absl::StatusOr<upstream::dns::Resolver*> resolver =
      seams.resolver(options != nullptr ? *options : upstream::dns::AresOptions());
  if (!resolver.ok()) {
    return absl::UnavailableError(absl::StrCat("cluster ", cluster.name, ": ", resolver.status().message()));
  }
  resolved_.push_back(std::make_unique<Resolved>(cluster, *seams.hosts.find(cluster.name), **resolver, seams));
  by_name_[resolved_.back()->name()] = resolved_.back().get();
  return absl::OkStatus();
}

absl::Status Discovery::supply(const upstream::ClusterConfig& cluster, const ServerConfig& config, const Seams& seams) {
  const bool names = cluster.demand->config().kind == upstream::DemandConfig::Kind::kNames;
  const auto& own = cluster.demand->config().resolver;
  const auto& options = own != nullptr ? own : config.dns_resolver;
  absl::StatusOr<upstream::dns::Resolver*> resolver = nullptr;
  if (names) resolver = seams.resolver(options != nullptr ? *options : upstream::dns::AresOptions());
  if (!resolver.ok()) {
    return absl::UnavailableError(absl::StrCat("cluster ", cluster.name, ": ", resolver.status().message()));
  }
  demanded_.push_back(std::make_unique<upstream::discovery::DemandedHosts>(
      cluster.demand, cluster.stat_name,
      upstream::discovery::DemandedHosts::Seams{seams.dispatcher, seams.random, seams.stats, seams.shard, *resolver,
                                                *seams.hosts.find(cluster.name)}));
  return absl::OkStatus();
}

void Discovery::watch(const upstream::ClusterConfig& cluster, const Seams& seams) {
  upstream::ClusterHosts& hosts = *seams.hosts.find(cluster.name);
  files_.push_back(
      std::make_unique<EndpointsFile>(cluster.name, cluster.stat_name, *cluster.endpoints_file,
                                      EndpointsFile::Seams{*seams.files, seams.stats, seams.shard},
                                      [&hosts](const std::vector<HostSpec>& list) { hosts.update(list); }));
}

bool Discovery::warm() const {
  for (const auto& cluster : resolved_) {
    if (cluster->holdsUp()) return false;
  }
  return true;
}

std::vector<std::string_view> Discovery::waitingFor() const {
  std::vector<std::string_view> names;
  for (const auto& cluster : resolved_) {
    if (cluster->holdsUp()) names.push_back(cluster->name());
  }
  return names;
}

std::vector<DnsCluster::NameState> Discovery::namesOf(std::string_view cluster) const {
  std::vector<DnsCluster::NameState> names;
  const auto found = by_name_.find(cluster);
  if (found == by_name_.end()) return names;
  found->second->cluster().forEachName([&names](const DnsCluster::NameState& name) { names.push_back(name); });
  return names;
}

}  // namespace weir::server
