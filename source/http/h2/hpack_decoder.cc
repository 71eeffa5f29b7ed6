// representation                     first byte   RFC 7541
// indexed field                      1xxxxxxx     6.1
// literal with incremental indexing  01xxxxxx     6.2.1
// size update                        001xxxxx     6.3
// literal never indexed              0001xxxx     6.2.3
// literal without indexing           0000xxxx     6.2.2
#include "source/http/h2/hpack_decoder.h"

#include <algorithm>
#include <bit>
#include <optional>

#include "source/base/check.h"
#include "source/http/h2/huffman.h"

namespace weir::http::h2 {
namespace {

constexpr uint32_t kDefaultTable = 4096;
// Of one name or value as it is encoded. No head of the default limits has longer ones, and none that are refused for
// a greater length make weir hold more of them.
constexpr size_t kMaxString = 64 * 1024;
// Bytes behind the prefix of a number (5.1): four say more than any index, length or size that is taken.
constexpr unsigned kMaxNumberBytes = 4;

}  // namespace

char* HpackText::reserve(size_t bytes) {
  if (bytes_ - size_ < bytes) {
    const size_t larger = std::bit_ceil(std::max<size_t>(size_ + bytes, 256));
    auto* const memory = static_cast<char*>(memory_.allocate(larger));
    CHECK(memory != nullptr, "there is memory for a header section");
    std::copy_n(begin_, size_, memory);
    if (owned_) memory_.release(begin_);
    begin_ = memory;
    bytes_ = larger;
    owned_ = true;
  }
  return begin_ + size_;
}

size_t HpackText::keep(std::string_view text) {
  if (has(text)) {
    const size_t offset = static_cast<size_t>(text.data() - begin_);
    size_ = std::max(size_, offset + text.size());
    return offset;
  }
  std::copy(text.begin(), text.end(), reserve(text.size()));
  const size_t offset = size_;
  size_ += text.size();
  return offset;
}

HpackDecoder::HpackDecoder(SessionMemory& memory, uint32_t max_size, size_t copy_bytes)
    : table_(memory, kDefaultTable),
      announced_(max_size),
      limit_(std::max(max_size, kDefaultTable)),
      copy_bytes_(copy_bytes) {}

void HpackDecoder::begin() {
  may_resize_ = true;
  copied_ = 0;
}

// From now on the peer knows the size; one that is smaller than its own it must say in its next section (4.2).
void HpackDecoder::onAcknowledged() {
  limit_ = announced_;
  must_resize_ = table_.maxSize() > limit_;
}

size_t HpackDecoder::Coded::most() const { return huffman ? huffmanDecodedMost(bytes.size()) : 0; }

HpackDecoder::Step HpackDecoder::next(std::string_view& bytes, HpackText& text, HpackField& field) {
  while (!bytes.empty()) {
    const auto first = static_cast<unsigned char>(bytes.front());
    if ((first & 0xe0) == 0x20) {
      const Step step = resize(bytes);
      if (step != Step::kField) return step;
      continue;
    }
    if (must_resize_) return Step::kError;
    const Step step = (first & 0x80) != 0 ? indexed(bytes, field) : literal(bytes, text, field);
    if (step == Step::kField) may_resize_ = false;
    return step;
  }
  return Step::kMore;
}

HpackDecoder::Read HpackDecoder::readNumber(std::string_view& bytes, unsigned prefix, uint32_t& number) {
  if (bytes.empty()) return Read::kMore;
  const uint32_t mask = (1u << prefix) - 1;
  number = static_cast<unsigned char>(bytes.front()) & mask;
  if (number < mask) {
    bytes.remove_prefix(1);
    return Read::kDone;
  }
  for (unsigned i = 1; i <= kMaxNumberBytes; ++i) {
    if (i >= bytes.size()) return Read::kMore;
    const auto b = static_cast<unsigned char>(bytes[i]);
    number += static_cast<uint32_t>(b & 0x7f) << (7 * (i - 1));
    if ((b & 0x80) == 0) {
      bytes.remove_prefix(i + 1);
      return Read::kDone;
    }
  }
  return Read::kError;
}

HpackDecoder::Read HpackDecoder::readString(std::string_view& bytes, Coded& string) {
  if (bytes.empty()) return Read::kMore;
  string.huffman = (static_cast<unsigned char>(bytes.front()) & 0x80) != 0;
  uint32_t size = 0;
  if (const Read read = readNumber(bytes, 7, size); read != Read::kDone) return read;
  if (size > kMaxString) return Read::kError;
  if (bytes.size() < size) return Read::kMore;
  string.bytes = bytes.substr(0, size);
  bytes.remove_prefix(size);
  return Read::kDone;
}

bool HpackDecoder::decode(const Coded& string, char*& room, std::string_view& out) {
  if (!string.huffman) {
    out = string.bytes;
    return true;
  }
  const std::optional<size_t> size = huffmanDecode(string.bytes, room);
  if (!size) return false;
  out = std::string_view(room, *size);
  room += *size;
  return true;
}

bool HpackDecoder::lookUp(uint32_t index, HpackField& field) const {
  if (index == 0) return false;
  if (index <= kStaticFields) {
    field = staticField(index);
    return true;
  }
  const size_t age = index - kStaticFields - 1;
  if (age >= table_.count()) return false;
  field = table_.at(age);
  return true;
}

HpackDecoder::Step HpackDecoder::resize(std::string_view& bytes) {
  std::string_view rest = bytes;
  uint32_t size = 0;
  const Read read = readNumber(rest, 5, size);
  if (read == Read::kMore) return Step::kMore;
  if (read == Read::kError || !may_resize_ || size > limit_) return Step::kError;
  table_.setMaxSize(size);
  must_resize_ = false;
  bytes = rest;
  return Step::kField;
}

HpackDecoder::Step HpackDecoder::indexed(std::string_view& bytes, HpackField& field) {
  std::string_view rest = bytes;
  uint32_t index = 0;
  const Read read = readNumber(rest, 7, index);
  if (read == Read::kMore) return Step::kMore;
  if (read == Read::kError || !lookUp(index, field)) return Step::kError;
  bytes = rest;
  return Step::kField;
}

HpackDecoder::Step HpackDecoder::literal(std::string_view& bytes, HpackText& text, HpackField& field) {
  const auto step = [](Read read) { return read == Read::kMore ? Step::kMore : Step::kError; };
  const bool add = (static_cast<unsigned char>(bytes.front()) & 0xc0) == 0x40;
  std::string_view rest = bytes;
  uint32_t index = 0;
  Coded name;
  Coded value;
  Read read = readNumber(rest, add ? 6 : 4, index);
  if (read == Read::kDone && index == 0) read = readString(rest, name);
  if (read == Read::kDone) read = readString(rest, value);
  if (read != Read::kDone) return step(read);
  char* room = nullptr;
  if (const size_t most = name.most() + value.most(); most > 0) room = text.reserve(most);
  if (index != 0) {
    if (!lookUp(index, field)) return Step::kError;
    field.fixed_value = false;
  } else {
    field = HpackField{};
    if (!decode(name, room, field.name)) return Step::kError;
    resolveName(field);
  }
  if (!decode(value, room, field.value)) return Step::kError;
  field.good_value = isFieldValue(field.value);
  if (add && !insert(field)) return Step::kError;
  bytes = rest;
  return Step::kField;
}

bool HpackDecoder::insert(HpackField& field) {
  const bool of_table = !field.fixed_name && field.pseudo == Pseudo::kNone;
  if (of_table) {
    // A name of thousands of bytes costs the peer one.
    copied_ += field.name.size();
    if (copied_ > copy_bytes_) return false;
  }
  if (table_.add(field) && !field.fixed_name) field.name = table_.at(0).name;
  return true;
}

}  // namespace weir::http::h2
