// Coder: compresses, or takes apart, one body, piece by piece. Made by a Library for each body, used by one exchange.
// Library: one configured method of compression; made at load (compile_library.h), immutable, shared by workers. The
// libraries of other people that do the work are included in this folder alone.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "source/buffer/buffer.h"

namespace weir::extensions::compression {

class Coder {
 public:
  virtual ~Coder() = default;
  enum class Until : uint8_t {
    kMore,   // more will come; what is known already may be kept back
    kFlush,  // more will come, and the peer can read all that was given so far
    kEnd,    // nothing more comes
  };
  // Takes all of `in` and appends what comes of it to `out`. False when the bytes are damaged, or grow beyond what is
  // allowed; the coder is of no use after that.
  [[nodiscard]] virtual bool take(buffer::Buffer& in, buffer::Buffer& out, Until until) = 0;
};

class Library {
 public:
  virtual ~Library() = default;
  // Of Content-Encoding: "gzip", "br", "zstd".
  virtual std::string_view encoding() const = 0;
  virtual std::unique_ptr<Coder> make() const = 0;
};

}  // namespace weir::extensions::compression
