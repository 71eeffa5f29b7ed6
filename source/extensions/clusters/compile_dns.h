// compileDns: from the fields of a Cluster that are about DNS, or a DnsCluster message, to a DnsDiscovery. Called by
// compileCluster at load, for clusters of type STRICT_DNS and LOGICAL_DNS and for the DNS extension.
#pragma once

#include <memory>

#include "source/base/diagnostics.h"
#include "source/upstream/discovery/dns_discovery.h"

namespace envoy::config::cluster::v3 {
class Cluster;
class Cluster_RefreshRate;
}  // namespace envoy::config::cluster::v3
namespace envoy::extensions::clusters::dns::v3 {
class DnsCluster;
}

namespace weir::extensions {

// Without endpoints, which the caller adds. `path` is that of the message.
upstream::discovery::DnsDiscovery compileDns(const envoy::config::cluster::v3::Cluster& message,
                                             base::Diagnostics& diagnostics, const base::FieldPath& path);
upstream::discovery::DnsDiscovery compileDns(const envoy::extensions::clusters::dns::v3::DnsCluster& message,
                                             base::Diagnostics& diagnostics, const base::FieldPath& path);

// The fields of other messages that say the same.
upstream::dns::Family familyOf(int dns_lookup_family);  // a Cluster.DnsLookupFamily
void compileFailureRate(const envoy::config::cluster::v3::Cluster_RefreshRate& rate,
                        upstream::dns::DnsHostsOptions& options, base::Diagnostics& diagnostics,
                        const base::FieldPath& path);

// Warns of fields about DNS that a cluster has which uses none, or is told of DNS by its cluster_type.
void warnOfDnsFields(const envoy::config::cluster::v3::Cluster& message, base::Diagnostics& diagnostics,
                     const base::FieldPath& path);

// A logical cluster has one endpoint, and that is a name or an address.
void checkLogical(const upstream::discovery::DnsDiscovery& dns, base::Diagnostics& diagnostics,
                  const base::FieldPath& path);

}  // namespace weir::extensions
