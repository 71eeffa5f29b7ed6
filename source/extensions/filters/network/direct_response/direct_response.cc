#include "source/extensions/filters/network/direct_response/direct_response.h"

#include <memory>
#include <optional>
#include <utility>

#include "envoy/extensions/filters/network/direct_response/v3/direct_response.pb.h"
#include "source/extensions/messages/data_source.h"

namespace weir::extensions::direct_response {
namespace {

using envoy::extensions::filters::network::direct_response::v3::Config;

// How long a client may take to read the response before the socket is dropped.
constexpr absl::Duration kLinger = absl::Seconds(5);
// Each connection gets a copy in its output buffer.
constexpr size_t kMaxBytes = 1024 * 1024;

class DirectResponseFactory final : public proxy::SessionFactory {
 public:
  explicit DirectResponseFactory(std::string response) : response_(std::move(response)) {}
  std::unique_ptr<proxy::TerminalSession> create(const proxy::Services&, net::Connection& connection,
                                                 const proxy::DownstreamInfo&) const override {
    return std::make_unique<DirectResponseSession>(connection, response_);
  }
  std::vector<std::string> clusters() const override { return {}; }

 private:
  const std::string response_;
};

std::unique_ptr<proxy::SessionFactory> make(const google::protobuf::Message& message,
                                            const proxy::SessionContext& context) {
  const auto& config = *google::protobuf::DynamicCastToGenerated<const Config>(&message);
  if (!config.has_response()) return std::make_unique<DirectResponseFactory>("");
  std::optional<std::string> response = readDataSource(config.response(), kMaxBytes, context.schema_only,
                                                       context.diagnostics, context.path.at("response"));
  if (!response.has_value()) return nullptr;
  return std::make_unique<DirectResponseFactory>(*std::move(response));
}

}  // namespace

void DirectResponseSession::onAccepted() {
  connection_.output().append(response_);
  connection_.closeAfterFlush(kLinger);
}

void DirectResponseSession::onInput(buffer::Buffer& input, bool) { input.clear(); }

proxy::SessionType directResponseType() {
  return {std::string(Config::descriptor()->full_name()), "envoy.filters.network.direct_response", make};
}

}  // namespace weir::extensions::direct_response
