#include "source/extensions/filters/http/grpc_web/base64.h"

#include <array>
#include <cstddef>

namespace weir::extensions::grpc_web {
namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr int8_t kNotADigit = -1;

constexpr std::array<int8_t, 256> makeValues() {
  std::array<int8_t, 256> values{};
  for (int8_t& value : values) value = kNotADigit;
  for (size_t i = 0; i < kAlphabet.size(); ++i) {
    values[static_cast<unsigned char>(kAlphabet[i])] = static_cast<int8_t>(i);
  }
  return values;
}
constexpr std::array<int8_t, 256> kValues = makeValues();

// Collects output on the stack, so that a buffer is appended to in pieces worth it.
class Gather {
 public:
  explicit Gather(buffer::Buffer& out) : out_(out) {}
  ~Gather() { flush(); }
  void add(char c) {
    if (size_ == sizeof(bytes_)) flush();
    bytes_[size_++] = c;
  }

 private:
  void flush() {
    if (size_ > 0) out_.append(std::string_view(bytes_, size_));
    size_ = 0;
  }
  buffer::Buffer& out_;
  size_t size_ = 0;
  char bytes_[1024];
};

char digit(uint32_t bits, int shift) { return kAlphabet[bits >> shift & 63]; }

}  // namespace

bool Base64Decoder::decode(std::string_view text, buffer::Buffer& out) {
  Gather gather(out);
  for (const char c : text) {
    if (c == '=') {
      if (digits_ < 2) return false;
      ++padding_;
      bits_ <<= 6;
    } else {
      const int8_t value = kValues[static_cast<unsigned char>(c)];
      if (value == kNotADigit || padding_ > 0) return false;
      bits_ = bits_ << 6 | static_cast<uint32_t>(value);
    }
    if (++digits_ < 4) continue;
    // Bits that padding leaves over must be zero, or two texts would mean the same.
    if ((bits_ & ((uint32_t{1} << (8 * padding_)) - 1)) != 0) return false;
    for (int i = 0; i < 3 - padding_; ++i) gather.add(static_cast<char>(bits_ >> (16 - 8 * i) & 0xff));
    bits_ = 0;
    digits_ = padding_ = 0;
  }
  return true;
}

void Base64Encoder::encode(std::string_view bytes, buffer::Buffer& out) {
  Gather gather(out);
  for (const char c : bytes) {
    bits_ = bits_ << 8 | static_cast<unsigned char>(c);
    if (++bytes_ < 3) continue;
    for (int shift = 18; shift >= 0; shift -= 6) gather.add(digit(bits_, shift));
    bits_ = 0;
    bytes_ = 0;
  }
}

void Base64Encoder::finish(buffer::Buffer& out) {
  if (bytes_ == 0) return;
  const uint32_t bits = bits_ << (bytes_ == 1 ? 16 : 8);
  const char group[4] = {digit(bits, 18), digit(bits, 12), bytes_ == 1 ? '=' : digit(bits, 6), '='};
  out.append(std::string_view(group, sizeof(group)));
  bits_ = 0;
  bytes_ = 0;
}

}  // namespace weir::extensions::grpc_web
