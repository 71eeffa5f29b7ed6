#include "source/extensions/clusters/compile_endpoints.h"

#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "envoy/config/endpoint/v3/endpoint.pb.h"
#include "source/base/strings.h"

namespace weir::extensions {
namespace {

namespace core_v3 = envoy::config::core::v3;
namespace endpoint_v3 = envoy::config::endpoint::v3;
using base::Diagnostics;
using base::FieldPath;

std::optional<net::Address> compileSocketAddress(const core_v3::SocketAddress& from, Diagnostics& diagnostics,
                                                 const FieldPath& path) {
  const size_t errors_before = diagnostics.errors();
  if (from.protocol() != core_v3::SocketAddress::TCP) {
    diagnostics.error(path.at("protocol"), absl::StrCat(core_v3::SocketAddress::Protocol_Name(from.protocol()),
                                                        " is not implemented by weir for clusters; allowed: TCP"));
  }
  if (from.port_specifier_case() == core_v3::SocketAddress::PORT_SPECIFIER_NOT_SET) {
    diagnostics.error(path.at("port_value"), "no port; allowed: 1 to 65535");
  } else if (from.port_value() == 0 || from.port_value() > 65535) {
    diagnostics.error(path.at("port_value"), absl::StrCat("port ", from.port_value(), "; allowed: 1 to 65535"));
  }
  if (from.ipv4_compat()) diagnostics.warning(path.at("ipv4_compat"), "has no effect in a cluster");
  absl::StatusOr<net::Address> address =
      net::Address::parseIp(from.address(), static_cast<uint16_t>(from.port_value()));
  if (!address.ok()) {
    diagnostics.error(path.at("address"),
                      absl::StrCat("\"", from.address(), "\" is not an IP address, and weir resolves no host names ",
                                   "(STRICT_DNS and LOGICAL_DNS are not implemented by weir); ",
                                   "allowed in a STATIC cluster: an IPv4 or IPv6 address"));
  } else if (address->isWildcard()) {
    diagnostics.error(path.at("address"),
                      absl::StrCat(from.address(), " is no address to connect to; allowed: the address of a host"));
  }
  if (diagnostics.errors() != errors_before) return std::nullopt;
  return *std::move(address);
}

std::optional<net::Address> compileAddress(const core_v3::Address& from, Diagnostics& diagnostics,
                                           const FieldPath& path) {
  if (from.has_socket_address()) {
    return compileSocketAddress(from.socket_address(), diagnostics, path.at("socket_address"));
  }
  if (!from.has_pipe()) {
    diagnostics.error(path, "no address; allowed: socket_address or pipe");
    return std::nullopt;
  }
  if (from.pipe().mode() != 0) {
    diagnostics.warning(path.at("pipe").at("mode"), "has no effect in a cluster; it is about sockets that weir binds");
  }
  absl::StatusOr<net::Address> address = net::Address::unixPath(from.pipe().path());
  if (address.ok()) return *std::move(address);
  diagnostics.error(path.at("pipe").at("path"), std::string(address.status().message()));
  return std::nullopt;
}

std::optional<upstream::HostHealth> compileHealth(core_v3::HealthStatus status, Diagnostics& diagnostics,
                                                  const FieldPath& path) {
  switch (status) {
    case core_v3::UNKNOWN:
    case core_v3::HEALTHY:
      return upstream::HostHealth::kHealthy;
    case core_v3::UNHEALTHY:
    case core_v3::TIMEOUT:
      return upstream::HostHealth::kUnhealthy;
    case core_v3::DRAINING:
      return upstream::HostHealth::kDraining;
    default:
      diagnostics.error(path, absl::StrCat("health_status ", core_v3::HealthStatus_Name(status),
                                           " is not implemented by weir; "
                                           "allowed: UNKNOWN, HEALTHY, UNHEALTHY, DRAINING, TIMEOUT"));
      return std::nullopt;
  }
}

std::optional<upstream::HostSpec> compileHost(const endpoint_v3::LbEndpoint& from, Diagnostics& diagnostics,
                                              const FieldPath& path) {
  const FieldPath endpoint = path.at("endpoint");
  if (!from.has_endpoint() || !from.endpoint().has_address()) {
    diagnostics.error(from.has_endpoint() ? endpoint : path, "no address; allowed: endpoint with an address");
    return std::nullopt;
  }
  std::optional<net::Address> address = compileAddress(from.endpoint().address(), diagnostics, endpoint.at("address"));
  const std::optional<upstream::HostHealth> health =
      compileHealth(from.health_status(), diagnostics, path.at("health_status"));
  const uint32_t weight = from.has_load_balancing_weight() ? from.load_balancing_weight().value() : 1;
  if (weight == 0) diagnostics.error(path.at("load_balancing_weight"), "0; allowed: 1 and above");
  if (!address.has_value() || !health.has_value() || weight == 0) return std::nullopt;
  upstream::HostSpec host;
  host.text = address->text();
  host.address = *std::move(address);
  host.hostname = from.endpoint().hostname();
  host.weight = weight;
  host.health = *health;
  return host;
}

}  // namespace

std::vector<upstream::HostSpec> compileEndpoints(const endpoint_v3::ClusterLoadAssignment& message,
                                                 Diagnostics& diagnostics, const FieldPath& path) {
  std::vector<upstream::HostSpec> hosts;
  for (int i = 0; i < message.endpoints_size(); ++i) {
    const FieldPath locality = path.at("endpoints", static_cast<size_t>(i));
    for (int j = 0; j < message.endpoints(i).lb_endpoints_size(); ++j) {
      std::optional<upstream::HostSpec> host = compileHost(message.endpoints(i).lb_endpoints(j), diagnostics,
                                                           locality.at("lb_endpoints", static_cast<size_t>(j)));
      if (host.has_value()) hosts.push_back(*std::move(host));
    }
  }
  return hosts;
}

}  // namespace weir::extensions
