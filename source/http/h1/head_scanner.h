// HeadScanner: finds the end of a head or of a trailer section in a buffer that is still being filled, and looks at no
// byte twice. Owned by the reader of a message; reset() before each section. A line that ends in a bare LF, and a
// section above its limit, is refused as soon as it is seen.
#pragma once

#include <cstddef>
#include <cstdint>

#include "source/buffer/buffer.h"
#include "source/http/h1/options.h"
#include "source/http/reason.h"

namespace weir::http::h1 {

enum class Section : uint8_t { kRequestHead, kResponseHead, kTrailers };

class HeadScanner {
 public:
  struct Result {
    // kNone and bytes 0: not complete yet.
    Reason error = Reason::kNone;
    // Bytes from the front of the buffer to behind the empty line, and how many of them at the front are an empty
    // line before the request line, to be skipped.
    size_t bytes = 0;
    size_t skip = 0;
  };

  Result scan(const buffer::Buffer& in, Section section, const H1Limits& limits);
  void reset() { *this = HeadScanner(); }

 private:
  Reason checkLength(Section section, const H1Limits& limits, size_t position) const;

  size_t scanned_ = 0;
  size_t line_start_ = 0;
  uint32_t lines_ = 0;
  uint8_t skip_ = 0;
  char last_ = '\0';
};

}  // namespace weir::http::h1
