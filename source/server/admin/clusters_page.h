// The /clusters page: every cluster with its limits and every host with what all workers counted for it, as text or as
// JSON. Free functions; the main thread.
#pragma once

#include <string>

#include "source/net/address.h"
#include "source/server/admin/admin_view.h"

namespace weir::server {

//   backend::default_priority::max_connections::1024
//   backend::127.0.0.1:6060::rq_total::12
//   backend::backend.example.org::dns::fresh
std::string clustersText(const AdminView& view);

// {"cluster_statuses":[{"name":...,"host_statuses":[{"address":...,"stats":[...],...}]}]}
// A cluster of names has "dns_names":[{"name":...,"state":...,"answer":...,"hosts":...}] besides.
std::string clustersJson(const AdminView& view);

// {"socket_address":{"address":"127.0.0.1","port_value":80}} or {"pipe":{"path":"/x"}}
std::string addressJson(const net::Address& address);

}  // namespace weir::server
