#include "source/server/compile/compile_listener.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "envoy/config/accesslog/v3/accesslog.pb.h"
#include "envoy/config/listener/v3/listener.pb.h"
#include "envoy/extensions/filters/network/sni_cluster/v3/sni_cluster.pb.h"
#include "source/base/strings.h"
#include "source/extensions/access_loggers/access_log_config.h"
#include "source/extensions/messages/duration.h"
#include "source/extensions/messages/metadata.h"
#include "source/extensions/messages/unpack_any.h"
#include "source/extensions/transport_sockets/compile_transport.h"
#include "source/filter/listener_facts.h"
#include "source/net/ip_text.h"
#include "source/server/compile/compile_address.h"
#include "source/server/compile/compile_listener_filters.h"

namespace weir::server {
namespace {

namespace xds = envoy::config::listener::v3;
using envoy::extensions::filters::network::sni_cluster::v3::SniCluster;

// The xDS API's own default.
constexpr size_t kDefaultBufferLimit = 1024 * 1024;
// A client that needs longer for its handshake holds a connection for nothing.
constexpr absl::Duration kHandshakeTimeout = absl::Seconds(10);
constexpr std::string_view kRawBuffer = "raw_buffer";
constexpr std::string_view kTls = "tls";

// Compiles the chains of one listener.
class ChainCompiler {
 public:
  ChainCompiler(const CompileContext& context, const extensions::TransportScope& scope, const std::string& instance,
                const std::function<std::string(std::string_view)>& cluster_problem,
                std::shared_ptr<const filter::ListenerFacts> facts, base::Diagnostics& diagnostics)
      : context_(context),
        scope_(scope),
        instance_(instance),
        cluster_problem_(cluster_problem),
        facts_(std::move(facts)),
        diagnostics_(diagnostics) {}

  // None after an error was reported.
  std::optional<proxy::FilterChain> compile(const xds::FilterChain& message, std::string fallback_name,
                                            const base::FieldPath& path) {
    const size_t errors = diagnostics_.errors();
    proxy::FilterChain chain;
    chain.name = message.name().empty() ? std::move(fallback_name) : message.name();
    compileMatch(message.filter_chain_match(), chain.match, path.at("filter_chain_match"));
    chain.terminal = compileFilters(message, chain, path);
    compileTransport(message, chain, path);
    if (diagnostics_.errors() != errors || chain.terminal == nullptr) return std::nullopt;
    return chain;
  }

 private:
  void compileTransport(const xds::FilterChain& message, proxy::FilterChain& chain, const base::FieldPath& path) {
    if (!message.has_transport_socket()) return;
    const base::FieldPath socket = path.at("transport_socket");
    auto transport = extensions::compileDownstreamTransport(message.transport_socket().typed_config(), scope_,
                                                            instance_, socket.at("typed_config"));
    if (transport.has_value()) chain.transport = *std::move(transport);
    chain.transport_timeout = kHandshakeTimeout;
    if (!message.has_transport_socket_connect_timeout()) return;
    const absl::Duration given = extensions::durationOf(message.transport_socket_connect_timeout());
    chain.transport_timeout = given > absl::ZeroDuration() ? given : absl::InfiniteDuration();
  }

  void compileMatch(const xds::FilterChainMatch& message, proxy::FilterChainMatch& match, const base::FieldPath& path) {
    using SourceType = proxy::FilterChainMatch::SourceType;
    if (message.has_destination_port())
      match.destination_port = static_cast<uint16_t>(message.destination_port().value());
    match.transport_protocol = message.transport_protocol();
    if (!match.transport_protocol.empty() && match.transport_protocol != kRawBuffer &&
        match.transport_protocol != kTls) {
      diagnostics_.error(path.at("transport_protocol"), absl::StrCat("\"", match.transport_protocol,
                                                                     "\" is never detected; allowed: raw_buffer, tls"));
    }
    for (int i = 0; i < message.server_names_size(); ++i) {
      compileServerName(message.server_names(i), match, path.at("server_names", static_cast<size_t>(i)));
    }
    match.application_protocols.assign(message.application_protocols().begin(), message.application_protocols().end());
    switch (message.source_type()) {
      case xds::FilterChainMatch::SAME_IP_OR_LOOPBACK:
        match.source_type = SourceType::kSameIpOrLoopback;
        break;
      case xds::FilterChainMatch::EXTERNAL:
        match.source_type = SourceType::kExternal;
        break;
      default:
        match.source_type = SourceType::kAny;
    }
    compilePrefixes(message.prefix_ranges(), match.prefixes, path, "prefix_ranges");
    compilePrefixes(message.source_prefix_ranges(), match.source_prefixes, path, "source_prefix_ranges");
    compilePrefixes(message.direct_source_prefix_ranges(), match.direct_source_prefixes, path,
                    "direct_source_prefix_ranges");
    for (const uint32_t port : message.source_ports()) match.source_ports.push_back(static_cast<uint16_t>(port));
  }

