// Base64 of RFC 4648 section 4, as a stream: gRPC-Web in text mode sends a body as one padded text, or as several in a
// row, cut anywhere. Members of one exchange; they keep at most three characters or two bytes.
#pragma once

#include <cstdint>
#include <string_view>

#include "source/buffer/buffer.h"

namespace weir::extensions::grpc_web {

class Base64Decoder {
 public:
  // Appends what `text` decodes to. False for what is not base64, after which nothing more may be decoded.
  [[nodiscard]] bool decode(std::string_view text, buffer::Buffer& out);
  // No text is open: all groups of four were whole.
  bool complete() const { return digits_ == 0; }

 private:
  uint32_t bits_ = 0;
  uint8_t digits_ = 0;   // of this group of four, padding included
  uint8_t padding_ = 0;  // of it
};

class Base64Encoder {
 public:
  // Appends the text of `bytes`, as far as they fill groups of three.
  void encode(std::string_view bytes, buffer::Buffer& out);
  // Appends what is left, padded. The next byte begins a text of its own.
  void finish(buffer::Buffer& out);

 private:
  uint32_t bits_ = 0;
  uint8_t bytes_ = 0;  // of this group of three
};

}  // namespace weir::extensions::grpc_web
