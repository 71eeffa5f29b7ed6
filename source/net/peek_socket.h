// PeekSocket: a Socket whose first bytes can be looked at before somebody reads them. Made for accepted sockets of
// listeners that look at what comes (listener filters), and left in place for the life of the connection; one worker.
//
//   made -> watch(the one who looks) -> peek(), drop() -> watch(the one who reads) -> read(): what was peeked first
//
// The second watch() is told of readiness in a later step of the turn, as if the socket had just been registered. After
// it, nothing is peeked any more.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "source/event/dispatcher.h"
#include "source/event/wakeable.h"
#include "source/net/socket.h"

namespace weir::net {

class PeekSocket final : public Socket, private event::ReadyHandler, private event::Wakeable {
 public:
  PeekSocket(event::Dispatcher& dispatcher, std::unique_ptr<Socket> inner);

  // Reads until there is nothing more, or `limit` bytes are held. kOk: there are new ones; kEnd: the peer has ended.
  IoResult::State peek(size_t limit);
  std::string_view peeked() const { return peeked_; }
  // Takes the first bytes away; at most as many as were peeked.
  void drop(size_t bytes) { peeked_.erase(0, bytes); }
  // What the addresses are from now on; none: as the socket has them.
  void setAddresses(std::optional<Address> local, std::optional<Address> remote);

  void watch(event::ReadyHandler& handler) override;
  bool handOver(event::ReadyHandler& handler) override {
    handler_ = &handler;
    return true;
  }
  IoResult read(std::span<const iovec> into) override;
  IoResult write(std::span<const iovec> from) override { return inner_->write(from); }
  void shutdownWrite() override { inner_->shutdownWrite(); }
  void resetOnClose() override { inner_->resetOnClose(); }
  absl::Status connectResult() override { return inner_->connectResult(); }
  Address localAddress() const override { return local_ ? *local_ : inner_->localAddress(); }
  Address remoteAddress() const override { return remote_ ? *remote_ : inner_->remoteAddress(); }
  std::optional<Address> originalDestination() const override { return inner_->originalDestination(); }

 private:
  void onReady(event::Readiness ready) override;
  void onWake() override;

  std::unique_ptr<Socket> inner_;
  event::ReadyHandler* handler_ = nullptr;
  std::string peeked_;
  std::optional<Address> local_;
  std::optional<Address> remote_;
  bool closed_ = false;  // the peer was seen to close
};

}  // namespace weir::net
