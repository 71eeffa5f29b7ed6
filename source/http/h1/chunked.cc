// chunked-body = *chunk last-chunk trailer-section CRLF
// chunk        = 1*16HEXDIG *( ";" token [ "=" ( token / quoted-string ) ] ) CRLF data CRLF
// last-chunk   = 1*16"0" *( extension ) CRLF
// No white space anywhere (RFC 9112 7.1.1 has it as "bad"), no bare LF, no sign, no "0x".
#include "source/http/h1/chunked.h"

#include <algorithm>
#include <charconv>
#include <string_view>

#include "source/http/h1/field_parser.h"
#include "source/http/h1/field_writer.h"
#include "source/http/scan.h"

namespace weir::http::h1 {
namespace {

constexpr uint8_t kMaxDigits = 16;

int hexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

bool isToken(char c) { return kTokenBytes.has(static_cast<unsigned char>(c)); }

}  // namespace

bool ChunkReader::takeExtensionByte(char c, const H1Options& options) {
  if (++extension_bytes_ > options.limits.chunk_extension_bytes) return false;
  const bool ends = c == ';' || c == '\r';
  switch (state_) {
    case State::kExtensionName:
      state_ = State::kExtensionNameRest;
      return isToken(c);
    case State::kExtensionNameRest:
      if (c == '=') {
        state_ = State::kExtensionValue;
        return true;
      }
      break;
    case State::kExtensionValue:
      state_ = c == '"' ? State::kExtensionQuoted : State::kExtensionToken;
      return c == '"' || isToken(c);
    case State::kExtensionQuoted:
      if (c == '"') state_ = State::kExtensionAfterQuoted;
      if (c == '\\') state_ = State::kExtensionEscape;
      return kValueBytes.has(static_cast<unsigned char>(c));
    case State::kExtensionEscape:
      state_ = State::kExtensionQuoted;
      return kValueBytes.has(static_cast<unsigned char>(c));
    default:
      break;
  }
  if (!ends) return state_ != State::kExtensionAfterQuoted && isToken(c);
  state_ = c == ';' ? State::kExtensionName : State::kSizeLf;
  return true;
}

// One byte outside chunk data and trailers. False when it is not allowed there.
bool ChunkReader::takeByte(char c, const H1Options& options) {
  switch (state_) {
    case State::kSizeFirst:
    case State::kSize: {
      const int digit = hexValue(c);
      if (digit >= 0) {
        if (++digits_ > kMaxDigits) return false;
        left_ = left_ << 4 | static_cast<uint64_t>(digit);
        state_ = State::kSize;
        return true;
      }
      if (state_ == State::kSizeFirst) return false;
      if (c == ';') {
        state_ = State::kExtensionName;
        return true;
      }
      state_ = State::kSizeLf;
      return c == '\r';
    }
    case State::kSizeLf:
      state_ = left_ > 0 ? State::kData : State::kTrailers;
      digits_ = 0;
      return c == '\n';
    case State::kDataCr:
      state_ = State::kDataLf;
      return c == '\r';
    case State::kDataLf:
      state_ = State::kSizeFirst;
      return c == '\n';
    default:
      return takeExtensionByte(c, options);
  }
}

ChunkReader::Status ChunkReader::read(buffer::Buffer& in, buffer::Buffer& data, const H1Options& options,
                                      base::Arena& arena) {
  while (!in.empty()) {
    if (state_ == State::kTrailers) return readTrailers(in, options, arena);
    if (state_ == State::kData) {
      const size_t bytes = static_cast<size_t>(std::min<uint64_t>(left_, in.size()));
      data.moveFrom(in, bytes);
      left_ -= bytes;
      if (left_ == 0) state_ = State::kDataCr;
      continue;
    }
    const std::string_view piece = in.front();
    size_t taken = 0;
    while (taken < piece.size() && state_ != State::kData && state_ != State::kTrailers) {
      if (!takeByte(piece[taken++], options)) return Status::kBad;
    }
    in.drain(taken);
  }
  return Status::kMore;
}

ChunkReader::Status ChunkReader::readTrailers(buffer::Buffer& in, const H1Options& options, base::Arena& arena) {
  const HeadScanner::Result found = scanner_.scan(in, Section::kTrailers, options.limits);
  if (found.error != Reason::kNone) return Status::kBad;
  if (found.bytes == 0) return Status::kMore;
  if (found.bytes == 2) {
    in.drain(2);
    return Status::kEnd;
  }
  const std::span<char> text(arena.allocateChars(found.bytes), found.bytes);
  in.copyOut(0, text);
  in.drain(found.bytes);
  HeaderMap* const fields = arena.make<HeaderMap>(arena);
  if (parseTrailers(text, options, *fields) != Reason::kNone) return Status::kBad;
  if (options.enable_trailers && !fields->empty()) trailers_ = fields;
  return Status::kEnd;
}

void writeChunk(buffer::Buffer data, buffer::Buffer& out) {
  if (data.empty()) return;
  char line[20];
  char* end = std::to_chars(line, line + kMaxDigits, data.size(), 16).ptr;
  *end++ = '\r';
  *end++ = '\n';
  out.append(std::string_view(line, end - line));
  out.append(std::move(data));
  out.append("\r\n");
}

bool writeLastChunk(const HeaderMap* trailers, buffer::Buffer& out) {
  FieldWriter writer(out);
  writer.text("0\r\n");
  if (trailers != nullptr) writer.trailers(*trailers);
  writer.text("\r\n");
  return writer.ok();
}

}  // namespace weir::http::h1
