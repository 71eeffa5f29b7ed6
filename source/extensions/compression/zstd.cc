#include "source/extensions/compression/zstd.h"

#include <zstd.h>

#include <string_view>

#include "source/base/check.h"

namespace weir::extensions::compression {
namespace {

class Zstd final : public Coder {
 public:
  explicit Zstd(const ZstdOptions& options) : context_(ZSTD_createCCtx()), chunk_bytes_(options.chunk_bytes) {
    CHECK(context_ != nullptr, "the allocator throws before it gives nothing");
    set(ZSTD_c_compressionLevel, options.level);
    set(ZSTD_c_checksumFlag, options.checksum ? 1 : 0);
    set(ZSTD_c_strategy, options.strategy);
  }
  ~Zstd() override { ZSTD_freeCCtx(context_); }

  bool take(buffer::Buffer& in, buffer::Buffer& out, Until until) override {
    while (!in.empty()) {
      const std::string_view piece = in.front();
      run(piece, out, ZSTD_e_continue);
      in.drain(piece.size());
    }
    if (until == Until::kFlush) run("", out, ZSTD_e_flush);
    if (until == Until::kEnd) run("", out, ZSTD_e_end);
    return true;
  }

 private:
  void set(ZSTD_cParameter parameter, int value) {
    CHECK(ZSTD_isError(ZSTD_CCtx_setParameter(context_, parameter, value)) == 0, "bounds are checked at load");
  }

  void run(std::string_view bytes, buffer::Buffer& out, ZSTD_EndDirective directive) {
    ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
    bool more = true;
    while (more) {
      iovec room{};
      out.reserve(chunk_bytes_, {&room, 1});
      ZSTD_outBuffer to{room.iov_base, room.iov_len, 0};
      const size_t left = ZSTD_compressStream2(context_, &to, &in, directive);
      out.commit(to.pos);
      CHECK(ZSTD_isError(left) == 0, "compressing fails only on calls that are out of order");
      more = directive == ZSTD_e_continue ? in.pos < in.size : left > 0;
    }
  }

  ZSTD_CCtx* const context_;
  const size_t chunk_bytes_;
};

class ZstdLibrary final : public Library {
 public:
  explicit ZstdLibrary(const ZstdOptions& options) : options_(options) {}
  std::string_view encoding() const override { return "zstd"; }
  std::unique_ptr<Coder> make() const override { return std::make_unique<Zstd>(options_); }

 private:
  const ZstdOptions options_;
};

}  // namespace

std::unique_ptr<const Library> zstdLibrary(const ZstdOptions& options) {
  return std::make_unique<ZstdLibrary>(options);
}

int zstdMaxLevel() { return ZSTD_maxCLevel(); }

}  // namespace weir::extensions::compression
