#include "source/extensions/filters/http/ext_authz/check.h"

#include <algorithm>
#include <array>

#include "absl/strings/ascii.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "envoy/config/core/v3/core.pb.h"
#include "envoy/service/auth/v3/external_auth.pb.h"
#include "source/base/percent.h"
#include "source/base/strings.h"
#include "source/http/field_rules.h"
#include "source/http/grpc.h"
#include "source/net/transport_info.h"

namespace weir::extensions::ext_authz {
namespace {

namespace auth = envoy::service::auth::v3;
namespace core = envoy::config::core::v3;
using http::HeaderId;

constexpr std::string_view kPartialBody = "x-envoy-auth-partial-body";
constexpr std::string_view kToRemove = "x-envoy-auth-headers-to-remove";
constexpr std::string_view kCheckPath = "/envoy.service.auth.v3.Authorization/Check";
constexpr size_t kGrpcPrefix = 5;

bool anyMatches(const Matchers& matchers, std::string_view name) {
  return std::any_of(matchers.begin(), matchers.end(), [&](const auto& matcher) { return matcher.matches(name); });
}

bool mayShow(const Service& service, std::string_view name) {
  if (anyMatches(service.disallowed_headers, name)) return false;
  if (service.allowed_headers)
    return anyMatches(*service.allowed_headers, name) || (!service.grpc && name == "authorization");
  return service.grpc || name == "authorization";
}

// RFC 9110 sections 5.1 and 5.5. A service may not frame messages or say where they go.
bool mayName(std::string_view name) {
  if (name.empty() || http::contains(http::kNotInRequests, http::headerId(name)) || http::isProxyField(name))
    return false;
  return std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return absl::ascii_isalnum(c) ||
           std::string_view("!#$%&'*+-.^_`|~").find(static_cast<char>(c)) != std::string_view::npos;
  });
}
bool mayBeValue(std::string_view value) {
  return std::all_of(value.begin(), value.end(), [](unsigned char c) { return c == '\t' || (c >= 0x20 && c != 0x7f); });
}

void addIfSound(std::string_view name, std::string_view value, http::HeaderMap& out) {
  const std::string_view lower = out.arena().copyLower(name);
  if (mayName(lower) && mayBeValue(value)) out.add(lower, value);
}

filter::SideRequest makeHttp(const Service& service, const http::Head& head, const std::optional<Body>& body,
                             buffer::BlockPool& pool) {
  base::Arena& arena = head.arena();
  auto* const check = arena.make<http::Head>(arena);
  check->method = head.method;
  check->scheme = "http";
  check->authority = head.authority;
  check->path = service.path_override.empty() ? arena.join(service.path_prefix, head.path) : service.path_override;
  for (const http::Field& field : head.headers) {
    if (mayShow(service, field.name)) check->headers.addView(field.id, field.name, field.value);
  }
  for (const auto& [name, value] : service.headers_to_add) check->headers.set(name, value);
  filter::SideRequest request;
  if (body) {
    check->headers.set(kPartialBody, body->partial ? "true" : "false");
    request.body.emplace(pool);
    request.body->append(body->bytes);
  }
  request.head = check;
  return request;
}

void fillPeer(const net::Address& address, auth::AttributeContext::Peer& peer) {
  if (!address.isIp()) {
    peer.mutable_address()->mutable_pipe()->set_path(address.text());
    return;
  }
  core::SocketAddress& socket = *peer.mutable_address()->mutable_socket_address();
  socket.set_address(address.ip());
  socket.set_port_value(address.port());
}

std::string principalOf(const net::TransportInfo* tls) {
  if (tls == nullptr || tls->peer == nullptr) return "";
  if (!tls->peer->uris.empty()) return tls->peer->uris.front();
  return tls->peer->dns_names.empty() ? tls->peer->subject : tls->peer->dns_names.front();
}

