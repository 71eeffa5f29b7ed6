#include "source/extensions/transport_sockets/compile_transport.h"

#include <google/protobuf/any.pb.h>

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "envoy/extensions/transport_sockets/raw_buffer/v3/raw_buffer.pb.h"
#include "envoy/extensions/transport_sockets/tls/v3/tls.pb.h"
#include "source/base/strings.h"
#include "source/extensions/messages/unpack_any.h"
#include "source/extensions/transport_sockets/tls/compile_tls.h"
#include "source/net/tls/tls_transport.h"

namespace weir::extensions {
namespace {

using envoy::extensions::transport_sockets::raw_buffer::v3::RawBuffer;
using envoy::extensions::transport_sockets::tls::v3::DownstreamTlsContext;
using envoy::extensions::transport_sockets::tls::v3::UpstreamTlsContext;
using google::protobuf::Any;
using net::tls::TlsStats;
using net::tls::TlsTransport;

// None: it is neither `Tls` nor raw_buffer, and that was reported.
template <typename Tls>
std::optional<Tls> unpack(const Any& any, const TransportScope& scope, const base::FieldPath& path, bool& raw) {
  Tls message;
  const std::unique_ptr<google::protobuf::Message> unpacked = unpackAny(any, scope.diagnostics, path);
  if (unpacked == nullptr) return std::nullopt;
  if (const auto* tls = dynamic_cast<const Tls*>(unpacked.get())) return *tls;
  raw = dynamic_cast<const RawBuffer*>(unpacked.get()) != nullptr;
  if (raw) return std::nullopt;
  scope.diagnostics.error(
      path, absl::StrCat("'", base::av(anyType(any)), "' is no transport socket for this side; ",
                         "allowed: ", Tls::descriptor()->full_name(), ", ", RawBuffer::descriptor()->full_name()));
  return std::nullopt;
}

}  // namespace

CompiledTransport compileDownstreamTransport(const Any& any, const TransportScope& scope, std::string_view instance,
                                             const base::FieldPath& path) {
  bool raw = false;
  const auto message = unpack<DownstreamTlsContext>(any, scope, path, raw);
  if (raw) return CompiledTransport(nullptr);
  if (!message.has_value()) return std::nullopt;
  const size_t before = scope.diagnostics.errors();
  TlsCompiler compiler(scope.secrets, scope.schema_only, scope.diagnostics, path);
  const net::tls::ServerConfig config = compiler.server(*message);
  if (scope.diagnostics.errors() != before) return std::nullopt;
  if (scope.schema_only) return CompiledTransport(nullptr);
  TlsTransport made = TlsTransport::server(config, TlsStats::make(scope.registry, "listener", instance));
  if (made.factory == nullptr) {
    compiler.report(made.problems);
    return std::nullopt;
  }
  return std::move(made.factory);
}

bool isRawBuffer(const Any& any) { return anyType(any) == RawBuffer::descriptor()->full_name(); }

CompiledTransport compileUpstreamTransport(const Any& any, const TransportScope& scope, std::string_view instance,
                                           const std::vector<std::string>& alpn, const base::FieldPath& path) {
  bool raw = false;
  const auto message = unpack<UpstreamTlsContext>(any, scope, path, raw);
  if (raw) return CompiledTransport(nullptr);
  if (!message.has_value()) return std::nullopt;
  const size_t before = scope.diagnostics.errors();
  TlsCompiler compiler(scope.secrets, scope.schema_only, scope.diagnostics, path);
  net::tls::ClientConfig config = compiler.client(*message);
  if (config.alpn.empty()) config.alpn = alpn;
  if (scope.diagnostics.errors() != before) return std::nullopt;
  if (scope.schema_only) return CompiledTransport(nullptr);
  TlsTransport made = TlsTransport::client(config, TlsStats::make(scope.registry, "cluster", instance));
  if (made.factory == nullptr) {
    compiler.report(made.problems);
    return std::nullopt;
  }
  return std::move(made.factory);
}

}  // namespace weir::extensions