  // "*.a.example" is every name under a.example; a wildcard stands nowhere else.
  void compileServerName(const std::string& name, proxy::FilterChainMatch& match, const base::FieldPath& path) {
    const bool wildcard = absl::StartsWith(name, "*.");
    const std::string rest = absl::AsciiStrToLower(wildcard ? name.substr(1) : name);
    if (rest.empty() || rest == "." || wildcard != (rest[0] == '.') || rest.find('*') != std::string::npos) {
      diagnostics_.error(path,
                         absl::StrCat("\"", name, "\" is no server name; allowed: a DNS name, or \"*.\" and one"));
      return;
    }
    match.server_names.push_back(rest);
  }

  using Prefixes = std::vector<proxy::FilterChainMatch::Prefix>;
  void compilePrefixes(const google::protobuf::RepeatedPtrField<envoy::config::core::v3::CidrRange>& messages,
                       Prefixes& prefixes, const base::FieldPath& path, const char* field) {
    for (int i = 0; i < messages.size(); ++i) {
      compilePrefix(messages[i], prefixes, path.at(field, static_cast<size_t>(i)));
    }
  }

  void compilePrefix(const envoy::config::core::v3::CidrRange& message, Prefixes& prefixes,
                     const base::FieldPath& path) {
    const uint32_t length = message.prefix_len().value();
    auto range = net::CidrRange::parse(message.address_prefix(), length);
    const auto address = net::Address::parseIp(message.address_prefix(), 0);
    if (!range.ok() || !address.ok()) {
      const absl::Status& why = range.ok() ? address.status() : range.status();
      diagnostics_.error(path, std::string(why.message()));
      return;
    }
    prefixes.push_back({*range, net::maskedIpText(address->ipBytes(), length)});
  }

  // The terminal, which is the last one; those before it go into the chain.
  std::unique_ptr<const proxy::SessionFactory> compileFilters(const xds::FilterChain& message,
                                                              proxy::FilterChain& chain, const base::FieldPath& path) {
    if (message.filters_size() == 0) {
      diagnostics_.error(path, "the filter chain has no filters; it needs one that takes the bytes, at its end");
      return nullptr;
    }
    std::unique_ptr<const proxy::SessionFactory> terminal;
    cluster_by_server_name_ = false;
    for (int i = 0; i < message.filters_size(); ++i) {
      const base::FieldPath filter_path = path.at("filters", static_cast<size_t>(i));
      terminal = compileFilter(message.filters(i), i + 1 == message.filters_size(), chain, filter_path);
    }
    return terminal;
  }

