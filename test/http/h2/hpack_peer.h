// The HPACK of nghttp2, as an independent peer for ours: a deflater and an inflater that keep their own tables.
#pragma once

#include <nghttp2/nghttp2.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir::http::h2 {

using Pairs = std::vector<std::pair<std::string, std::string>>;

class Deflater {
 public:
  explicit Deflater(size_t table = 4096) { nghttp2_hd_deflate_new(&deflater_, table); }
  ~Deflater() { nghttp2_hd_deflate_del(deflater_); }
  Deflater(const Deflater&) = delete;
  Deflater& operator=(const Deflater&) = delete;

  void resize(size_t table) { nghttp2_hd_deflate_change_table_size(deflater_, table); }
  std::string deflate(const Pairs& fields);

 private:
  nghttp2_hd_deflater* deflater_ = nullptr;
};

class Inflater {
 public:
  Inflater() { nghttp2_hd_inflate_new(&inflater_); }
  ~Inflater() { nghttp2_hd_inflate_del(inflater_); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  void resize(size_t table) { nghttp2_hd_inflate_change_table_size(inflater_, table); }
  // Nothing when the block is wrong.
  std::optional<Pairs> inflate(std::string_view block);

 private:
  nghttp2_hd_inflater* inflater_ = nullptr;
};

}  // namespace weir::http::h2
