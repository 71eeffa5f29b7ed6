#include "source/extensions/compression/brotli.h"

#include <brotli/encode.h>

#include <string_view>

#include "source/base/check.h"

namespace weir::extensions::compression {
namespace {

class Brotli final : public Coder {
 public:
  explicit Brotli(const BrotliOptions& options)
      : state_(BrotliEncoderCreateInstance(nullptr, nullptr, nullptr)), chunk_bytes_(options.chunk_bytes) {
    CHECK(state_ != nullptr, "the allocator throws before it gives nothing");
    BrotliEncoderSetParameter(state_, BROTLI_PARAM_QUALITY, options.quality);
    BrotliEncoderSetParameter(state_, BROTLI_PARAM_MODE, options.mode);
    BrotliEncoderSetParameter(state_, BROTLI_PARAM_LGWIN, options.window_bits);
    BrotliEncoderSetParameter(state_, BROTLI_PARAM_LGBLOCK, options.input_block_bits);
    BrotliEncoderSetParameter(state_, BROTLI_PARAM_DISABLE_LITERAL_CONTEXT_MODELING,
                              options.no_literal_context ? 1 : 0);
  }
  ~Brotli() override { BrotliEncoderDestroyInstance(state_); }

  bool take(buffer::Buffer& in, buffer::Buffer& out, Until until) override {
    while (!in.empty()) {
      const std::string_view piece = in.front();
      run(piece, out, BROTLI_OPERATION_PROCESS);
      in.drain(piece.size());
    }
    if (until == Until::kFlush) run("", out, BROTLI_OPERATION_FLUSH);
    if (until == Until::kEnd) run("", out, BROTLI_OPERATION_FINISH);
    return true;
  }

 private:
  void run(std::string_view bytes, buffer::Buffer& out, BrotliEncoderOperation operation) {
    const auto* next_in = reinterpret_cast<const uint8_t*>(bytes.data());
    size_t left_in = bytes.size();
    do {
      iovec room{};
      out.reserve(chunk_bytes_, {&room, 1});
      auto* next_out = static_cast<uint8_t*>(room.iov_base);
      size_t left_out = room.iov_len;
      const bool ok =
          BrotliEncoderCompressStream(state_, operation, &left_in, &next_in, &left_out, &next_out, nullptr) != 0;
      out.commit(room.iov_len - left_out);
      CHECK(ok, "the encoder refuses only calls that are out of order");
    } while (left_in > 0 || BrotliEncoderHasMoreOutput(state_) != 0);
  }

  BrotliEncoderState* const state_;
  const size_t chunk_bytes_;
};

class BrotliLibrary final : public Library {
 public:
  explicit BrotliLibrary(const BrotliOptions& options) : options_(options) {}
  std::string_view encoding() const override { return "br"; }
  std::unique_ptr<Coder> make() const override { return std::make_unique<Brotli>(options_); }

 private:
  const BrotliOptions options_;
};

}  // namespace

std::unique_ptr<const Library> brotliLibrary(const BrotliOptions& options) {
  return std::make_unique<BrotliLibrary>(options);
}

}  // namespace weir::extensions::compression