void fillRequest(const Service& service, const http::Head& head, const filter::StreamInfo& info,
                 const std::optional<Body>& body, auth::AttributeContext::HttpRequest& out) {
  out.set_id(std::string(info.request_id));
  out.set_method(std::string(head.method));
  out.set_path(std::string(head.path));
  out.set_host(std::string(head.authority));
  out.set_scheme(std::string(head.scheme));
  out.set_protocol(std::string(http::versionName(head.version)));
  out.set_size(head.content_length ? static_cast<int64_t>(*head.content_length) : -1);
  auto& headers = *out.mutable_headers();
  for (const std::string_view name : {":method", ":path", ":authority", ":scheme"}) {
    if (mayShow(service, name)) headers[std::string(name)] = std::string(head.value(name).value_or(""));
  }
  for (const http::Field& field : head.headers) {
    if (!mayShow(service, field.name)) continue;
    const auto [at, fresh] = headers.insert({std::string(field.name), std::string(field.value)});
    if (!fresh) at->second.append(",").append(field.value);
  }
  if (!body) return;
  headers[std::string(kPartialBody)] = body->partial ? "true" : "false";
  service.pack_as_bytes ? out.set_raw_body(std::string(body->bytes)) : out.set_body(std::string(body->bytes));
}

filter::SideRequest makeGrpc(const Service& service, const http::Head& head, const filter::StreamInfo& info,
                             const std::optional<Body>& body, const Extensions& extensions, buffer::BlockPool& pool) {
  auth::CheckRequest message;
  auth::AttributeContext& context = *message.mutable_attributes();
  fillPeer(info.downstream_remote, *context.mutable_source());
  fillPeer(info.downstream_local, *context.mutable_destination());
  context.mutable_source()->set_principal(principalOf(info.downstream_transport));
  if (service.peer_certificate && info.downstream_transport != nullptr && info.downstream_transport->peer_chain) {
    context.mutable_source()->set_certificate(base::percentEncoded(info.downstream_transport->peer_chain->pem()));
  }
  if (service.tls_session && info.downstream_transport != nullptr) {
    context.mutable_tls_session()->set_sni(info.downstream_transport->server_name);
  }
  const int64_t micros = absl::ToUnixMicros(info.start_wall);
  context.mutable_request()->mutable_time()->set_seconds(micros / 1000000);
  context.mutable_request()->mutable_time()->set_nanos(static_cast<int32_t>(micros % 1000000 * 1000));
  fillRequest(service, head, info, body, *context.mutable_request()->mutable_http());
  for (const auto& [key, value] : extensions) (*context.mutable_context_extensions())[key] = value;

  base::Arena& arena = head.arena();
  auto* const check = arena.make<http::Head>(arena);
  check->method = "POST";
  check->scheme = "http";
  check->authority = service.authority;
  check->path = kCheckPath;
  check->headers.addView(HeaderId::kContentType, "content-type", "application/grpc");
  check->headers.addView(HeaderId::kTe, "te", "trailers");
  check->headers.set(HeaderId::kGrpcTimeout, http::formatGrpcTimeout(service.timeout, arena));
  for (const auto& [name, value] : service.headers_to_add) check->headers.set(name, value);
  const std::string bytes = message.SerializeAsString();
  const auto size = static_cast<uint32_t>(bytes.size());
  const std::array<char, kGrpcPrefix> prefix = {0, static_cast<char>(size >> 24), static_cast<char>(size >> 16),
                                                static_cast<char>(size >> 8), static_cast<char>(size)};
  filter::SideRequest request;
  request.head = check;
  request.body.emplace(pool);
  request.body->append(std::string_view(prefix.data(), prefix.size()));
  request.body->append(bytes);
  return request;
}

