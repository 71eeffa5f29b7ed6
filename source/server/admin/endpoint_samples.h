// What is counted of each endpoint, among the numbers of /stats, for clusters that ask for it (per_endpoint_stats):
//
//   cluster.backend.endpoint.127.0.0.1_6060.rq_total: 12
//   envoy_cluster_endpoint_rq_total{envoy_endpoint_address="127.0.0.1:6060",envoy_cluster_name="backend"} 12
//
// The hosts keep these counts anyway, for /clusters; they are read when somebody asks, so that they come and go with
// the hosts and cost nothing else. A free function; main thread.
#pragma once

#include <vector>

#include "source/stats/stats.h"
#include "source/upstream/host_directory.h"

namespace weir::server {

// Adds those that `selection` wants to `samples`, which are and stay sorted by text form. Endpoints that two clusters
// show under one name are added up. `used_only` leaves out endpoints that had no connection and no request yet.
void addEndpointSamples(const upstream::HostDirectory& hosts, const stats::Selection& selection,
                        std::vector<stats::Sample>& samples);

}  // namespace weir::server
