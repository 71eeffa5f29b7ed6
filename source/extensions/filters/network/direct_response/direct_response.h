// DirectResponse: the terminal that writes fixed bytes to each connection and closes it. What the client sends is not
// looked at. The bytes are read once at load. One session for each connection, owned by it; one worker.
#pragma once

#include <string>
#include <string_view>

#include "source/proxy/session_factory.h"

namespace weir::extensions::direct_response {

// The line for registry.cc.
proxy::SessionType directResponseType();

class DirectResponseSession final : public proxy::TerminalSession {
 public:
  // Both outlive it.
  DirectResponseSession(net::Connection& connection, std::string_view response)
      : connection_(connection), response_(response) {}

  void onAccepted() override;
  void onInput(buffer::Buffer& input, bool end) override;
  void onRoom() override {}
  void onClose(net::CloseReason) override {}
  // It is closing already.
  void drain() override {}

 private:
  net::Connection& connection_;
  std::string_view response_;
};

}  // namespace weir::extensions::direct_response
