// ReloadableTransport: a TransportFactory whose contents can be exchanged while workers use it: connections that are
// there keep what they have, new ones get the new. Made at load; shared by workers, which take a lock once for each
// connection; replaced from the main thread.
#pragma once

#include <memory>
#include <mutex>
#include <utility>

#include "source/net/transport.h"

namespace weir::net::tls {

class ReloadableTransport final : public TransportFactory {
 public:
  explicit ReloadableTransport(std::shared_ptr<const TransportFactory> first) : current_(std::move(first)) {}

  void replace(std::shared_ptr<const TransportFactory> next) {
    const std::lock_guard<std::mutex> lock(mutex_);
    current_.swap(next);
  }
  std::unique_ptr<Socket> wrap(std::unique_ptr<Socket> socket, const WorkerContext& worker,
                               const Purpose& purpose) const override {
    return current()->wrap(std::move(socket), worker, purpose);
  }

 private:
  std::shared_ptr<const TransportFactory> current() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return current_;
  }

  mutable std::mutex mutex_;
  std::shared_ptr<const TransportFactory> current_;  // guarded by mutex_
};

}  // namespace weir::net::tls
