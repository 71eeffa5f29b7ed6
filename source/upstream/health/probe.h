// Probe: asks one host how it is, again and again, over a connection of its own that is kept between the questions
// where the configuration says so. Made by the HealthChecker's session for the host, which owns it; main thread. One
// question at a time; its answer comes later, from the dispatcher, exactly once, unless the probe is destroyed.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "source/http/h2/session_memory.h"
#include "source/net/address.h"
#include "source/net/worker_context.h"
#include "source/upstream/cluster.h"
#include "source/upstream/health/check_state.h"
#include "source/upstream/health/health_config.h"

namespace weir::upstream::health {

class ProbeOwner {
 public:
  // `why` says in words what went wrong; empty for a pass. Valid during the call.
  virtual void onProbed(CheckResult result, std::string_view why) = 0;

 protected:
  ~ProbeOwner() = default;
};

class Probe {
 public:
  virtual ~Probe() = default;
  // The last question must have been answered.
  virtual void ask() = 0;
};

// What probes of one cluster stand on; all outlive them.
struct ProbeContext {
  const CheckConfig& config;
  const net::TransportFactory* transport;  // null: plain bytes
  const Cluster& cluster;
  const net::WorkerContext& main;
  http::h2::SessionMemory& h2_memory;
};

// `hostname` is what the endpoint is called, for Host, SNI and name checks; may be empty.
std::unique_ptr<Probe> makeProbe(const ProbeContext& context, const net::Address& address, std::string hostname,
                                 ProbeOwner& owner);

}  // namespace weir::upstream::health
