// What a listener or a cluster sets for its HTTP/1 connections. Compiled at load, const afterwards; outlives every
// codec that was made with it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "source/http/field_rules.h"

namespace weir::http::h1 {

struct H1Limits {
  // A head with its start line and the empty line after it. The input buffer of the connection must be allowed to
  // hold more than this, or a head at the limit never becomes complete.
  size_t head_bytes = 60 * 1024;
  // The request line without its CRLF; never more than head_bytes.
  size_t request_line_bytes = 8 * 1024;
  // Field lines of a head or a trailer section, those that weir consumes included.
  uint32_t head_fields = 100;
  size_t trailer_bytes = 8 * 1024;
  // All chunk extensions of one body together.
  size_t chunk_extension_bytes = 4 * 1024;
  // Informational heads before the final one.
  uint32_t interim_heads = 32;
  // The rest of a request that nobody wanted to read: up to here it is read and dropped to keep the connection.
  size_t discard_bytes = 64 * 1024;
};

using http::UnderscoreAction;

struct H1Options {
  H1Limits limits = {};
  // Server: requests of HTTP/1.0, and the host that is taken for one that names none (empty: it is refused).
  bool accept_http_10 = false;
  std::string default_host_for_http_10 = {};
  // Field names with an underscore, which CGI-like servers cannot tell from a hyphen.
  UnderscoreAction underscores = UnderscoreAction::kAllow;
  // Server: "GET http://host/path HTTP/1.1".
  bool allow_absolute_url = true;
  // Trailers reach the reader of a stream. Else they are checked and dropped.
  bool enable_trailers = false;
  // Server: the scheme of requests whose target names none; "http" or "https". Static text.
  std::string_view scheme = "http";
};

}  // namespace weir::http::h1
