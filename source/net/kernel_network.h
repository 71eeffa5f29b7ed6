// KernelNetwork: the Network of real workers, over nonblocking kernel sockets and the worker's LibeventPoller. Made by
// the worker, which owns it; used on its thread only (bind() on the main thread before the worker runs). It must
// outlive its sockets. Keeps one descriptor in reserve, to shed connections when there is no other left.
#pragma once

#include <memory>
#include <optional>

#include "source/event/libevent_poller.h"
#include "source/net/socket.h"

namespace weir::net {

class KernelNetwork final : public Network {
 public:
  // `poller` must outlive it.
  explicit KernelNetwork(event::LibeventPoller& poller);
  ~KernelNetwork() override;

  // A unix socket's file that no process has bound any more is removed first. Status: "cannot bind 127.0.0.1:80:
  // Permission denied (EACCES)".
  absl::StatusOr<std::unique_ptr<ListenSocket>> bind(const Address& address, const BindOptions& options) override;
  absl::StatusOr<std::unique_ptr<Socket>> connect(const Address& address,
                                                  const std::optional<KeepAlive>& keep_alive) override;
  absl::StatusOr<std::unique_ptr<Socket>> connectFrom(const Address& source, const Address& address,
                                                      const std::optional<KeepAlive>& keep_alive) override;
  std::unique_ptr<Socket> adopt(std::unique_ptr<Socket> socket) override;

 private:
  friend class KernelListenSocket;

  // Gives up the reserve to take one waiting connection off the queue and close it; then takes a new reserve.
  void shed(int listen_fd);
  void openReserve();

  event::LibeventPoller& poller_;
  int reserve_fd_ = -1;
};

}  // namespace weir::net
