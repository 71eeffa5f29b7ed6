#include "source/extensions/transport_sockets/compile_transport.h"

#include <google/protobuf/any.pb.h>

#include <string>
#include <type_traits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "envoy/extensions/transport_sockets/proxy_protocol/v3/upstream_proxy_protocol.pb.h"
#include "envoy/extensions/transport_sockets/raw_buffer/v3/raw_buffer.pb.h"
#include "envoy/extensions/transport_sockets/tls/v3/tls.pb.h"
#include "source/base/strings.h"
#include "source/extensions/messages/unpack_any.h"
#include "source/extensions/transport_sockets/proxy_protocol/compile_proxy_header.h"
#include "source/extensions/transport_sockets/proxy_protocol/proxy_protocol_transport.h"
#include "source/extensions/transport_sockets/referenced_files.h"
#include "source/extensions/transport_sockets/tls/compile_tls.h"
#include "source/net/tls/reloadable_transport.h"
#include "source/net/tls/tls_transport.h"

namespace weir::extensions {
namespace {

using envoy::extensions::transport_sockets::proxy_protocol::v3::ProxyProtocolUpstreamTransport;
using envoy::extensions::transport_sockets::raw_buffer::v3::RawBuffer;
using envoy::extensions::transport_sockets::tls::v3::DownstreamTlsContext;
using envoy::extensions::transport_sockets::tls::v3::UpstreamTlsContext;
using google::protobuf::Any;
using net::tls::TlsStats;
using net::tls::TlsTransport;

// None: it is neither `Tls` nor raw_buffer, and that was reported.
template <typename Tls>
std::optional<Tls> unpack(const Any& any, const TransportScope& scope, const base::FieldPath& path, bool& raw) {
  const std::unique_ptr<google::protobuf::Message> unpacked = unpackAny(any, scope.diagnostics, path);
  if (unpacked == nullptr) return std::nullopt;
  if (const auto* tls = dynamic_cast<const Tls*>(unpacked.get())) return *tls;
  raw = dynamic_cast<const RawBuffer*>(unpacked.get()) != nullptr;
  if (raw) return std::nullopt;
  const bool upstream = std::is_same_v<Tls, UpstreamTlsContext>;
  scope.diagnostics.error(
      path, absl::StrCat("'", base::av(anyType(any)),
                         "' is no transport socket for this side; allowed: ", Tls::descriptor()->full_name(), ", ",
                         RawBuffer::descriptor()->full_name(), upstream ? ", " : "",
                         upstream ? ProxyProtocolUpstreamTransport::descriptor()->full_name() : ""));
  return std::nullopt;
}

TlsTransport build(const DownstreamTlsContext& message, TlsCompiler& compiler, const UpstreamUse&,
                   const TlsStats& stats, const base::Diagnostics& diagnostics, bool schema_only) {
  const size_t before = diagnostics.errors();
  const net::tls::ServerConfig config = compiler.server(message);
  if (diagnostics.errors() != before || schema_only) return {};
  return TlsTransport::server(config, stats);
}

TlsTransport build(const UpstreamTlsContext& message, TlsCompiler& compiler, const UpstreamUse& use,
                   const TlsStats& stats, const base::Diagnostics& diagnostics, bool schema_only) {
  const size_t before = diagnostics.errors();
  net::tls::ClientConfig config = compiler.client(message);
  if (diagnostics.errors() != before || schema_only) return {};
  if (config.alpn.empty()) config.alpn = use.alpn;
  if (use.server_name_of_request) config.host_name_as_sni = true;
  if (use.name_is_checked) config.validation.names.clear();
  return TlsTransport::client(config, stats);
}

// All that it takes to make a transport once more.
template <typename Tls>
struct Recipe {
  Tls message;
  Secrets secrets;
  UpstreamUse use;
  TlsStats stats;
  std::shared_ptr<net::tls::ReloadableTransport> transport;
  TransportSource::Certificates certificates;

