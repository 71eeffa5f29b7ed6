// ChunkReader: the chunked transfer coding (RFC 9112 section 7.1), read strictly and pulled: it takes what it can from
// a buffer, moves chunk data by slice and stops where the input does. Extensions are checked and dropped. Embedded in
// a BodyReader; start() before each body.
#pragma once

#include <cstddef>
#include <cstdint>

#include "source/base/arena.h"
#include "source/buffer/buffer.h"
#include "source/http/h1/head_scanner.h"
#include "source/http/h1/options.h"
#include "source/http/header_map.h"

namespace weir::http::h1 {

class ChunkReader {
 public:
  enum class Status : uint8_t { kMore, kEnd, kBad };

  void start() { *this = ChunkReader(); }
  // Moves the data of all chunks that are there from `in` to `data`. At the end of the body trailers(), if there are
  // any and they are enabled, are in `arena`. To be called again after kMore only.
  Status read(buffer::Buffer& in, buffer::Buffer& data, const H1Options& options, base::Arena& arena);
  HeaderMap* trailers() const { return trailers_; }

 private:
  enum class State : uint8_t {
    kSizeFirst,
    kSize,
    kExtensionName,
    kExtensionNameRest,
    kExtensionValue,
    kExtensionToken,
    kExtensionQuoted,
    kExtensionEscape,
    kExtensionAfterQuoted,
    kSizeLf,
    kData,
    kDataCr,
    kDataLf,
    kTrailers,
  };

  bool takeByte(char c, const H1Options& options);
  bool takeExtensionByte(char c, const H1Options& options);
  Status readTrailers(buffer::Buffer& in, const H1Options& options, base::Arena& arena);

  State state_ = State::kSizeFirst;
  uint8_t digits_ = 0;
  uint32_t extension_bytes_ = 0;
  uint64_t left_ = 0;
  HeadScanner scanner_;
  HeaderMap* trailers_ = nullptr;
};

// Appends `data` as one chunk; nothing for empty data, which would end the body.
void writeChunk(buffer::Buffer data, buffer::Buffer& out);
// Appends the last chunk and the trailers, without those that may not stand there. False when one was not valid, and
// was left out.
bool writeLastChunk(const HeaderMap* trailers, buffer::Buffer& out);

}  // namespace weir::http::h1
