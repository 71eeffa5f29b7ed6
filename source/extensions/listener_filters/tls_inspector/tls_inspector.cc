#include "source/extensions/listener_filters/tls_inspector/tls_inspector.h"

#include <string>
#include <utility>

#include "envoy/extensions/filters/listener/tls_inspector/v3/tls_inspector.pb.h"
#include "source/extensions/listener_filters/tls_inspector/client_hello.h"
#include "source/extensions/listener_filters/tls_inspector/fingerprints.h"
#include "source/net/client_fingerprints.h"

namespace weir::extensions::tls_inspector {
namespace {

using envoy::extensions::filters::listener::tls_inspector::v3::TlsInspector;

class Inspector final : public proxy::ListenerFilter {
 public:
  Inspector(stats::Registry& registry, std::string_view instance, bool ja3 = false, bool ja4 = false)
      : ja3_(ja3), ja4_(ja4) {
    const auto counter = [&](std::string_view metric) { return registry.counter({"listener", instance, metric}); };
    found_ = counter("tls_inspector.tls_found");
    not_found_ = counter("tls_inspector.tls_not_found");
    sni_found_ = counter("tls_inspector.sni_found");
    sni_not_found_ = counter("tls_inspector.sni_not_found");
    alpn_found_ = counter("tls_inspector.alpn_found");
    alpn_not_found_ = counter("tls_inspector.alpn_not_found");
    too_large_ = counter("tls_inspector.client_hello_too_large");
  }

  Verdict inspect(Look& look, proxy::Inspected& result) const override {
    ClientHello hello = parseClientHello(look.bytes);
    switch (hello.state) {
      case ClientHello::State::kMore:
        return Verdict::kMore;
      case ClientHello::State::kTooLarge:
        look.shard.add(too_large_);
        return Verdict::kRefused;
      case ClientHello::State::kNone:
        look.shard.add(not_found_);
        return Verdict::kDone;
      case ClientHello::State::kComplete:
        break;
    }
    look.shard.add(found_);
    look.shard.add(hello.server_name.empty() ? sni_not_found_ : sni_found_);
    look.shard.add(hello.alpn.empty() ? alpn_not_found_ : alpn_found_);
    result.transport_protocol = "tls";
    if (ja3_ || ja4_) {
      auto made = std::make_shared<net::ClientFingerprints>();
      if (ja3_) made->ja3 = ja3Of(hello);
      if (ja4_) made->ja4 = ja4Of(hello);
      result.fingerprints = std::move(made);
    }
    result.server_name = std::move(hello.server_name);
    result.application_protocols = std::move(hello.alpn);
    return Verdict::kDone;
  }
  // With the headers of records that are not tiny.
  size_t maxBytes() const override { return kMaxClientHello + kMaxClientHello / 4; }

 private:
  const bool ja3_;
  const bool ja4_;
  stats::CounterId found_;
  stats::CounterId not_found_;
  stats::CounterId sni_found_;
  stats::CounterId sni_not_found_;
  stats::CounterId alpn_found_;
  stats::CounterId alpn_not_found_;
  stats::CounterId too_large_;
};

}  // namespace

proxy::ListenerFilterType tlsInspectorType() {
  return {std::string(TlsInspector::descriptor()->full_name()), "envoy.filters.listener.tls_inspector",
          [](const google::protobuf::Message& generic, const proxy::ListenerFilterContext& context) {
            const auto& message = *google::protobuf::DynamicCastToGenerated<const TlsInspector>(&generic);
            return std::make_unique<Inspector>(context.stats, context.instance,
                                               message.enable_ja3_fingerprinting().value(),
                                               message.enable_ja4_fingerprinting().value());
          }};
}

std::unique_ptr<const proxy::ListenerFilter> makeTlsInspector(stats::Registry& stats, std::string_view instance) {
  return std::make_unique<const Inspector>(stats, instance);
}

}  // namespace weir::extensions::tls_inspector
