#include "source/extensions/listener_filters/proxy_protocol/proxy_protocol.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "envoy/extensions/filters/listener/proxy_protocol/v3/proxy_protocol.pb.h"
#include "source/extensions/listener_filters/proxy_protocol/proxy_header.h"
#include "source/extensions/transport_sockets/proxy_protocol/compile_proxy_header.h"

namespace weir::extensions::proxy_protocol {
namespace {

using envoy::extensions::filters::listener::proxy_protocol::v3::ProxyProtocol;

class Filter final : public proxy::ListenerFilter {
 public:
  Filter(const ProxyProtocol& config, stats::Registry& registry, std::string_view instance)
      : optional_(config.allow_requests_without_proxy_protocol()),
        passed_(config.has_pass_through_tlvs() ? compileTlvTypes(config.pass_through_tlvs()) : net::TlvTypes()) {
    const auto counter = [&](std::string_view metric) { return registry.counter({"listener", instance, metric}); };
    version1_ = counter("proxy_proto.versions.v1.found");
    version2_ = counter("proxy_proto.versions.v2.found");
    error_ = counter("proxy_proto.error");
    absent_ = counter("proxy_proto.not_found_allowed");
  }

  Verdict inspect(Look& look, proxy::Inspected& result) const override {
    const ProxyHeader header = parseProxyHeader(look.bytes);
    switch (header.state) {
      case ProxyHeader::State::kMore:
        if (look.end && !look.bytes.empty()) look.shard.add(error_);
        return Verdict::kMore;
      case ProxyHeader::State::kNone:
        look.shard.add(optional_ ? absent_ : error_);
        return optional_ ? Verdict::kDone : Verdict::kRefused;
      case ProxyHeader::State::kBad:
        look.shard.add(error_);
        return Verdict::kRefused;
      case ProxyHeader::State::kComplete:
        break;
    }
    if (passed_.any() && !header.tlvs.empty()) {
      std::optional<std::string> tlvs = net::tlvsOf(header.tlvs, passed_);
      if (!tlvs) {
        look.shard.add(error_);
        return Verdict::kRefused;
      }
      if (!tlvs->empty()) result.proxy_tlvs = std::make_shared<const std::string>(*std::move(tlvs));
    }
    look.shard.add(header.version == 1 ? version1_ : version2_);
    look.consumed = header.bytes;
    if (!header.source.isIp()) return Verdict::kDone;
    result.remote = header.source;
    result.local = header.destination;
    result.local_restored = header.destination != look.socket.localAddress();
    return Verdict::kDone;
  }
  size_t maxBytes() const override { return kMaxProxyHeader; }

 private:
  const bool optional_;
  const net::TlvTypes passed_;
  stats::CounterId version1_;
  stats::CounterId version2_;
  stats::CounterId error_;
  stats::CounterId absent_;
};

}  // namespace

proxy::ListenerFilterType proxyProtocolType() {
  return {std::string(ProxyProtocol::descriptor()->full_name()), "envoy.filters.listener.proxy_protocol",
          [](const google::protobuf::Message& generic, const proxy::ListenerFilterContext& context) {
            const auto& message = *google::protobuf::DynamicCastToGenerated<const ProxyProtocol>(&generic);
            return std::make_unique<Filter>(message, context.stats, context.instance);
          }};
}

}  // namespace weir::extensions::proxy_protocol
