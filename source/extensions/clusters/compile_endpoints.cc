#include "source/extensions/clusters/compile_endpoints.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "envoy/config/endpoint/v3/endpoint.pb.h"
#include "source/extensions/messages/metadata.h"
#include "source/upstream/dns/service_lookup.h"

namespace weir::extensions {
namespace {

namespace core_v3 = envoy::config::core::v3;
namespace endpoint_v3 = envoy::config::endpoint::v3;
using base::Diagnostics;
using base::FieldPath;
using upstream::discovery::NamedHost;

// Whether the endpoints of a cluster may be names.
enum class Naming : uint8_t { kAddresses, kNames };

// Where an endpoint is: at an address, or at those of a name.
struct Place {
  net::Address address;
  std::string name;  // empty: `address` holds
  uint16_t port = 0;
};

constexpr size_t kLongestName = 253;

// Letters, digits, "-", "_" and "."; the names of the world's other scripts come in their ASCII form (RFC 5891).
bool isName(std::string_view text) {
  if (!text.empty() && text.back() == '.') text.remove_suffix(1);
  if (text.empty() || text.size() > kLongestName || text.front() == '.') return false;
  // A name of digits only is an IP address that was mistyped.
  const bool only_digits = text.find_first_not_of("0123456789.") == std::string_view::npos;
  return !only_digits && std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' || c == '.';
  });
}

std::string notAnAddress(const std::string& seen, Naming naming) {
  if (naming == Naming::kNames) {
    return absl::StrCat("\"", seen, "\" is neither an IP address nor a host name; allowed: a host name, the name of a ",
                        "service (_http._tcp.example.org), or an IPv4 or IPv6 address");
  }
  return absl::StrCat("\"", seen, "\" is not an IP address, and names are not resolved here; use STRICT_DNS or ",
                      "LOGICAL_DNS as type of the cluster for a name; allowed here: an IPv4 or IPv6 address");
}

std::optional<Place> compileSocketAddress(const core_v3::SocketAddress& from, Naming naming, Diagnostics& diagnostics,
                                          const FieldPath& path) {
  const size_t errors_before = diagnostics.errors();
  if (from.protocol() != core_v3::SocketAddress::TCP) {
    diagnostics.error(path.at("protocol"), absl::StrCat(core_v3::SocketAddress::Protocol_Name(from.protocol()),
                                                        " is not implemented by weir for clusters; allowed: TCP"));
  }
  if (from.port_specifier_case() == core_v3::SocketAddress::PORT_SPECIFIER_NOT_SET) {
    diagnostics.error(path.at("port_value"), "no port; allowed: 1 to 65535");
  } else if (from.port_value() == 0 && naming == Naming::kNames && upstream::dns::isServiceName(from.address())) {
    // The records of a service say the port.
  } else if (from.port_value() == 0 || from.port_value() > 65535) {
    diagnostics.error(path.at("port_value"), absl::StrCat("port ", from.port_value(), "; allowed: 1 to 65535"));
  }
  if (from.ipv4_compat()) diagnostics.warning(path.at("ipv4_compat"), "has no effect in a cluster");
  const auto port = static_cast<uint16_t>(from.port_value());
  Place place{{}, {}, port};
  absl::StatusOr<net::Address> address = net::Address::parseIp(from.address(), port);
  if (address.ok()) {
    place.address = *std::move(address);
    if (place.address.isWildcard()) {
      diagnostics.error(path.at("address"),
                        absl::StrCat(from.address(), " is no address to connect to; allowed: the address of a host"));
    }
  } else if (naming == Naming::kNames && isName(from.address())) {
    place.name = from.address();
  } else {
    diagnostics.error(path.at("address"), notAnAddress(from.address(), naming));
  }
  if (diagnostics.errors() != errors_before) return std::nullopt;
  return place;
}

std::optional<Place> compileAddress(const core_v3::Address& from, Naming naming, Diagnostics& diagnostics,
                                    const FieldPath& path) {
  if (from.has_socket_address()) {
    return compileSocketAddress(from.socket_address(), naming, diagnostics, path.at("socket_address"));
  }
  if (!from.has_pipe()) {
    diagnostics.error(path, "no address; allowed: socket_address or pipe");
    return std::nullopt;
  }
  if (from.pipe().mode() != 0) {
    diagnostics.warning(path.at("pipe").at("mode"), "has no effect in a cluster; it is about sockets that weir binds");
  }
  absl::StatusOr<net::Address> address = net::Address::unixPath(from.pipe().path());
  if (address.ok()) return Place{*std::move(address), {}, 0};
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
      return upstream::HostHealth::kUnhealthy;
    case core_v3::TIMEOUT:
      return upstream::HostHealth::kTimeout;
    case core_v3::DEGRADED:
      return upstream::HostHealth::kDegraded;
    case core_v3::DRAINING:
      return upstream::HostHealth::kDraining;
    default:
      diagnostics.error(path, absl::StrCat("health_status ", core_v3::HealthStatus_Name(status),
                                           " is not implemented by weir; "
                                           "allowed: UNKNOWN, HEALTHY, UNHEALTHY, DRAINING, TIMEOUT, DEGRADED"));
      return std::nullopt;
  }
}

