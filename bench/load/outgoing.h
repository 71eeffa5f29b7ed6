// Outgoing: how the load generator opens connections: the worker's context, the address, and TLS if there is any.
#pragma once

#include <memory>

#include "bench/load/plan.h"
#include "bench/load/run.h"
#include "source/net/connection.h"
#include "source/net/transport.h"
#include "source/net/worker_context.h"

namespace weir::bench {

struct Outgoing {
  const Plan& plan;
  Run& run;
  const net::WorkerContext& worker;
  const net::TransportFactory* transport;  // null for plain bytes

  // Ends the process with a line when no socket is to be had.
  std::unique_ptr<net::Connection> connect(net::Session& session) const;
};

// One client of the kind that the plan asks for; each tells the run when it has room.
std::unique_ptr<Client> makeClient(const Outgoing& outgoing);

}  // namespace weir::bench
