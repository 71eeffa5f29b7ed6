#include "source/extensions/filters/http/buffer/buffer.h"

#include "envoy/extensions/filters/http/buffer/v3/buffer.pb.h"

namespace weir::extensions::buffer_filter {
namespace {

namespace api = envoy::extensions::filters::http::buffer::v3;

struct RouteConfig final : filter::RouteFilterConfig {
  std::optional<size_t> max_bytes;  // none: off
};

class BufferFilter final : public filter::HttpFilter {
 public:
  explicit BufferFilter(size_t max_bytes) : max_bytes_(max_bytes) {}

  filter::Verdict onRequestHead(http::Head& head) override {
    // A tunnel has no end that one could wait for.
    if (!head.upgrade.empty() || head.isConnect()) return filter::Verdict::next();
    std::optional<size_t> max_bytes = max_bytes_;
    if (const auto* const route = static_cast<const RouteConfig*>(host().routeConfig())) max_bytes = route->max_bytes;
    return max_bytes ? filter::Verdict::collect(*max_bytes) : filter::Verdict::next();
  }

  filter::Verdict onRequest(filter::Message& message) override {
    // The length is known now, which upstreams like better than chunks. Trailers need chunks.
    if (!message.body.empty() && message.end.trailers == nullptr) message.head.content_length = message.body.size();
    return filter::Verdict::next();
  }

 private:
  size_t max_bytes_;
};

std::unique_ptr<filter::HttpFilterFactory> make(const google::protobuf::Message& message,
                                                const filter::FactoryContext&) {
  const size_t max_bytes = static_cast<const api::Buffer&>(message).max_request_bytes().value();
  return filter::factoryOf<BufferFilter>(std::make_unique<size_t>(max_bytes));
}

std::unique_ptr<filter::RouteFilterConfig> makeRouteConfig(const google::protobuf::Message& message,
                                                           const filter::FactoryContext&) {
  const auto& route = static_cast<const api::BufferPerRoute&>(message);
  auto config = std::make_unique<RouteConfig>();
  if (route.has_buffer()) config->max_bytes = route.buffer().max_request_bytes().value();
  return config;
}

}  // namespace

filter::HttpFilterType bufferType() {
  filter::HttpFilterType type;
  type.config_type = api::Buffer::descriptor()->full_name();
  type.route_config_type = api::BufferPerRoute::descriptor()->full_name();
  type.usual_name = "envoy.filters.http.buffer";
  type.make = make;
  type.make_route_config = makeRouteConfig;
  return type;
}

}  // namespace weir::extensions::buffer_filter