  std::unique_ptr<const proxy::SessionFactory> compileFilter(const xds::Filter& message, bool last,
                                                             proxy::FilterChain& chain, const base::FieldPath& path) {
    if (!message.has_typed_config()) {
      diagnostics_.error(path, absl::StrCat("filter \"", message.name(), "\" has no typed_config"));
      return nullptr;
    }
    const base::FieldPath config_path = path.at("typed_config");
    const auto config = extensions::unpackAny(message.typed_config(), diagnostics_, config_path);
    if (config == nullptr) return nullptr;
    const std::string_view name = extensions::anyType(message.typed_config());
    if (const filter::NetworkFilterType* type = context_.extensions.network_filters.byConfigType(name)) {
      auto factory = type->make(*config, {context_.stats, diagnostics_, config_path, "", context_.clock,
                                          &cluster_problem_, context_.schema_only});
      if (factory != nullptr) chain.filters.push_back(std::move(factory));
      cluster_by_server_name_ = cluster_by_server_name_ || name == SniCluster::descriptor()->full_name();
      if (last) {
        diagnostics_.error(path, absl::StrCat("filter \"", message.name(),
                                              "\" passes bytes on, and none takes them; the last filter of a chain "
                                              "must be one that does, such as envoy.filters.network.tcp_proxy"));
      }
      return nullptr;
    }
    const proxy::SessionType* type = context_.extensions.sessions.byConfigType(name);
    if (type == nullptr) {
      diagnostics_.error(config_path,
                         absl::StrCat("\"", base::av(name), "\" is not a network filter; allowed: ", networkFilters()));
      return nullptr;
    }
    auto terminal =
        type->make(*config, {context_.stats, diagnostics_, config_path, context_.clock,
                             context_.extensions.http_filters, context_.extensions.access_logs, context_.sinks,
                             cluster_problem_, context_.schema_only, cluster_by_server_name_, facts_});
    if (!last && terminal != nullptr) {
      diagnostics_.error(path, absl::StrCat("filter \"", message.name(),
                                            "\" takes all bytes, so that nothing reaches the filter behind it; it must "
                                            "be the last one of its chain"));
    }
    return terminal;
  }

  std::string networkFilters() const {
    std::string names;
    for (const std::string& type : context_.extensions.network_filter_types) {
      absl::StrAppend(&names, names.empty() ? "" : ", ", type);
    }
    return names;
  }

