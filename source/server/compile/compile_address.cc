#include "source/server/compile/compile_address.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "envoy/config/core/v3/core.pb.h"

namespace weir::server {
namespace {

std::optional<BoundAddress> compileSocket(const envoy::config::core::v3::SocketAddress& message,
                                          base::Diagnostics& diagnostics, const base::FieldPath& path) {
  if (message.protocol() != envoy::config::core::v3::SocketAddress::TCP) {
    diagnostics.error(path.at("protocol"), "UDP; allowed: TCP");
    return std::nullopt;
  }
  const auto address = net::Address::parseIp(message.address(), static_cast<uint16_t>(message.port_value()));
  if (!address.ok()) {
    diagnostics.error(path.at("address"),
                      absl::StrCat(address.status().message(),
                                   "; a listener takes no names: 127.0.0.1 is localhost, 0.0.0.0 is every address of "
                                   "this machine, :: every one of IPv6 too"));
    return std::nullopt;
  }
  BoundAddress bound;
  bound.address = *address;
  bound.options.ipv4_compat = message.ipv4_compat();
  return bound;
}

std::optional<BoundAddress> compilePipe(const envoy::config::core::v3::Pipe& message, base::Diagnostics& diagnostics,
                                        const base::FieldPath& path) {
  const auto address = net::Address::unixPath(message.path());
  if (!address.ok()) {
    diagnostics.error(path.at("path"), std::string(address.status().message()));
    return std::nullopt;
  }
  BoundAddress bound;
  bound.address = *address;
  bound.options.reuse_port = false;
  if (message.mode() != 0) bound.options.unix_mode = message.mode();
  return bound;
}

}  // namespace

std::optional<BoundAddress> compileAddress(const envoy::config::core::v3::Address& message,
                                           base::Diagnostics& diagnostics, const base::FieldPath& path) {
  if (message.has_socket_address()) {
    return compileSocket(message.socket_address(), diagnostics, path.at("socket_address"));
  }
  if (message.has_pipe()) return compilePipe(message.pipe(), diagnostics, path.at("pipe"));
  diagnostics.error(path, "no address is given; allowed: socket_address, pipe");
  return std::nullopt;
}

}  // namespace weir::server
