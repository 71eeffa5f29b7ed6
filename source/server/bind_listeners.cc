#include "source/server/bind_listeners.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "source/server/bind_hint.h"

namespace weir::server {
namespace {

absl::Status bindOne(const ListenerPlan& plan, size_t number, const BoundAddress& bound,
                     std::span<Worker* const> workers) {
  net::Address address = bound.address;
  for (Worker* const worker : workers) {
    auto socket = worker->network().bind(address, bound.options);
    if (!socket.ok()) {
      return absl::Status(socket.status().code(),
                          absl::StrCat("listener ", plan.config->name, ": ", bindHint(socket.status(), address)));
    }
    address = (*socket)->localAddress();
    worker->addSocket(number, *std::move(socket));
    if (!plan.everyWorker(bound)) break;
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status bindListeners(std::span<const ListenerPlan> listeners, std::span<Worker* const> workers) {
  for (size_t i = 0; i < listeners.size(); ++i) {
    if (!listeners[i].bound) continue;
    for (const BoundAddress& bound : listeners[i].addresses) {
      if (absl::Status status = bindOne(listeners[i], i, bound, workers); !status.ok()) return status;
    }
  }
  return absl::OkStatus();
}

}  // namespace weir::server
