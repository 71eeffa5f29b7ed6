// The field lines of a head or a trailer section, strictly by RFC 9112 section 5: "name: value CRLF", names are
// tokens with no space before the colon, no folding, no control bytes. Names are lower-cased where they stand. Fields
// that frame the message or belong to the connection are taken out and become facts. Called by head_parser and by
// the chunk reader; keeps nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "source/http/h1/options.h"
#include "source/http/head.h"
#include "source/http/reason.h"

namespace weir::http::h1 {

// What the fields of a head said about the connection and the framing.
struct FieldFacts {
  std::optional<std::string_view> host;
  std::optional<uint64_t> content_length;
  bool chunked = false;
  bool close = false;       // Connection: close
  bool keep_alive = false;  // Connection: keep-alive
  bool expects_continue = false;
  // The one protocol that Upgrade names, lower case, if Connection nominates it; else empty.
  std::string_view upgrade;
};

// `lines` are whole lines, the empty one at the end included; they must live as long as the arena of `fields`, to
// which they go. Errors are those of a request.
Reason parseFields(std::span<char> lines, const H1Options& options, HeaderMap& fields, FieldFacts& facts);

// As above for a trailer section: a field that frames, routes or belongs to the connection is refused.
Reason parseTrailers(std::span<char> lines, const H1Options& options, HeaderMap& fields);

}  // namespace weir::http::h1