// How the endpoint is checked. A name keeps the port only: its addresses come later.
void compileCheckConfig(const endpoint_v3::Endpoint::HealthCheckConfig& from, NamedHost& to, Diagnostics& diagnostics,
                        const FieldPath& path) {
  to.host.health_hostname = from.hostname();
  to.host.no_health_check = from.disable_active_health_check();
  const auto port = static_cast<uint16_t>(from.port_value());
  if (from.has_address()) {
    std::optional<Place> place = compileAddress(from.address(), Naming::kAddresses, diagnostics, path.at("address"));
    if (place.has_value()) to.host.health_address = std::move(place->address);
  } else if (port != 0 && to.name.empty()) {
    if (!to.host.address.isIp()) {
      diagnostics.error(path.at("port_value"), "the endpoint is a pipe, which has no ports; allowed: address");
      return;
    }
    const auto address = net::Address::parseIp(to.host.address.ip(), port);
    if (address.ok()) to.host.health_address = *address;
  } else {
    to.health_port = port;
  }
}

std::optional<NamedHost> compileHost(const endpoint_v3::LbEndpoint& from, Naming naming, Diagnostics& diagnostics,
                                     const FieldPath& path) {
  const FieldPath endpoint = path.at("endpoint");
  if (!from.has_endpoint() || !from.endpoint().has_address()) {
    diagnostics.error(from.has_endpoint() ? endpoint : path, "no address; allowed: endpoint with an address");
    return std::nullopt;
  }
  std::optional<Place> place = compileAddress(from.endpoint().address(), naming, diagnostics, endpoint.at("address"));
  const std::optional<upstream::HostHealth> health =
      compileHealth(from.health_status(), diagnostics, path.at("health_status"));
  const uint32_t weight = from.has_load_balancing_weight() ? from.load_balancing_weight().value() : 1;
  if (weight == 0) diagnostics.error(path.at("load_balancing_weight"), "0; allowed: 1 and above");
  if (!place.has_value() || !health.has_value() || weight == 0) return std::nullopt;
  NamedHost named;
  upstream::HostSpec& host = named.host;
  // As a name says what the request is for, unless the endpoint says something else.
  host.hostname = from.endpoint().hostname().empty() ? place->name : from.endpoint().hostname();
  if (place->name.empty()) host.text = place->address.text();
  host.address = std::move(place->address);
  named.name = std::move(place->name);
  named.port = place->port;
  host.weight = weight;
  host.health = *health;
  if (from.has_metadata()) host.metadata = std::make_shared<const upstream::lb::Metadata>(lbMetadata(from.metadata()));
  host.transport_notes = transportNotes(from.metadata());
  if (from.endpoint().has_health_check_config()) {
    compileCheckConfig(from.endpoint().health_check_config(), named, diagnostics, endpoint.at("health_check_config"));
  }
  return named;
}

// Null where it says nothing.
std::shared_ptr<const upstream::HostGroup> compileGroup(const endpoint_v3::LocalityLbEndpoints& from) {
  if (!from.has_locality() && !from.has_load_balancing_weight() && from.priority() == 0) return nullptr;
  auto to = std::make_shared<upstream::HostGroup>();
  to->priority = from.priority();
  to->locality = {from.locality().region(), from.locality().zone(), from.locality().sub_zone()};
  to->weight = from.load_balancing_weight().value();
  return to;
}

std::vector<NamedHost> compileAll(const endpoint_v3::ClusterLoadAssignment& message, Naming naming,
                                  Diagnostics& diagnostics, const FieldPath& path) {
  std::vector<NamedHost> hosts;
  for (int i = 0; i < message.endpoints_size(); ++i) {
    const FieldPath locality = path.at("endpoints", static_cast<size_t>(i));
    const std::shared_ptr<const upstream::HostGroup> group = compileGroup(message.endpoints(i));
    const std::shared_ptr<const upstream::lb::Metadata> notes = transportNotes(message.endpoints(i).metadata());
    for (int j = 0; j < message.endpoints(i).lb_endpoints_size(); ++j) {
      std::optional<NamedHost> host = compileHost(message.endpoints(i).lb_endpoints(j), naming, diagnostics,
                                                  locality.at("lb_endpoints", static_cast<size_t>(j)));
      if (!host.has_value()) continue;
      host->host.group = group;
      host->host.locality_transport_notes = notes;
      hosts.push_back(*std::move(host));
    }
  }
  return hosts;
}

}  // namespace

std::vector<upstream::HostSpec> compileEndpoints(const endpoint_v3::ClusterLoadAssignment& message,
                                                 Diagnostics& diagnostics, const FieldPath& path) {
  std::vector<upstream::HostSpec> hosts;
  for (NamedHost& host : compileAll(message, Naming::kAddresses, diagnostics, path)) {
    hosts.push_back(std::move(host.host));
  }
  return hosts;
}

std::vector<NamedHost> compileNamedEndpoints(const endpoint_v3::ClusterLoadAssignment& message,
                                             Diagnostics& diagnostics, const FieldPath& path) {
  return compileAll(message, Naming::kNames, diagnostics, path);
}

}  // namespace weir::extensions
