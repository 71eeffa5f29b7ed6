#include "source/extensions/transport_sockets/proxy_protocol/compile_proxy_header.h"

#include "absl/strings/str_cat.h"
#include "envoy/config/core/v3/proxy_protocol.pb.h"

namespace weir::extensions {

using envoy::config::core::v3::ProxyProtocolConfig;
using envoy::config::core::v3::ProxyProtocolPassThroughTLVs;

net::TlvTypes compileTlvTypes(const ProxyProtocolPassThroughTLVs& message) {
  if (message.match_type() == ProxyProtocolPassThroughTLVs::INCLUDE_ALL) return net::TlvTypes().set();
  net::TlvTypes types;
  for (const uint32_t type : message.tlv_type()) types.set(type);
  return types;
}

net::ProxyHeaderOptions compileProxyHeader(const ProxyProtocolConfig& message, base::Diagnostics& diagnostics,
                                           const base::FieldPath& path) {
  net::ProxyHeaderOptions options;
  if (message.version() == ProxyProtocolConfig::V1) {
    if (message.added_tlvs_size() > 0) {
      diagnostics.error(path.at("added_tlvs"), "given with version V1, which has none; allowed: with version V2");
    }
    if (message.has_pass_through_tlvs()) {
      diagnostics.error(path.at("pass_through_tlvs"),
                        "given with version V1, which has none; allowed: with version V2");
    }
    return options;
  }
  options.version = net::ProxyHeaderOptions::Version::kV2;
  if (message.has_pass_through_tlvs()) options.passed = compileTlvTypes(message.pass_through_tlvs());
  size_t bytes = 0;
  for (const auto& tlv : message.added_tlvs()) bytes += 3 + tlv.value().size();
  if (bytes > net::kMaxTlvBytes) {
    diagnostics.error(path.at("added_tlvs"),
                      absl::StrCat(bytes, " bytes in all; allowed: ", net::kMaxTlvBytes, ", with 3 for each"));
    return options;
  }
  for (const auto& tlv : message.added_tlvs()) {
    net::addTlv(static_cast<uint8_t>(tlv.type()), tlv.value(), options.tlvs);
  }
  return options;
}

}  // namespace weir::extensions
