// DnsCluster: keeps the hosts of one cluster whose endpoints are names up to date: a DnsHosts for each name, and one
// list of hosts from all of them. Made on the main thread, by whoever
// runs discovery, once the counters have been registered; begins at once; its destruction ends it. Workers never see
// it: they are handed the lists.
//
// A list is told when every name has had its first outcome, and again whenever one of them changes. An address that
// several names have is one host, that of the first. The hosts of a service have the weights of their records, and a
// priority of their rank more than their endpoint.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "source/base/random.h"
#include "source/event/dispatcher.h"
#include "source/upstream/discovery/dns_discovery.h"
#include "source/upstream/dns/dns_hosts.h"
#include "source/upstream/dns/resolver.h"

namespace weir::upstream::discovery {

class HostsReceiver {
 public:
  // The whole list, which replaces the one before.
  virtual void onHosts(std::vector<HostSpec> hosts) = 0;

 protected:
  ~HostsReceiver() = default;
};

class DnsCluster final {
 public:
  // All must outlive it, and the shard of `stats`.
  DnsCluster(std::shared_ptr<const DnsDiscovery> config, const dns::DnsStats& stats, dns::Resolver& resolver,
             base::Random& random, event::Dispatcher& dispatcher, HostsReceiver& receiver);
  ~DnsCluster();

  // Whether each name has had an outcome, good or bad.
  bool resolved() const { return unknown_ == 0; }

  // What is known of one name.
  struct NameState {
    std::string_view name;
    dns::DnsHosts::State state;
    dns::Outcome outcome;  // of the last question
    size_t hosts;
  };
  void forEachName(const std::function<void(const NameState&)>& fn) const;

 private:
  class Name;

  void onName(bool first);
  void publish();

  const std::shared_ptr<const DnsDiscovery> config_;
  const dns::DnsStats stats_;
  HostsReceiver& receiver_;
  std::vector<std::unique_ptr<Name>> names_;  // one for each endpoint; null: it has its address
  size_t unknown_ = 0;
};

}  // namespace weir::upstream::discovery
