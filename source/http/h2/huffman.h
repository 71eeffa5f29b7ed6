// The Huffman code of HPACK (RFC 7541 section 5.2 and appendix B). Free functions over text; nothing is kept.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace weir::http::h2 {

// Bytes that `text` takes when it is coded.
size_t huffmanSize(std::string_view text);
// Writes the code of `text` to `out`, which has room for huffmanSize(text) bytes; returns the end of it.
char* huffmanEncode(std::string_view text, char* out);

// The shortest code has five bits.
constexpr size_t huffmanDecodedMost(size_t coded) { return coded * 8 / 5; }
// Writes what `coded` says to `out`, which has room for huffmanDecodedMost() bytes; returns how many they are. Nothing
// when it holds the end-of-string symbol, or ends in more than seven bits of padding or in padding other than ones.
std::optional<size_t> huffmanDecode(std::string_view coded, char* out);

}  // namespace weir::http::h2
