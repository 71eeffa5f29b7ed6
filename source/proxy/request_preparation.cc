#include "source/proxy/request_preparation.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "source/http/authority.h"
#include "source/net/ip_text.h"
#include "source/proxy/retry_state.h"

namespace weir::proxy {
namespace {

using http::HeaderId;

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// The address `hops` before the last one of x-forwarded-for, if it is there and is one.
std::optional<net::Address> forwardedAddress(const http::HeaderMap& headers, uint32_t hops) {
  if (!headers.has(HeaderId::kXForwardedFor)) return std::nullopt;
  std::optional<std::string_view> all = headers.joined("x-forwarded-for");
  std::string_view rest = *all;
  for (uint32_t i = 0;; ++i) {
    const size_t comma = rest.rfind(',');
    const std::string_view item = trimmed(comma == std::string_view::npos ? rest : rest.substr(comma + 1));
    if (i == hops) {
      absl::StatusOr<net::Address> address = net::Address::parseIp(item, 0);
      if (!address.ok()) return std::nullopt;
      return *std::move(address);
    }
    if (comma == std::string_view::npos) return std::nullopt;
    rest = rest.substr(0, comma);
  }
}

// Joins to the last value of that name; one list, in order (RFC 9110 section 5.3).
void appendItem(http::HeaderMap& headers, HeaderId id, std::string_view item, std::string_view separator) {
  if (!headers.has(id)) return headers.add(id, item);
  const std::optional<std::string_view> old = headers.joined(http::headerName(id));
  if (old->empty()) return headers.set(id, item);
  base::Arena& arena = headers.arena();
  headers.set(id, arena.join(arena.join(*old, separator), item));
}

void prepareForwarded(http::Head& head, filter::StreamInfo& info, const RequestOptions& options) {
  http::HeaderMap& headers = head.headers;
  info.downstream_remote = info.downstream_direct_remote;
  const bool edge = options.external();
  if (!edge) {
    const uint32_t hops = options.xff_num_trusted_hops - (options.use_remote_address ? 1 : 0);
    if (std::optional<net::Address> address = forwardedAddress(headers, hops)) info.downstream_remote = *address;
  }
  if (options.use_remote_address && !options.skip_xff_append) {
    const net::IpText ip(info.downstream_direct_remote.ipBytes());
    if (!ip.view().empty()) appendItem(headers, HeaderId::kXForwardedFor, ip.view(), ",");
  }
  const bool secure = info.downstream_transport != nullptr;
  if (secure) head.scheme = "https";
  const std::string_view scheme = secure ? std::string_view("https") : options.scheme;
  if (!headers.has(HeaderId::kXForwardedProto)) {
    headers.addView(HeaderId::kXForwardedProto, http::headerName(HeaderId::kXForwardedProto), scheme);
  } else if (edge) {
    headers.set(HeaderId::kXForwardedProto, scheme);
  }
  if (!options.scheme_always.empty()) {
    head.scheme = options.scheme_always;
    headers.set(HeaderId::kXForwardedProto, options.scheme_always);
  }
  if (options.append_x_forwarded_port && (edge || !headers.has(HeaderId::kXForwardedPort))) {
    char digits[8];
    const auto end = std::to_chars(digits, digits + sizeof(digits), info.downstream_local.port());
    headers.set(HeaderId::kXForwardedPort, std::string_view(digits, end.ptr - digits));
  }
}

// A client of the own network, which came here without any other proxy in between.
bool isInternal(const http::Head& head, const filter::StreamInfo& info, const RequestOptions& options) {
  if (options.internal_ranges.empty() && !options.internal_unix_sockets) return false;
  if (head.headers.has(HeaderId::kXForwardedFor)) {
    const std::string_view all = head.headers.joined("x-forwarded-for").value_or("");
    if (all.find(',') != std::string_view::npos) return false;
  }
  const net::Address& client = info.downstream_remote;
  if (!client.isIp()) return options.internal_unix_sockets;
  const auto contains = [&](const net::CidrRange& range) { return range.contains(client); };
  return std::any_of(options.internal_ranges.begin(), options.internal_ranges.end(), contains);
}

// What a stranger says in headers that only the own network may use. At the edge that is all x-envoy-*; behind another
// proxy, which may have set some of them, those that steer the router.
void dropUntrusted(http::Head& head, const filter::StreamInfo& info, const RequestOptions& options) {
  if (isInternal(head, info, options)) return head.headers.set("x-envoy-internal", "true");
  const auto envoys = [](const http::Field& field) { return isEnvoyName(field.name); };
  if (std::none_of(head.headers.begin(), head.headers.end(), envoys)) return;
  if (options.external()) {
    head.headers.removeIf(envoys);
  } else {
    head.headers.removeIf(
        [](const http::Field& field) { return steersRouter(field.name) || field.name == "x-envoy-internal"; });
  }
}

void prepareRequestId(http::Head& head, filter::StreamInfo& info, const RequestOptions& options, base::Random& random) {
  http::HeaderMap& headers = head.headers;
  std::optional<std::string_view> id = headers.get(HeaderId::kXRequestId);
  const bool trusted = !options.use_remote_address || options.preserve_external_request_id;
  if (options.generate_request_id && (!id || id->empty() || !trusted)) {
    headers.remove(HeaderId::kXRequestId);
    id = makeRequestId(random, head.arena());
    headers.addView(HeaderId::kXRequestId, http::headerName(HeaderId::kXRequestId), *id);
  }
  info.request_id = id.value_or("");
}

void stripHostPort(http::Head& head, uint16_t local_port, const RequestOptions& options) {
  if (!options.strip_any_host_port && !options.strip_matching_host_port) return;
  const std::optional<http::Authority> authority = http::parseAuthority(head.authority);
  if (!authority || !authority->port) return;
  if (options.strip_any_host_port || *authority->port == local_port) head.authority = authority->host;
}

// "a.example.:80" is "a.example:80": the dot says that the name is complete, which it is for everybody.
void stripHostDot(http::Head& head) {
  const std::string_view whole = head.authority;
  // What follows the last ']' is a port at most; no dot stands before it in an address.
  const size_t colon = whole.back() == ']' ? std::string_view::npos : whole.rfind(':');
  const std::string_view host = whole.substr(0, colon);
  if (host.size() < 2 || host.back() != '.') return;
  const std::string_view bare = host.substr(0, host.size() - 1);
  head.authority = colon == std::string_view::npos ? bare : head.arena().join(bare, whole.substr(colon));
}

}  // namespace

Preparation prepareRequest(http::Head& head, filter::StreamInfo& info, const RequestOptions& options,
                           base::Random& random) {
  prepareForwarded(head, info, options);
  dropUntrusted(head, info, options);
  prepareRequestId(head, info, options, random);
  if (!options.via.empty()) appendItem(head.headers, HeaderId::kVia, options.via, ", ");
  if (head.authority.empty()) return {http::Reason::kMissingHost, false};
  if (options.strip_trailing_host_dot) stripHostDot(head);
  if (head.isConnect()) return {};
  stripHostPort(head, info.downstream_local.port(), options);
  const http::PathResult path = http::normalizePath(head.path, options.path, head.arena());
  if (path.kind == http::PathResult::Kind::kRefused) return {http::Reason::kPathRefused, false};
  head.path = path.target;
  return {http::Reason::kNone, path.kind == http::PathResult::Kind::kRedirect};
}

std::string_view makeRequestId(base::Random& random, base::Arena& arena) {
  static constexpr char kDigits[] = "0123456789abcdef";
  uint64_t high = random.next();
  uint64_t low = random.next();
  high = (high & ~uint64_t{0xf000}) | 0x4000;                // version 4
  low = (low & ~(uint64_t{3} << 62)) | (uint64_t{2} << 62);  // variant 10
  char* const text = arena.allocateChars(36);
  char* at = text;
  for (int nibble = 0; nibble < 32; ++nibble) {
    if (nibble == 8 || nibble == 12 || nibble == 16 || nibble == 20) *at++ = '-';
    const uint64_t half = nibble < 16 ? high : low;
    *at++ = kDigits[(half >> (60 - 4 * (nibble & 15))) & 15];
  }
  return {text, 36};
}

}  // namespace weir::proxy
