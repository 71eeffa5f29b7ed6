#include "source/extensions/clusters/compile_resolver.h"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "envoy/config/core/v3/core.pb.h"
#include "envoy/extensions/network/dns_resolver/cares/v3/cares.pb.h"
#include "source/extensions/messages/unpack_any.h"
#include "source/net/address.h"

namespace weir::extensions {
namespace {

namespace core_v3 = envoy::config::core::v3;
using Cares = envoy::extensions::network::dns_resolver::cares::v3::CaresDnsResolverConfig;
using Addresses = google::protobuf::RepeatedPtrField<core_v3::Address>;
using base::Diagnostics;
using base::FieldPath;
using upstream::dns::AresOptions;

constexpr uint16_t kDnsPort = 53;
constexpr uint64_t kLongestTimeout = 600;  // seconds, of one try
constexpr uint32_t kMostTries = 20;

void compileServers(const Addresses& from, const char* field, AresOptions& options, Diagnostics& diagnostics,
                    const FieldPath& path) {
  for (int i = 0; i < from.size(); ++i) {
    const FieldPath at = path.at(field, static_cast<size_t>(i));
    if (!from[i].has_socket_address()) {
      diagnostics.error(at, "not a socket_address; allowed: the IP address and port of a DNS server");
      continue;
    }
    const core_v3::SocketAddress& socket = from[i].socket_address();
    const uint16_t port = socket.port_value() == 0 ? kDnsPort : static_cast<uint16_t>(socket.port_value());
    absl::StatusOr<net::Address> address = net::Address::parseIp(socket.address(), port);
    if (!address.ok()) {
      diagnostics.error(at.at("socket_address").at("address"),
                        absl::StrCat("\"", socket.address(), "\" is not an IP address; allowed: that of a DNS server"));
      continue;
    }
    options.servers.push_back(*std::move(address));
  }
}

void compileOptions(const core_v3::DnsResolverOptions& from, AresOptions& options) {
  options.use_tcp = options.use_tcp || from.use_tcp_for_dns_lookups();
  options.use_search_domains = !from.no_default_search_domain();
}

void compileCares(const Cares& from, AresOptions& options, Diagnostics& diagnostics, const FieldPath& path) {
  compileServers(from.resolvers(), "resolvers", options, diagnostics, path);
  if (from.has_dns_resolver_options()) compileOptions(from.dns_resolver_options(), options);
  if (from.has_query_timeout_seconds()) {
    options.query_timeout =
        absl::Seconds(static_cast<int64_t>(std::min(from.query_timeout_seconds().value(), kLongestTimeout)));
  }
  if (from.has_query_tries()) options.tries = static_cast<int>(std::min(from.query_tries().value(), kMostTries));
  options.rotate = from.rotate_nameservers();
  if (from.has_edns0_max_payload_size()) {
    options.udp_payload = static_cast<int>(from.edns0_max_payload_size().value());
  }
}

}  // namespace

std::shared_ptr<const AresOptions> compileResolver(const ResolverFields& fields, Diagnostics& diagnostics,
                                                   const FieldPath& path) {
  const size_t errors_before = diagnostics.errors();
  auto options = std::make_shared<AresOptions>();
  if (fields.typed_dns_resolver_config != nullptr) {
    const FieldPath extension = path.at("typed_dns_resolver_config");
    const FieldPath at = extension.at("typed_config");
    const auto unpacked = unpackAny(fields.typed_dns_resolver_config->typed_config(), diagnostics, at);
    if (unpacked == nullptr) return nullptr;
    const auto* const cares = google::protobuf::DynamicCastToGenerated<const Cares>(unpacked.get());
    if (cares == nullptr) {
      diagnostics.error(
          at, absl::StrCat("\"", fields.typed_dns_resolver_config->name(), "\" is a ",
                           unpacked->GetDescriptor()->full_name(), "; allowed: ", Cares::descriptor()->full_name()));
      return nullptr;
    }
    compileCares(*cares, *options, diagnostics, at);
  } else if (fields.dns_resolution_config != nullptr) {
    const FieldPath at = path.at("dns_resolution_config");
    compileServers(fields.dns_resolution_config->resolvers(), "resolvers", *options, diagnostics, at);
    if (fields.dns_resolution_config->has_dns_resolver_options()) {
      compileOptions(fields.dns_resolution_config->dns_resolver_options(), *options);
    }
  } else if (fields.use_tcp_for_dns_lookups || (fields.dns_resolvers != nullptr && !fields.dns_resolvers->empty())) {
    if (fields.dns_resolvers != nullptr) {
      compileServers(*fields.dns_resolvers, "dns_resolvers", *options, diagnostics, path);
    }
    options->use_tcp = fields.use_tcp_for_dns_lookups;
  } else {
    return nullptr;
  }
  if (diagnostics.errors() != errors_before) return nullptr;
  return options;
}

}  // namespace weir::extensions
