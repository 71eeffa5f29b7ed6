// PreambleSocket: a Socket that says something of its own before anything else is written: the PROXY header of a
// connection to an upstream. Made for connecting sockets, and left in place for the life of the connection; one worker.
//
// The preamble goes out as soon as the socket is connected, even if the peer is to speak first, and at the latest in
// front of what is written. What the kernel does not take at once follows when it can; nothing overtakes it.
#pragma once

#include <memory>
#include <string>

#include "source/net/socket.h"

namespace weir::net {

class PreambleSocket final : public Socket, private event::ReadyHandler {
 public:
  // `inner` is connecting, and not watched yet; `preamble` is not empty.
  PreambleSocket(std::unique_ptr<Socket> inner, std::string preamble);

  void watch(event::ReadyHandler& handler) override;
  IoResult read(std::span<const iovec> into) override { return inner_->read(into); }
  IoResult write(std::span<const iovec> from) override;
  // Only behind the preamble, which connectResult() sends.
  bool forwardsInKernel() const override { return rest_.empty() && inner_->forwardsInKernel(); }
  IoResult readInKernel(buffer::Buffer& into, size_t most) override { return inner_->readInKernel(into, most); }
  IoResult writeInKernel(buffer::Buffer& from) override { return inner_->writeInKernel(from); }
  void shutdownWrite() override;
  void resetOnClose() override { inner_->resetOnClose(); }
  absl::Status connectResult() override;
  Address localAddress() const override { return inner_->localAddress(); }
  Address remoteAddress() const override { return inner_->remoteAddress(); }

 private:
  void onReady(event::Readiness ready) override;
  IoResult push();

  std::unique_ptr<Socket> inner_;
  event::ReadyHandler* handler_ = nullptr;
  std::string rest_;  // of the preamble
  bool connected_ = false;
  bool fin_wanted_ = false;  // once it is written
};

}  // namespace weir::net
