// ListenerLog: the access logs of a listener itself: a line for each connection when it has ended, and at once for one
// that no filter chain takes. Made at load, immutable, shared by workers.
#pragma once

#include <memory>
#include <vector>

#include "source/base/clock.h"
#include "source/filter/access_log.h"
#include "source/http/reason.h"
#include "source/net/connection.h"
#include "source/net/worker_context.h"
#include "source/proxy/session_factory.h"

namespace weir::proxy {

class ListenerLog {
 public:
  ListenerLog() = default;
  // `facts` may be null.
  ListenerLog(std::vector<std::unique_ptr<filter::AccessLog>> logs, std::shared_ptr<const filter::ListenerFacts> facts)
      : logs_(std::move(logs)), facts_(std::move(facts)) {}

  // `connection` is null for one that never was; kNone as the reason: it was taken. `opened`: when it was accepted.
  void connectionOver(const DownstreamInfo& known, const net::Connection* connection, base::MonotonicTime opened,
                      http::Reason reason, const net::WorkerContext& worker) const;

 private:
  std::vector<std::unique_ptr<filter::AccessLog>> logs_;
  std::shared_ptr<const filter::ListenerFacts> facts_;
};

}  // namespace weir::proxy
