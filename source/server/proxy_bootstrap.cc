#include "source/server/proxy_bootstrap.h"

#include <charconv>
#include <optional>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "envoy/config/cluster/v3/cluster.pb.h"
#include "envoy/extensions/access_loggers/stream/v3/stream.pb.h"
#include "envoy/extensions/filters/http/router/v3/router.pb.h"
#include "envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.pb.h"
#include "envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy.pb.h"
#include "envoy/extensions/transport_sockets/tls/v3/tls.pb.h"
#include "envoy/extensions/upstreams/http/v3/http.pb.h"
#include "source/base/strings.h"
#include "source/net/address.h"

namespace weir::server {
namespace {

namespace xds = envoy::config;
using Hcm = envoy::extensions::filters::network::http_connection_manager::v3::HttpConnectionManager;

constexpr uint16_t kHttpPort = 80;
constexpr uint16_t kHttpsPort = 443;

struct Target {
  bool http = true;
  bool tls = false;
  std::string name;     // with TLS: what the certificate must be for, where that is not the address
  std::string address;  // without brackets; a name, if `resolved`
  uint16_t port = 0;
  bool resolved = false;
  std::string path;  // what every path begins with at the target; "/" and longer
};

// `meant`: what was most likely meant, or empty.
absl::Status refused(std::string_view option, std::string_view seen, std::string_view allowed,
                     const std::string& meant = "") {
  return absl::InvalidArgumentError(absl::StrCat(base::av(option), ": \"", base::av(seen), "\"",
                                                 meant.empty() ? "" : absl::StrCat("; did you mean \"", meant, "\"?"),
                                                 "; allowed: ", base::av(allowed)));
}

// "localhost:80" is 127.0.0.1:80.
std::string withoutName(std::string_view host) {
  constexpr std::string_view kLocal = "localhost";
  if (host != kLocal && !host.starts_with(absl::StrCat(base::av(kLocal), ":"))) return std::string(host);
  return absl::StrCat("127.0.0.1", base::av(host.substr(kLocal.size())));
}

// A name for DNS: labels of letters, digits and '-'. What ends with a number is an address that is written badly.
bool isName(std::string_view name) {
  bool starts_label = true, is_number = true;
  for (const char c : name) {
    const bool digit = absl::ascii_isdigit(static_cast<unsigned char>(c));
    if (c == '.' ? starts_label : c != '-' && c != '_' && !absl::ascii_isalnum(static_cast<unsigned char>(c)))
      return false;
    is_number = c == '.' || (digit && (starts_label || is_number));
    starts_label = c == '.';
  }
  return !starts_label && !is_number && name.size() <= 253;
}

struct Place {
  std::string address;
  uint16_t port;
  bool resolved;
};

// "10.0.0.1:80", "[::1]:80", "localhost:80", "a.example:80"; the port may be missing where there is a usual one.
std::optional<Place> parseHost(std::string_view host, std::optional<uint16_t> usual_port) {
  std::string text = withoutName(host);
  const size_t bracket = text.rfind(']');
  const size_t colon = text.rfind(':');
  const bool has_port = colon != std::string::npos && (bracket == std::string::npos || colon > bracket);
  if (!has_port) {
    if (!usual_port) return std::nullopt;
    absl::StrAppend(&text, ":", *usual_port);
  }
  if (text.front() == ':') return std::nullopt;
  const auto address = net::Address::parse(text);
  if (address.ok()) {
    if (!address->isIp() || address->port() == 0) return std::nullopt;
    return Place{address->ip(), address->port(), false};
  }
  const size_t end = text.rfind(':');
  uint32_t port = 0;
  const bool number = absl::SimpleAtoi(absl::string_view(text).substr(end + 1), &port);
  text.resize(end);
  if (!number || port == 0 || port > 65535 || !isName(text)) return std::nullopt;
  return Place{text, static_cast<uint16_t>(port), true};
}

absl::StatusOr<Target> parseTarget(std::string_view url) {
  const size_t scheme_end = url.find("://");
  if (scheme_end == std::string_view::npos) {
    const bool host = parseHost(url.substr(0, url.find('/')), std::nullopt).has_value();
    return refused("--to", url, "http://host:port[/path], https://host:port[/path], tcp://host:port",
                   host ? absl::StrCat("http://", base::av(url)) : "");
  }
  const std::string_view scheme = url.substr(0, scheme_end);
  if (scheme != "http" && scheme != "https" && scheme != "tcp") {
    return refused("--to: scheme", scheme, "http, https, tcp");
  }
  Target target;
  target.tls = scheme == "https";
  target.http = scheme == "http" || target.tls;
  const uint16_t usual_port = target.tls ? kHttpsPort : kHttpPort;
  const std::string_view rest = url.substr(scheme_end + 3);
  const size_t slash = rest.find('/');
  const std::string_view host = rest.substr(0, slash);
  target.path = slash == std::string_view::npos ? "/" : rest.substr(slash);
  if (target.path.find_first_of("?#") != std::string::npos) {
    return refused("--to: path", target.path, "a path without a query");
  }
  if (!target.http && target.path != "/") return refused("--to: path", target.path, "none for tcp");
  if (target.path.back() != '/') target.path += '/';
  if (host.empty()) return refused("--to", url, "a target with an IP address or a name");
  const auto place = parseHost(host, target.http ? std::optional<uint16_t>(usual_port) : std::nullopt);
  if (!place) return refused("--to: host", host, "an IP address or a name, with a port");
  target.address = place->address;
  target.port = place->port;
  target.resolved = place->resolved;
  if (target.resolved) target.name = target.address;
  if (host.starts_with("localhost")) target.name = "localhost";
  return target;
}

void setAddress(const net::Address& address, xds::core::v3::Address& message) {
  if (!address.isIp()) {
    message.mutable_pipe()->set_path(address.ip());
    return;
  }
  message.mutable_socket_address()->set_address(address.ip());
  message.mutable_socket_address()->set_port_value(address.port());
}

void addCluster(const Target& target, const std::string& name, xds::cluster::v3::Cluster& cluster) {
  cluster.set_name(name);
  cluster.mutable_load_assignment()->set_cluster_name(name);
  auto* const endpoint = cluster.mutable_load_assignment()->add_endpoints()->add_lb_endpoints();
  auto& address = *endpoint->mutable_endpoint()->mutable_address()->mutable_socket_address();
  address.set_address(target.address);
  address.set_port_value(target.port);
  if (target.resolved) cluster.set_type(xds::cluster::v3::Cluster::STRICT_DNS);
}

// The server's certificate is checked against the authorities that this machine trusts; HTTP/2 if the server has it.
void addTls(const Target& target, xds::cluster::v3::Cluster& cluster) {
  envoy::extensions::transport_sockets::tls::v3::UpstreamTlsContext context;
  context.set_sni(target.name);
  context.mutable_common_tls_context()->mutable_validation_context()->mutable_system_root_certs();
  auto& socket = *cluster.mutable_transport_socket();
  socket.set_name("envoy.transport_sockets.tls");
  socket.mutable_typed_config()->PackFrom(context);
  envoy::extensions::upstreams::http::v3::HttpProtocolOptions options;
  options.mutable_auto_config();
  auto& all = *cluster.mutable_typed_extension_protocol_options();
  all["envoy.extensions.upstreams.http.v3.HttpProtocolOptions"].PackFrom(options);
}

void logToStdout(xds::accesslog::v3::AccessLog& log) {
  log.set_name("envoy.access_loggers.stdout");
  log.mutable_typed_config()->PackFrom(envoy::extensions::access_loggers::stream::v3::StdoutAccessLog());
}

void addHttpFilter(const Target& target, const std::string& name, xds::listener::v3::Filter& filter) {
  Hcm manager;
  manager.set_stat_prefix(name);
  manager.add_upgrade_configs()->set_upgrade_type("websocket");
  auto& host = *manager.mutable_route_config()->add_virtual_hosts();
  manager.mutable_route_config()->set_name(name);
  host.set_name(name);
  host.add_domains("*");
  auto& route = *host.add_routes();
  route.mutable_match()->set_prefix("/");
  route.mutable_route()->set_cluster(name);
  if (target.path != "/") route.mutable_route()->set_prefix_rewrite(target.path);
  // What has a name is asked for by its name: it may have many.
  const bool usual_port = target.port == (target.tls ? kHttpsPort : kHttpPort);
  if (target.resolved) {
    route.mutable_route()->set_host_rewrite_literal(usual_port ? target.address
                                                               : absl::StrCat(target.address, ":", target.port));
  }
  logToStdout(*manager.add_access_log());
  auto& router = *manager.add_http_filters();
  router.set_name("envoy.filters.http.router");
  router.mutable_typed_config()->PackFrom(envoy::extensions::filters::http::router::v3::Router());
  filter.set_name("envoy.filters.network.http_connection_manager");
  filter.mutable_typed_config()->PackFrom(manager);
}

void addTcpFilter(const std::string& name, xds::listener::v3::Filter& filter) {
  envoy::extensions::filters::network::tcp_proxy::v3::TcpProxy proxy;
  proxy.set_stat_prefix(name);
  proxy.set_cluster(name);
  logToStdout(*proxy.add_access_log());
  filter.set_name("envoy.filters.network.tcp_proxy");
  filter.mutable_typed_config()->PackFrom(proxy);
}

}  // namespace

absl::StatusOr<xds::bootstrap::v3::Bootstrap> proxyBootstrap(std::string_view from, std::string_view to,
                                                             std::string_view name) {
  const auto listen = net::Address::parse(withoutName(from));
  if (!listen.ok()) {
    const bool port = !from.empty() && from.find_first_not_of("0123456789") == std::string_view::npos;
    return refused("--from", from, "ip:port, :port, unix:/path", port ? absl::StrCat(":", base::av(from)) : "");
  }
  auto target = parseTarget(to);
  if (!target.ok()) return target.status();
  xds::bootstrap::v3::Bootstrap bootstrap;
  auto& resources = *bootstrap.mutable_static_resources();
  auto& listener = *resources.add_listeners();
  listener.set_name(std::string(name));
  setAddress(*listen, *listener.mutable_address());
  auto& filter = *listener.add_filter_chains()->add_filters();
  if (target->http) {
    addHttpFilter(*target, std::string(name), filter);
  } else {
    addTcpFilter(std::string(name), filter);
  }
  auto& cluster = *resources.add_clusters();
  addCluster(*target, std::string(name), cluster);
  if (target->tls) addTls(*target, cluster);
  return bootstrap;
}

}  // namespace weir::server
