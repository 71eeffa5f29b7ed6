// DnsDiscovery: that the hosts of a cluster are names, and how these are resolved; the part of a ClusterConfig that
// DnsCluster runs on. Compiled from the configuration, then const.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "source/upstream/dns/ares_options.h"
#include "source/upstream/dns/dns_hosts.h"
#include "source/upstream/host.h"

namespace weir::upstream::discovery {

// An endpoint of the configuration: a host, or a name that stands for hosts.
struct NamedHost {
  HostSpec host;             // what each address of the name becomes, but for address and text
  std::string name = {};     // empty: the host has its address already
  uint16_t port = 0;         // of the name
  uint16_t health_port = 0;  // where the name's addresses are checked; 0: at `port`
};

struct DnsDiscovery {
  dns::DnsHostsOptions options;                           // of every name; without name and port
  std::shared_ptr<const dns::AresOptions> resolver = {};  // null: that of the whole process
  std::vector<NamedHost> endpoints = {};
  bool wait = true;  // the listeners do not begin before each name has had an answer, or the lack of one
};

}  // namespace weir::upstream::discovery
