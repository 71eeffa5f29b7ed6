// The /clusters page: every cluster with its limits and every host with what all workers counted for it, as text or as
// JSON. Free functions; the main thread.
#pragma once

#include <span>
#include <string>

#include "source/upstream/cluster_manager.h"

namespace weir::server {

// `workers` has one entry per worker, all with the same clusters in the same order.
//
//   backend::default_priority::max_connections::1024
//   backend::127.0.0.1:6060::rq_total::12
std::string clustersText(std::span<const upstream::ClusterManager* const> workers);

// {"cluster_statuses":[{"name":...,"host_statuses":[{"address":...,"stats":[...],...}]}]}
std::string clustersJson(std::span<const upstream::ClusterManager* const> workers);

// {"socket_address":{"address":"127.0.0.1","port_value":80}} or {"pipe":{"path":"/x"}}
std::string addressJson(const net::Address& address);

}  // namespace weir::server
