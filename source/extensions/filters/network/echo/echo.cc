#include "source/extensions/filters/network/echo/echo.h"

#include <algorithm>
#include <memory>

#include "envoy/extensions/filters/network/echo/v3/echo.pb.h"

namespace weir::extensions::echo {
namespace {

// How long a client may take to see the end before the socket is dropped.
constexpr absl::Duration kLinger = absl::Seconds(1);

class EchoFactory final : public proxy::SessionFactory {
 public:
  std::unique_ptr<proxy::TerminalSession> create(const proxy::Services&, net::Connection& connection,
                                                 const proxy::DownstreamInfo&) const override {
    return std::make_unique<EchoSession>(connection);
  }
  std::vector<std::string> clusters() const override { return {}; }
};

}  // namespace

void EchoSession::onInput(buffer::Buffer& input, bool end) {
  ended_ = ended_ || end;
  // After the end nothing more comes, and what is left is no more than the input may hold.
  const size_t bytes = end ? input.size() : std::min(input.size(), connection_.room());
  if (bytes > 0) {
    connection_.output().moveFrom(input, bytes);
    connection_.flush();
  }
  if (end) connection_.finishOutput();
}

void EchoSession::onRoom() {
  onInput(connection_.input(), ended_);
  connection_.consumed();
}

void EchoSession::drain() { connection_.closeAfterFlush(kLinger); }

proxy::SessionType echoType() {
  return {std::string(envoy::extensions::filters::network::echo::v3::Echo::descriptor()->full_name()),
          "envoy.filters.network.echo",
          [](const google::protobuf::Message&, const proxy::SessionContext&) -> std::unique_ptr<proxy::SessionFactory> {
            return std::make_unique<EchoFactory>();
          }};
}

}  // namespace weir::extensions::echo