  const CompileContext& context_;
  const extensions::TransportScope& scope_;
  const std::string& instance_;
  const std::function<std::string(std::string_view)>& cluster_problem_;
  const std::shared_ptr<const filter::ListenerFacts> facts_;
  base::Diagnostics& diagnostics_;
  bool cluster_by_server_name_ = false;  // of the chain that is compiled
};

// All chains of a listener. Null after an error was reported.
std::unique_ptr<const proxy::FilterChainMatcher> compileChains(const xds::Listener& message, ChainCompiler compiler,
                                                               base::Diagnostics& diagnostics,
                                                               const base::FieldPath& path) {
  if (message.filter_chains_size() == 0 && !message.has_default_filter_chain()) {
    diagnostics.error(path, "no filter chain is given; a TCP listener needs at least one");
    return nullptr;
  }
  const size_t errors = diagnostics.errors();
  std::vector<proxy::FilterChain> chains;
  std::map<std::string, int> names;
  for (int i = 0; i < message.filter_chains_size(); ++i) {
    const xds::FilterChain& chain = message.filter_chains(i);
    const base::FieldPath chain_path = path.at("filter_chains", static_cast<size_t>(i));
    const auto [first, fresh] = names.emplace(chain.name(), i);
    if (!fresh && !chain.name().empty()) {
      diagnostics.error(chain_path.at("name"), absl::StrCat("\"", chain.name(), "\" is the name of ", path.text(),
                                                            ".filter_chains[", first->second, "] already"));
    }
    auto compiled = compiler.compile(chain, absl::StrCat(i), chain_path);
    if (compiled) chains.push_back(*std::move(compiled));
  }
  std::unique_ptr<proxy::FilterChain> fallback;
  if (message.has_default_filter_chain()) {
    auto compiled = compiler.compile(message.default_filter_chain(), "default", path.at("default_filter_chain"));
    if (compiled) fallback = std::make_unique<proxy::FilterChain>(*std::move(compiled));
  }
  if (diagnostics.errors() != errors) return nullptr;
  auto matcher = proxy::FilterChainMatcher::make(std::move(chains), std::move(fallback));
  if (!matcher.ok()) {
    diagnostics.error(path.at("filter_chains"), std::string(matcher.status().message()));
    return nullptr;
  }
  return *std::move(matcher);
}

void compileAddresses(const xds::Listener& message, ListenerPlan& plan, base::Diagnostics& diagnostics,
                      const base::FieldPath& path) {
  if (!message.has_address()) {
    diagnostics.error(path, "no address is given; a listener needs one");
    return;
  }
  auto first = compileAddress(message.address(), diagnostics, path.at("address"));
  if (first) plan.addresses.push_back(*std::move(first));
  for (int i = 0; i < message.additional_addresses_size(); ++i) {
    const base::FieldPath extra_path = path.at("additional_addresses", static_cast<size_t>(i));
    auto extra = compileAddress(message.additional_addresses(i).address(), diagnostics, extra_path.at("address"));
    if (extra) plan.addresses.push_back(*std::move(extra));
  }
  if (message.has_bind_to_port()) plan.bound = message.bind_to_port().value();
  if (message.has_enable_reuse_port()) plan.reuse_port = message.enable_reuse_port().value();
  for (BoundAddress& bound : plan.addresses) bound.options.reuse_port = plan.everyWorker(bound);
}

std::string nameOf(const xds::Listener& message, const ListenerPlan& plan) {
  return message.name().empty() && !plan.addresses.empty() ? plan.addresses.front().address.text() : message.name();
}

// What counters call the listener.
std::string instanceOf(const xds::Listener& message, const ListenerPlan& plan) {
  if (!message.stat_prefix().empty()) return message.stat_prefix();
  if (plan.addresses.empty()) return message.name();
  const net::Address& address = plan.addresses.front().address;
  return address.isIp() && address.port() == 0 ? nameOf(message, plan) : address.text();
}

std::shared_ptr<const filter::ListenerFacts> factsOf(const xds::Listener& message) {
  using envoy::config::core::v3::TrafficDirection;
  auto facts = std::make_shared<filter::ListenerFacts>();
  if (message.traffic_direction() == TrafficDirection::INBOUND) facts->direction = "INBOUND";
  if (message.traffic_direction() == TrafficDirection::OUTBOUND) facts->direction = "OUTBOUND";
  facts->notes = extensions::compileMetadata(message.metadata());
  return facts->direction.empty() && facts->notes == nullptr ? nullptr : facts;
}

}  // namespace

std::optional<ListenerPlan> compileListener(const xds::Listener& message, const CompileContext& context,
                                            const extensions::Secrets& secrets,
                                            extensions::TransportSources& transports,
                                            const std::function<std::string(std::string_view)>& cluster_problem,
                                            base::Diagnostics& diagnostics, const base::FieldPath& path) {
  const size_t errors = diagnostics.errors();
  ListenerPlan plan;
  compileAddresses(message, plan, diagnostics, path);
  auto config = std::make_unique<proxy::ListenerConfig>();
  const std::string instance = instanceOf(message, plan);
  const extensions::TransportScope scope{secrets, context.stats, diagnostics, context.schema_only, &transports};
  const std::shared_ptr<const filter::ListenerFacts> facts = factsOf(message);
  config->filters = compileListenerFilters(message, {context.extensions, context.stats, instance, diagnostics}, path);
  config->chains = compileChains(message, ChainCompiler(context, scope, instance, cluster_problem, facts, diagnostics),
                                 diagnostics, path);
  size_t buffer_limit = kDefaultBufferLimit;
  if (message.has_per_connection_buffer_limit_bytes()) {
    buffer_limit = message.per_connection_buffer_limit_bytes().value();
    if (buffer_limit == 0) {
      diagnostics.error(path.at("per_connection_buffer_limit_bytes"),
                        "0 would be no limit, and weir always has one; allowed: 1 and more");
    }
  }
  config->limits = {buffer_limit, buffer_limit};
  if (message.has_tcp_backlog_size()) {
    config->backlog = static_cast<int>(std::min<uint32_t>(message.tcp_backlog_size().value(), INT32_MAX));
  }
  if (message.has_max_connections_to_accept_per_socket_event()) {
    config->accepts_per_turn = message.max_connections_to_accept_per_socket_event().value();
  }
  config->hands_over = message.use_original_dst().value();
  config->unlimited = message.bypass_overload_manager();
  config->log =
      proxy::ListenerLog(extensions::compileAccessLogs(
                             message.access_log(),
                             {context.stats, diagnostics, path, context.clock, context.extensions.http_filters,
                              context.extensions.access_logs, context.sinks, cluster_problem, context.schema_only},
                             path),
                         facts);
  if (diagnostics.errors() != errors) return std::nullopt;

  config->name = nameOf(message, plan);
  config->stats = proxy::ListenerStats::make(context.stats, instance);
  plan.config = std::move(config);
  return plan;
}

}  // namespace weir::server