void readAllowed(const Service& service, const http::Head& answer, Decision& decision) {
  decision.kind = Decision::Kind::kAllow;
  for (const http::Field& field : answer.headers) {
    if (field.name == kToRemove) {
      for (const absl::string_view name : absl::StrSplit(base::av(field.value), ',')) {
        addIfSound(base::sv(absl::StripAsciiWhitespace(name)), "", decision.request_remove);
      }
      continue;
    }
    if (anyMatches(service.to_upstream, field.name)) addIfSound(field.name, field.value, decision.request_set);
    if (anyMatches(service.to_upstream_append, field.name))
      addIfSound(field.name, field.value, decision.request_append);
    if (anyMatches(service.to_client_on_success, field.name)) addIfSound(field.name, field.value, decision.client);
  }
}

Decision readHttp(const Service& service, const filter::SideResponse& response, base::Arena& arena) {
  Decision decision(arena);
  const uint16_t status = response.head.status;
  if (status == 200) {
    readAllowed(service, response.head, decision);
    return decision;
  }
  if (status >= 500) return decision;
  decision.kind = Decision::Kind::kDeny;
  decision.status = status;
  for (const http::Field& field : response.head.headers) {
    const bool always = field.name == "www-authenticate" || field.name == "location";
    if (!service.to_client || always || anyMatches(*service.to_client, field.name)) {
      addIfSound(field.name, field.value, decision.client);
    }
  }
  decision.body = arena.copy(response.body.toString());
  return decision;
}

// As the deprecated boolean has it where no action is chosen: append unless it says no. The services' libraries say
// overwrite by setting neither, and that is how the API reads it here.
bool appends(const core::HeaderValueOption& option) {
  if (option.has_append()) return option.append().value();
  return false;
}

Decision readGrpc(const filter::SideResponse& response, base::Arena& arena) {
  Decision decision(arena);
  const http::HeaderMap& last = response.trailers != nullptr ? *response.trailers : response.head.headers;
  if (response.head.status != 200 || http::grpcStatusOf(last) != http::GrpcStatus::kOk) return decision;
  const std::string bytes = response.body.toString();
  auth::CheckResponse message;
  // One message that is not compressed; its length is that of what follows.
  if (bytes.size() < kGrpcPrefix || bytes[0] != 0) return decision;
  uint32_t size = 0;
  for (size_t i = 1; i < kGrpcPrefix; ++i) size = size << 8 | static_cast<unsigned char>(bytes[i]);
  if (size != bytes.size() - kGrpcPrefix || !message.ParseFromString(bytes.substr(kGrpcPrefix))) return decision;

  if (message.status().code() != 0) {
    const auth::DeniedHttpResponse& denied = message.denied_response();
    decision.kind = Decision::Kind::kDeny;
    const int status = static_cast<int>(denied.status().code());
    if (status >= 200 && status < 600) decision.status = static_cast<uint16_t>(status);
    for (const auto& option : denied.headers())
      addIfSound(option.header().key(), option.header().value(), decision.client);
    decision.body = arena.copy(denied.body());
    return decision;
  }
  decision.kind = Decision::Kind::kAllow;
  const auth::OkHttpResponse& ok = message.ok_response();
  for (const auto& option : ok.headers()) {
    addIfSound(option.header().key(), option.header().value(),
               appends(option) ? decision.request_append : decision.request_set);
  }
  for (const std::string& name : ok.headers_to_remove()) addIfSound(name, "", decision.request_remove);
  for (const auto& option : ok.response_headers_to_add()) {
    addIfSound(option.header().key(), option.header().value(), decision.client);
  }
  return decision;
}

}  // namespace

filter::SideRequest makeCheck(const Service& service, const http::Head& head, const filter::StreamInfo& info,
                              const std::optional<Body>& body, const Extensions& extensions, buffer::BlockPool& pool) {
  filter::SideRequest request =
      service.grpc ? makeGrpc(service, head, info, body, extensions, pool) : makeHttp(service, head, body, pool);
  request.cluster = service.cluster;
  request.timeout = service.timeout;
  request.repeatable = true;
  return request;
}

Decision readAnswer(const Service& service, const filter::SideResponse& response, base::Arena& arena) {
  return service.grpc ? readGrpc(response, arena) : readHttp(service, response, arena);
}

}  // namespace weir::extensions::ext_authz
