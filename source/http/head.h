// Head: the start of a message: the request line or the status, and the fields. Made by a codec (or for a local
// reply) in the arena of the exchange, which owns it; filters edit it in place. Framing is not among its fields: no
// Transfer-Encoding, Connection or other hop-by-hop field is ever in here, and the length of the body stands in
// `content_length` alone; a codec writes framing anew (law 17). Host is `authority`, never a field.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "source/http/header_map.h"

namespace weir::http {

enum class Version : uint8_t { kHttp10, kHttp11, kHttp2 };
std::string_view versionName(Version version);  // "HTTP/1.1"

struct Head {
  explicit Head(base::Arena& arena) : headers(arena) {}

  // Request. Views into the arena (or static). `path` is the target with its query, "*" for OPTIONS *; empty for
  // CONNECT, whose target is `authority`. `scheme` is "http" or "https".
  std::string_view method;
  std::string_view scheme;
  std::string_view authority;
  std::string_view path;
  // The token of an upgrade that the message asks for or (status 101) agrees to, lower case: "websocket". Empty
  // when there is none. Set only where an upgrade can be honoured; codecs write Connection and Upgrade from it.
  std::string_view upgrade;

  // Response; 0 in a request. 1xx except 101: informational, another head follows.
  uint16_t status = 0;

  Version version = Version::kHttp11;
  // As declared by the sender, also where there is no body (HEAD, 304). A filter that changes the length of a body
  // must clear or correct it.
  std::optional<uint64_t> content_length;
  // Request: the client said `Expect: 100-continue` and waits.
  bool expects_continue = false;

  HeaderMap headers;

  bool isRequest() const { return status == 0; }
  bool isInterim() const { return status >= 100 && status < 200 && status != 101; }
  bool isHead() const { return method == "HEAD"; }
  bool isConnect() const { return method == "CONNECT"; }
  base::Arena& arena() const { return headers.arena(); }
  // A header or one of :method :scheme :authority :path :status host content-length, by lower-case name; joined when
  // repeated. What logs and matchers use. Arena text.
  std::optional<std::string_view> value(std::string_view lower_name) const;
};

}  // namespace weir::http
