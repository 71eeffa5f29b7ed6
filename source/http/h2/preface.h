// The connection preface by which a client says that it speaks HTTP/2 (RFC 9113 section 3.4), so that HTTP/1.1 and
// HTTP/2 with prior knowledge can share a port. Keeps nothing.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "source/buffer/buffer.h"

namespace weir::http::h2 {

inline constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

enum class PrefaceMatch : uint8_t { kNo, kYes, kMoreNeeded };

// Whether `in`, the first bytes of a connection, begins with the preface. No HTTP/1 request begins like it: "PRI" is a
// method that RFC 9113 reserves, so three bytes of anything else settle it.
inline PrefaceMatch matchPreface(const buffer::Buffer& in) {
  char text[kPreface.size()];
  const size_t n = in.copyOut(0, text);
  if (!std::equal(text, text + n, kPreface.begin())) return PrefaceMatch::kNo;
  return n == kPreface.size() ? PrefaceMatch::kYes : PrefaceMatch::kMoreNeeded;
}

}  // namespace weir::http::h2
