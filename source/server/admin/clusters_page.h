// The /clusters page: every cluster with its limits and every host with what all workers counted for it, as text or as
// JSON. Free functions; the main thread.
#pragma once

#include <string>

#include "source/net/address.h"
#include "source/upstream/host_directory.h"

namespace weir::server {

//   backend::default_priority::max_connections::1024
//   backend::127.0.0.1:6060::rq_total::12
std::string clustersText(const upstream::HostDirectory& directory);

// {"cluster_statuses":[{"name":...,"host_statuses":[{"address":...,"stats":[...],...}]}]}
std::string clustersJson(const upstream::HostDirectory& directory);

// {"socket_address":{"address":"127.0.0.1","port_value":80}} or {"pipe":{"path":"/x"}}
std::string addressJson(const net::Address& address);

}  // namespace weir::server