  absl::Status cookAgain() {
    base::Diagnostics diagnostics;
    const base::FieldPath path;
    TlsCompiler compiler(secrets, false, diagnostics, path);
    TlsTransport made = build(message, compiler, use, stats, diagnostics, false);
    compiler.report(made.problems);
    for (const base::Diagnostic& one : diagnostics.all()) {
      if (one.severity != base::Diagnostic::Severity::kError) continue;
      return absl::InvalidArgumentError(absl::StrCat(one.path, ": ", one.message));
    }
    transport->replace(std::move(made.factory));
    certificates = {std::move(made.certificates), std::move(made.authorities)};
    return absl::OkStatus();
  }
};

template <typename Tls>
CompiledTransport compile(const Any& any, const TransportScope& scope, const char* group, std::string_view instance,
                          const UpstreamUse& use, const base::FieldPath& path) {
  bool raw = false;
  const std::optional<Tls> message = unpack<Tls>(any, scope, path, raw);
  if (raw) return CompiledTransport(nullptr);
  if (!message.has_value()) return std::nullopt;
  const size_t before = scope.diagnostics.errors();
  TlsCompiler compiler(scope.secrets, scope.schema_only, scope.diagnostics, path);
  const TlsStats stats = TlsStats::make(scope.registry, group, instance);
  TlsTransport made = build(*message, compiler, use, stats, scope.diagnostics, scope.schema_only);
  compiler.report(made.problems);
  if (scope.diagnostics.errors() != before) return std::nullopt;
  if (scope.schema_only) return CompiledTransport(nullptr);
  if (scope.sources == nullptr) return std::move(made.factory);
  auto recipe = std::make_shared<Recipe<Tls>>(
      Recipe<Tls>{*message,
                  scope.secrets,
                  use,
                  stats,
                  std::make_shared<net::tls::ReloadableTransport>(std::move(made.factory)),
                  {std::move(made.certificates), std::move(made.authorities)}});
  const auto counter = [&](std::string_view metric) { return scope.registry.counter({group, instance, metric}); };
  scope.sources->push_back({absl::StrCat(group, " ", base::av(instance)),
                            [recipe] { return referencedFiles(recipe->message, recipe->secrets); },
                            counter("ssl.context_update_success"), counter("ssl.context_update_failure"),
                            [recipe] { return recipe->cookAgain(); },
                            [recipe]() -> const TransportSource::Certificates& { return recipe->certificates; }});
  return recipe->transport;
}

CompiledTransport compileProxyProtocol(const Any& any, const TransportScope& scope, std::string_view instance,
                                       const UpstreamUse& use, const base::FieldPath& path) {
  const std::unique_ptr<google::protobuf::Message> unpacked = unpackAny(any, scope.diagnostics, path);
  if (unpacked == nullptr) return std::nullopt;
  const auto& message = *google::protobuf::DynamicCastToGenerated<const ProxyProtocolUpstreamTransport>(unpacked.get());
  const size_t before = scope.diagnostics.errors();
  net::ProxyHeaderOptions options = compileProxyHeader(message.config(), scope.diagnostics, path.at("config"));
  const base::FieldPath socket = path.at("transport_socket");
  const base::FieldPath inside = socket.at("typed_config");
  const Any& inner = message.transport_socket().typed_config();
  if (anyType(inner) == anyType(any)) {
    scope.diagnostics.error(inside, "a second header inside the first; allowed: one");
    return std::nullopt;
  }
  CompiledTransport compiled = compileUpstreamTransport(inner, scope, instance, use, inside);
  if (!compiled.has_value() || scope.diagnostics.errors() != before) return std::nullopt;
  return std::make_shared<const ProxyProtocolTransport>(std::move(options), *std::move(compiled));
}

}  // namespace

CompiledTransport compileDownstreamTransport(const Any& any, const TransportScope& scope, std::string_view instance,
                                             const base::FieldPath& path) {
  return compile<DownstreamTlsContext>(any, scope, "listener", instance, {}, path);
}

bool isProxyProtocol(const Any& any) {
  return anyType(any) == ProxyProtocolUpstreamTransport::descriptor()->full_name();
}

bool protectsBytes(const Any& any) {
  ProxyProtocolUpstreamTransport outer;
  if (any.UnpackTo(&outer)) return protectsBytes(outer.transport_socket().typed_config());
  return anyType(any) != RawBuffer::descriptor()->full_name();
}

CompiledTransport compileUpstreamTransport(const Any& any, const TransportScope& scope, std::string_view instance,
                                           const UpstreamUse& use, const base::FieldPath& path) {
  if (isProxyProtocol(any)) return compileProxyProtocol(any, scope, instance, use, path);
  return compile<UpstreamTlsContext>(any, scope, "cluster", instance, use, path);
}

}  // namespace weir::extensions
