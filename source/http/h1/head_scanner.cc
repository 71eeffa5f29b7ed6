#include "source/http/h1/head_scanner.h"

#include <algorithm>
#include <cstring>
#include <string_view>

namespace weir::http::h1 {

// `position` is the number of bytes that are known to belong to the section. The answer must not depend on how the
// input was cut, so that this is asked for each complete line and for what is left behind the last one.
Reason HeadScanner::checkLength(Section section, const H1Limits& limits, size_t position) const {
  if (section == Section::kTrailers) {
    return position > limits.trailer_bytes ? Reason::kHeadersTooLarge : Reason::kNone;
  }
  if (section == Section::kRequestHead && lines_ == 0) {
    // Two bytes more than the limit are the CRLF.
    const size_t line = std::min(limits.request_line_bytes, limits.head_bytes) + 2;
    if (position - line_start_ > line) return Reason::kUriTooLong;
  }
  return position - skip_ > limits.head_bytes ? Reason::kHeadersTooLarge : Reason::kNone;
}

HeadScanner::Result HeadScanner::scan(const buffer::Buffer& in, Section section, const H1Limits& limits) {
  Result result;
  size_t piece_start = 0;
  in.forEachPiece([&](std::string_view piece) {
    const size_t piece_end = piece_start + piece.size();
    while (scanned_ < piece_end) {
      const char* const from = piece.data() + (scanned_ - piece_start);
      const size_t left = piece_end - scanned_;
      const void* const lf = std::memchr(from, '\n', left);
      if (lf == nullptr) {
        scanned_ = piece_end;
        last_ = piece.back();
        break;
      }
      const size_t length = static_cast<const char*>(lf) - from;
      const char before = length > 0 ? from[length - 1] : last_;
      scanned_ += length + 1;
      last_ = '\n';
      result.error = checkLength(section, limits, scanned_);
      if (result.error != Reason::kNone) return false;
      const size_t line = scanned_ - line_start_;
      if (line < 2 || before != '\r') {
        result.error = Reason::kBadRequest;
        return false;
      }
      if (line == 2) {
        if (lines_ > 0 || section == Section::kTrailers) {
          result.bytes = scanned_;
          result.skip = skip_;
          return false;
        }
        if (section != Section::kRequestHead || skip_ > 0) {
          result.error = Reason::kBadRequest;
          return false;
        }
        skip_ = 2;
      } else {
        ++lines_;
      }
      line_start_ = scanned_;
    }
    piece_start = piece_end;
    return true;
  });
  if (result.error == Reason::kNone && result.bytes == 0) result.error = checkLength(section, limits, scanned_);
  return result;
}

}  // namespace weir::http::h1
