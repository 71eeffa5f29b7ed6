// Echo: the terminal that sends back what it reads. Bytes move from the input to the output as far as there is room;
// the client's end is answered by an end. One session for each connection, owned by it; one worker.
#pragma once

#include "source/proxy/session_factory.h"

namespace weir::extensions::echo {

// The line for registry.cc.
proxy::SessionType echoType();

class EchoSession final : public proxy::TerminalSession {
 public:
  // `connection` outlives it.
  explicit EchoSession(net::Connection& connection) : connection_(connection) {}

  void onInput(buffer::Buffer& input, bool end) override;
  void onRoom() override;
  void onClose(net::CloseReason) override {}
  void drain() override;

 private:
  net::Connection& connection_;
  bool ended_ = false;  // the end was delivered to us
};

}  // namespace weir::extensions::echo
