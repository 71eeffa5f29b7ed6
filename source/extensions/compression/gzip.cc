#include "source/extensions/compression/gzip.h"

#include <zlib.h>

#include <string_view>

#include "source/base/check.h"

namespace weir::extensions::compression {
namespace {

constexpr int kGzipFrame = 16;  // added to the window bits

class Gzip final : public Coder {
 public:
  explicit Gzip(const GzipOptions& options) : chunk_bytes_(options.chunk_bytes) {
    const int result = deflateInit2(&stream_, options.level, Z_DEFLATED, options.window_bits + kGzipFrame,
                                    options.memory_level, options.strategy);
    CHECK(result == Z_OK, "zlib takes options in the bounds that are checked at load");
  }
  ~Gzip() override { deflateEnd(&stream_); }

  bool take(buffer::Buffer& in, buffer::Buffer& out, Until until) override {
    while (!in.empty()) {
      const std::string_view piece = in.front();
      stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(piece.data()));
      stream_.avail_in = static_cast<uInt>(piece.size());
      run(out, Z_NO_FLUSH);
      in.drain(piece.size());
    }
    stream_.avail_in = 0;
    if (until == Until::kFlush) run(out, Z_SYNC_FLUSH);
    if (until == Until::kEnd) run(out, Z_FINISH);
    return true;
  }

 private:
  // Until zlib has nothing more to say, which it shows by leaving room.
  void run(buffer::Buffer& out, int flush) {
    do {
      iovec room{};
      out.reserve(chunk_bytes_, {&room, 1});
      stream_.next_out = static_cast<Bytef*>(room.iov_base);
      stream_.avail_out = static_cast<uInt>(room.iov_len);
      deflate(&stream_, flush);
      out.commit(room.iov_len - stream_.avail_out);
    } while (stream_.avail_out == 0);
  }

  z_stream stream_{};
  const size_t chunk_bytes_;
};

class Gunzip final : public Coder {
 public:
  explicit Gunzip(const GunzipOptions& options) : options_(options) {
    const int result = inflateInit2(&stream_, options.window_bits + kGzipFrame);
    CHECK(result == Z_OK, "zlib takes options in the bounds that are checked at load");
  }
  ~Gunzip() override { inflateEnd(&stream_); }

  bool take(buffer::Buffer& in, buffer::Buffer& out, Until until) override {
    while (!in.empty()) {
      const std::string_view piece = in.front();
      if (ended_) return false;  // something behind the end
      stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(piece.data()));
      stream_.avail_in = static_cast<uInt>(piece.size());
      if (!run(out)) return false;
      const size_t taken = piece.size() - stream_.avail_in;
      in.drain(taken);
    }
    return until != Until::kEnd || ended_ || stream_.total_in == 0;
  }

 private:
  bool run(buffer::Buffer& out) {
    do {
      iovec room{};
      out.reserve(options_.chunk_bytes, {&room, 1});
      stream_.next_out = static_cast<Bytef*>(room.iov_base);
      stream_.avail_out = static_cast<uInt>(room.iov_len);
      const int result = inflate(&stream_, Z_NO_FLUSH);
      out.commit(room.iov_len - stream_.avail_out);
      if (result == Z_STREAM_END) ended_ = true;
      if (result != Z_OK && result != Z_BUF_ERROR && result != Z_STREAM_END) return false;
      if (stream_.total_out > stream_.total_in * options_.max_ratio) return false;
    } while (!ended_ && stream_.avail_out == 0);
    return true;
  }

  z_stream stream_{};
  const GunzipOptions options_;
  bool ended_ = false;
};

class GzipLibrary final : public Library {
 public:
  explicit GzipLibrary(const GzipOptions& options) : options_(options) {}
  std::string_view encoding() const override { return "gzip"; }
  std::unique_ptr<Coder> make() const override { return std::make_unique<Gzip>(options_); }

 private:
  const GzipOptions options_;
};

class GunzipLibrary final : public Library {
 public:
  explicit GunzipLibrary(const GunzipOptions& options) : options_(options) {}
  std::string_view encoding() const override { return "gzip"; }
  std::unique_ptr<Coder> make() const override { return std::make_unique<Gunzip>(options_); }

 private:
  const GunzipOptions options_;
};

}  // namespace

std::unique_ptr<const Library> gzipLibrary(const GzipOptions& options) {
  return std::make_unique<GzipLibrary>(options);
}
std::unique_ptr<const Library> gunzipLibrary(const GunzipOptions& options) {
  return std::make_unique<GunzipLibrary>(options);
}

}  // namespace weir::extensions::compression
