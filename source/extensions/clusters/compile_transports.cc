#include "source/extensions/clusters/compile_transports.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "envoy/config/cluster/v3/cluster.pb.h"
#include "source/base/strings.h"
#include "source/extensions/messages/metadata.h"

namespace weir::extensions {
namespace {

using envoy::config::cluster::v3::Cluster;

// Whether it holds for the transport of the cluster or one of those that are chosen by match.
bool any(const Cluster& message, bool (*holds)(const google::protobuf::Any&)) {
  if (message.has_transport_socket() && holds(message.transport_socket().typed_config())) return true;
  return std::any_of(message.transport_socket_matches().begin(), message.transport_socket_matches().end(),
                     [holds](const Cluster::TransportSocketMatch& match) {
                       return match.has_transport_socket() && holds(match.transport_socket().typed_config());
                     });
}

}  // namespace

bool hasTls(const Cluster& message) { return any(message, protectsBytes); }
bool tellsClient(const Cluster& message) { return any(message, isProxyProtocol); }

void compileTransports(const Cluster& message, upstream::ClusterConfig& config, const UpstreamUse& use,
                       const TransportScope& scope, const base::FieldPath& path) {
  const auto compile = [&](const google::protobuf::Any& any, const base::FieldPath& at) {
    auto transport = compileUpstreamTransport(any, scope, config.stat_name, use, at.at("typed_config"));
    return transport.has_value() ? *std::move(transport) : nullptr;
  };
  const auto counter = [&](std::string_view name) {
    return scope.registry.counter(
        {"cluster", config.stat_name, absl::StrCat("transport_socket_match.", base::av(name), ".total_match_count")});
  };
  config.tells_client = tellsClient(message);
  if (message.has_transport_socket()) {
    config.transport = compile(message.transport_socket().typed_config(), path.at("transport_socket"));
  }
  std::set<std::string> names;
  for (int i = 0; i < message.transport_socket_matches_size(); ++i) {
    const Cluster::TransportSocketMatch& from = message.transport_socket_matches(i);
    const base::FieldPath at = path.at("transport_socket_matches", static_cast<size_t>(i));
    if (!names.insert(from.name()).second) {
      scope.diagnostics.error(at.at("name"), absl::StrCat("\"", from.name(), "\" is the name of a match before it; ",
                                                          "allowed: a name of its own"));
    }
    upstream::TransportMatch& to = config.transport_matches.emplace_back();
    to.name = from.name();
    to.wanted = metadataPairs(from.match());
    to.matched = counter(from.name());
    if (from.has_transport_socket()) {
      to.transport = compile(from.transport_socket().typed_config(), at.at("transport_socket"));
    }
  }
  if (!config.transport_matches.empty()) config.transport_unmatched = counter("default");
}

}  // namespace weir::extensions
