#include "test/http/h2/hpack_peer.h"

namespace weir::http::h2 {
namespace {

uint8_t* bytes(std::string_view text) { return reinterpret_cast<uint8_t*>(const_cast<char*>(text.data())); }

}  // namespace

std::string Deflater::deflate(const Pairs& fields) {
  std::vector<nghttp2_nv> list;
  for (const auto& [name, value] : fields) {
    list.push_back({bytes(name), bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE});
  }
  std::string out(nghttp2_hd_deflate_bound(deflater_, list.data(), list.size()), '\0');
  const ssize_t n = nghttp2_hd_deflate_hd(deflater_, bytes(out), out.size(), list.data(), list.size());
  out.resize(n < 0 ? 0 : static_cast<size_t>(n));
  return out;
}

std::optional<Pairs> Inflater::inflate(std::string_view block) {
  Pairs fields;
  for (;;) {
    nghttp2_nv field;
    int flags = 0;
    const ssize_t n = nghttp2_hd_inflate_hd2(inflater_, &field, &flags, bytes(block), block.size(), 1);
    if (n < 0) return std::nullopt;
    block.remove_prefix(static_cast<size_t>(n));
    if ((flags & NGHTTP2_HD_INFLATE_EMIT) != 0) {
      fields.emplace_back(std::string(reinterpret_cast<char*>(field.name), field.namelen),
                          std::string(reinterpret_cast<char*>(field.value), field.valuelen));
    }
    if ((flags & NGHTTP2_HD_INFLATE_FINAL) != 0) {
      nghttp2_hd_inflate_end_headers(inflater_);
      return fields;
    }
    if ((flags & NGHTTP2_HD_INFLATE_EMIT) == 0 && block.empty()) return std::nullopt;
  }
}

}  // namespace weir::http::h2
