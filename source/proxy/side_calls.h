// SideCalls: the SideCaller of a worker: requests of its own to the clusters of that worker. Made and owned by the
// worker (or by a test), beside its ClusterManager, which outlives it. The calls are pooled: a steady load allocates
// nothing.
//
//   from        event                          to
//   kOpening    onStreamOpen                   kOpen
//               onStreamFailed                 kOver: failed
//   kOpen       the response's End             kOver: answered
//               Failed                         kOpening, once, if it may be sent again; else kOver: failed
//               the body is too long           kOver: failed
//   any         the time is over               kOver: failed
//   any         the Ticket is destroyed        back to the pool
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "source/filter/side_call.h"
#include "source/net/worker_context.h"
#include "source/upstream/cluster_manager.h"

namespace weir::proxy {

class SideCalls final : public filter::SideCaller {
 public:
  // Both outlive it; so does it every Ticket that it gave out.
  SideCalls(const net::WorkerContext& worker, upstream::ClusterManager& clusters);
  ~SideCalls();

  base::Ticket call(filter::SideRequest request, filter::SideCallReceiver& receiver) override;
  size_t active() const { return all_.size() - free_.size(); }

 private:
  class Call;
  void give(Call& call) { free_.push_back(&call); }

  const net::WorkerContext& worker_;
  upstream::ClusterManager& clusters_;
  std::vector<std::unique_ptr<Call>> all_;
  std::vector<Call*> free_;
};

}  // namespace weir::proxy
