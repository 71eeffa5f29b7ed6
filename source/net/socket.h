// Socket and Network: the seam to the operating system's sockets (law 21). KernelNetwork is the real one; the harness
// has an in-memory one on the same clock as its dispatchers. A transport such as TLS is a Socket that wraps a Socket.
// One Network per worker; a Socket belongs to the worker whose Network made or adopted it, and is owned by one
// Connection. While released it belongs to no worker, and any thread may close it.
// Nothing here blocks.
#pragma once

#include <sys/uio.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "source/buffer/buffer.h"
#include "source/event/poller.h"
#include "source/net/address.h"

namespace weir::net {

struct TransportInfo;

struct IoResult {
  enum class State : uint8_t {
    kOk,          // `bytes` were moved (above 0)
    kWouldBlock,  // nothing now; readiness will be reported
    kEnd,         // read only: the peer has closed its sending side
    kFailed,      // `error` is the errno; the socket is of no more use
  };
  State state = State::kOk;
  size_t bytes = 0;
  int error = 0;
};

class Socket {
 public:
  virtual ~Socket() = default;  // closes
  // Registers for edges, once, for the life of the socket. `handler` must outlive it.
  virtual void watch(event::ReadyHandler& handler) = 0;
  virtual IoResult read(std::span<const iovec> into) = 0;
  virtual IoResult write(std::span<const iovec> from) = 0;
  // Whether bytes can go from and to it without leaving the kernel. Then the two below are like read(), of at most
  // `most` bytes, and write(), of what `from` has in the kernel at its front. kFailed with EMFILE: there is no pipe,
  // and read() still works.
  virtual bool forwardsInKernel() const { return false; }
  virtual IoResult readInKernel(buffer::Buffer&, size_t) { return {IoResult::State::kFailed, 0, EMFILE}; }
  virtual IoResult writeInKernel(buffer::Buffer&) { return {IoResult::State::kFailed, 0, EMFILE}; }
  // Its edges go to `handler` from now on, also one that is on its way; the registration stays. False, and nothing
  // happens: it keeps the handler that it has. After watch() only.
  virtual bool handOver([[maybe_unused]] event::ReadyHandler& handler) { return false; }
  // Forgets its watcher for good, so that the Network of another worker may adopt it. False, and nothing happens: it
  // must stay with its worker.
  virtual bool release() { return false; }
  // Sends FIN; reading goes on.
  virtual void shutdownWrite() = 0;
  // The coming close resets (RST) instead of finishing.
  virtual void resetOnClose() = 0;
  // After the first writable edge of a connecting socket: whether the connect succeeded.
  virtual absl::Status connectResult() = 0;
  virtual Address localAddress() const = 0;
  virtual Address remoteAddress() const = 0;
  // Where the client was going before the kernel redirected it here (NAT); none when it did not, or does not say.
  virtual std::optional<Address> originalDestination() const { return std::nullopt; }
  // Of a transport that protects its bytes, else null. Lives as long as the socket; it changes until the handshake is
  // done (the first byte read, or connectResult()) and when the transport breaks.
  virtual const TransportInfo* transportInfo() const { return nullptr; }
  // The certificate that the peer showed, or with `chain` all that it sent, in PEM; empty when there is none.
  virtual std::string peerCertificatePem([[maybe_unused]] bool chain) const { return {}; }
};

struct AcceptResult {
  enum class State : uint8_t { kAccepted, kNone, kRetryNow, kExhausted, kFailed };
  // kNone: nothing waits. kRetryNow: that connection died in the queue. kExhausted: no descriptor or memory was left
  // (EMFILE, ENFILE, ENOBUFS, ENOMEM); the waiting connection was shed with the reserve descriptor if there was one.
  State state = State::kNone;
  std::unique_ptr<Socket> socket;
  Address peer;
  int error = 0;
};

class ListenSocket {
 public:
  virtual ~ListenSocket() = default;
  // Bound already; starts to queue connections. Separate, so that all listeners bind before any accepts.
  virtual absl::Status listen(int backlog) = 0;
  virtual void watch(event::ReadyHandler& handler) = 0;
  virtual AcceptResult accept() = 0;
  // With the port that the kernel chose.
  virtual Address localAddress() const = 0;
};

struct BindOptions {
  bool reuse_port = true;
  bool ipv4_compat = false;                          // a socket on "::" takes IPv4 too
  std::optional<uint32_t> unix_mode = std::nullopt;  // permissions of a unix socket's file
};

struct KeepAlive {
  std::optional<uint32_t> probes = std::nullopt;
  std::optional<uint32_t> idle_seconds = std::nullopt;
  std::optional<uint32_t> interval_seconds = std::nullopt;
};

class Network {
 public:
  virtual ~Network() = default;
  // The status names the address and the errno. Called on the main thread before the worker runs.
  virtual absl::StatusOr<std::unique_ptr<ListenSocket>> bind(const Address& address, const BindOptions& options) = 0;
  // A socket that is connecting; the outcome comes as a writable or closed edge after watch(). Fails at once only
  // when no descriptor is left or the address cannot be used.
  virtual absl::StatusOr<std::unique_ptr<Socket>> connect(const Address& address,
                                                          const std::optional<KeepAlive>& keep_alive) = 0;
  // The same from `source`, an address of this machine; port 0 of it is for the kernel to choose. Fails at once where
  // it is no such address, or of another family.
  virtual absl::StatusOr<std::unique_ptr<Socket>> connectFrom(
      [[maybe_unused]] const Address& source, [[maybe_unused]] const Address& address,
      [[maybe_unused]] const std::optional<KeepAlive>& keep_alive) {
    return absl::UnimplementedError("connections of this network have no address to choose");
  }
  // Takes over a socket that was released, of a Network of the same kind: from now on as if it was made here. Null
  // where sockets are never released.
  virtual std::unique_ptr<Socket> adopt(std::unique_ptr<Socket>) { return nullptr; }
};

}  // namespace weir::net
