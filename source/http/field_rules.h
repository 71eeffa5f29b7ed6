// Rules about fields that hold in every version of HTTP: which belong to a connection, how a length is written, what
// is told apart without regard to case. Free functions over text; nothing is kept. Used by the codecs.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "source/http/header_id.h"

namespace weir::http {

// What becomes of a field whose name has an underscore, which CGI-like servers cannot tell from a hyphen.
enum class UnderscoreAction : uint8_t { kAllow, kReject, kDrop };

// A set of known names, one bit each.
using HeaderIds = uint64_t;
constexpr HeaderIds headerBit(HeaderId id) { return HeaderIds{1} << static_cast<unsigned>(id); }
constexpr bool contains(HeaderIds set, HeaderId id) { return id != HeaderId::kOther && (set & headerBit(id)) != 0; }

// Fields that frame a message or belong to one connection: whoever writes a head writes these anew.
inline constexpr HeaderIds kConnectionFields = headerBit(HeaderId::kConnection) | headerBit(HeaderId::kContentLength) |
                                               headerBit(HeaderId::kKeepAlive) | headerBit(HeaderId::kProxyConnection) |
                                               headerBit(HeaderId::kTransferEncoding) | headerBit(HeaderId::kUpgrade);
// Not copied into a request, whose head says them in other ways.
inline constexpr HeaderIds kNotInRequests =
    kConnectionFields | headerBit(HeaderId::kHost) | headerBit(HeaderId::kExpect);
// Not copied into trailers.
inline constexpr HeaderIds kNotInTrailers = kNotInRequests | headerBit(HeaderId::kTe) | headerBit(HeaderId::kTrailer);

// `lower` is in lower case, `text` in any.
bool equalsLower(std::string_view text, std::string_view lower);

// A Content-Length: up to 19 digits, which never overflow, and nothing else.
std::optional<uint64_t> parseContentLength(std::string_view text);

// Proxy-Connection and the fields by which a client and its proxy authenticate to each other: dropped.
bool isProxyField(std::string_view lower_name);

}  // namespace weir::http
