#include "source/http/h2/hpack_encoder.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "source/base/check.h"
#include "source/http/field_rules.h"
#include "source/http/h2/huffman.h"

namespace weir::http::h2 {
namespace {

constexpr uint32_t kDefaultTable = 4096;

// Values that are another each time: not worth remembering.
constexpr HeaderIds kVolatile = headerBit(HeaderId::kContentLength) | headerBit(HeaderId::kXRequestId) |
                                headerBit(HeaderId::kXEnvoyUpstreamServiceTime) | headerBit(HeaderId::kAge);
constexpr HeaderIds kSecret = headerBit(HeaderId::kAuthorization) | headerBit(HeaderId::kSetCookie);
// A cookie as short as this could be found out byte by byte from what the table makes of guesses at it.
constexpr size_t kShortCookie = 20;

bool isSecret(const HpackField& field) {
  if (contains(kSecret, field.id)) return true;
  return field.id == HeaderId::kCookie && field.value.size() < kShortCookie;
}

char* writeNumber(char* out, uint8_t first, unsigned prefix, size_t number) {
  const size_t mask = (1u << prefix) - 1;
  if (number < mask) {
    *out++ = static_cast<char>(first | number);
    return out;
  }
  *out++ = static_cast<char>(first | mask);
  for (number -= mask; number >= 128; number >>= 7) *out++ = static_cast<char>(0x80 | (number & 0x7f));
  *out++ = static_cast<char>(number);
  return out;
}

// Coded where that is shorter.
char* writeString(char* out, std::string_view text) {
  const size_t coded = huffmanSize(text);
  if (coded < text.size()) return huffmanEncode(text, writeNumber(out, 0x80, 7, coded));
  out = writeNumber(out, 0, 7, text.size());
  return std::copy(text.begin(), text.end(), out);
}

uint64_t load(const char* at, size_t bytes) {
  uint64_t value = 0;
  std::memcpy(&value, at, bytes);
  return value;
}

// Of the ends and the length alone: what differs in the middle only shares a place, which costs a few bytes sent.
uint64_t mix(uint64_t hash, std::string_view text) {
  const size_t n = std::min<size_t>(text.size(), 8);
  if (n > 0) {
    hash ^= load(text.data(), n);
    hash *= 0x9e3779b97f4a7c15;
    hash ^= load(text.data() + text.size() - n, n) + (hash >> 29);
  }
  return (hash ^ text.size()) * 0xd6e8feb86659fd93;
}

uint64_t hashOf(const HpackField& field) {
  const uint64_t name = static_cast<uint64_t>(field.id) << 8 | static_cast<uint64_t>(field.pseudo);
  const bool known = field.id != HeaderId::kOther || field.pseudo != Pseudo::kNone;
  const uint64_t hash = mix(known ? name : mix(name, field.name), field.value);
  return hash ^ hash >> 32;
}

}  // namespace

HpackEncoder::HpackEncoder(SessionMemory& memory, uint32_t own_most)
    : memory_(memory),
      table_(memory, std::min(own_most, kDefaultTable)),
      own_most_(own_most),
      least_(table_.maxSize()),
      resized_(own_most < kDefaultTable) {}

void HpackEncoder::setPeerLimit(uint32_t bytes) {
  const uint32_t size = std::min(bytes, own_most_);
  if (size == table_.maxSize()) return;
  least_ = resized_ ? std::min(least_, size) : size;
  resized_ = true;
  table_.setMaxSize(size);
}

// RFC 7541 4.2: the smallest size since the last section, and then the one that holds.
char* HpackEncoder::begin(char* out) {
  if (!resized_) return out;
  resized_ = false;
  if (least_ < table_.maxSize()) out = writeNumber(out, 0x20, 5, least_);
  return writeNumber(out, 0x20, 5, table_.maxSize());
}

bool HpackEncoder::alive(uint16_t serial, size_t& age) const {
  age = static_cast<uint16_t>(serial_ - serial);
  return age < table_.count();
}

HpackEncoder::Verdict HpackEncoder::judge(const HpackField& field) {
  const uint64_t hash = hashOf(field);
  if (seen_ == nullptr) {
    seen_ = static_cast<Traces*>(memory_.allocateZeroed(sizeof(Traces)));
    CHECK(seen_ != nullptr, "there is memory for what was sent");
  }
  auto& set = (*seen_)[hash % kSets];
  const auto print = static_cast<uint16_t>(hash >> 16 | 1);
  for (Trace& trace : set) {
    if (trace.print != print) continue;
    judged_ = &trace;
    size_t age = 0;
    if (!alive(trace.serial, age)) return {Action::kAdd};
    const HpackField held = table_.at(age);
    const bool same = held.id == field.id && held.pseudo == field.pseudo && held.value == field.value &&
                      (field.id != HeaderId::kOther || held.name == field.name);
    return same ? Verdict{Action::kIndex, age} : Verdict{Action::kPlain};
  }
  // Takes the place of one that is not in the table, or of the older one.
  size_t ages[kWays];
  for (size_t i = 0; i < kWays; ++i) {
    if (set[i].print == 0 || !alive(set[i].serial, ages[i])) ages[i] = SIZE_MAX;
  }
  Trace& place = set[ages[1] > ages[0] ? 1 : 0];
  // Far from every field that the table can hold.
  place = {print, static_cast<uint16_t>(serial_ + 0x8000)};
  return {Action::kPlain};
}

size_t HpackEncoder::nameIndex(const HpackField& field) const {
  if (field.pseudo != Pseudo::kNone) return staticIndex(field.pseudo);
  if (field.id == HeaderId::kOther) return 0;
  if (const size_t index = staticIndex(field.id); index != 0) return index;
  for (const NameTrace& trace : names_) {
    size_t age = 0;
    if (trace.id != field.id || !alive(trace.serial, age)) continue;
    if (table_.at(age).id == field.id) return kStaticFields + 1 + age;
  }
  return 0;
}

void HpackEncoder::insert(const HpackField& field) {
  if (!table_.add(field)) return;
  ++serial_;
  if (judged_ != nullptr) judged_->serial = serial_;
  if (field.id == HeaderId::kOther || staticIndex(field.id) != 0) return;
  for (NameTrace& trace : names_) {
    if (trace.id != field.id) continue;
    trace.serial = serial_;
    return;
  }
  names_[next_name_] = {field.id, serial_};
  next_name_ = static_cast<uint8_t>((next_name_ + 1) % names_.size());
}

char* HpackEncoder::literal(char* out, uint8_t first, unsigned prefix, const HpackField& field, size_t name_index) {
  out = writeNumber(out, first, prefix, name_index);
  if (name_index == 0) out = writeString(out, field.name);
  return writeString(out, field.value);
}

char* HpackEncoder::addField(char* out, const HpackField& field, size_t name_index) {
  if (isSecret(field)) return literal(out, 0x10, 4, field, name_index);
  judged_ = nullptr;
  // A field larger than the table would empty it; one nearly as large is not worth the others.
  const size_t bytes = field.name.size() + field.value.size() + kFieldOverhead;
  const bool fits = bytes <= table_.maxSize() / 4 * 3;
  Verdict verdict{Action::kPlain};
  if (fits && field.pseudo != Pseudo::kPath && !contains(kVolatile, field.id)) verdict = judge(field);
  // A known name that the peer has no number for yet gets one.
  const bool nameless = fits && name_index == 0 && field.id != HeaderId::kOther;
  if (verdict.action == Action::kIndex) return writeNumber(out, 0x80, 7, kStaticFields + 1 + verdict.age);
  if (verdict.action == Action::kPlain && !nameless) return literal(out, 0, 4, field, name_index);
  out = literal(out, 0x40, 6, field, name_index);
  insert(field);
  return out;
}

char* HpackEncoder::add(char* out, Pseudo pseudo, std::string_view value) {
  HpackField field;
  field.pseudo = pseudo;
  field.value = value;
  const size_t index = staticIndex(pseudo);
  if (index == 0) {
    field.name = ":protocol";
    return addField(out, field, 0);
  }
  for (size_t i = index; i <= kStaticFields && staticField(i).pseudo == pseudo; ++i) {
    if (staticField(i).value == value && !value.empty()) return writeNumber(out, 0x80, 7, i);
  }
  field.name = staticField(index).name;
  return addField(out, field, index);
}

char* HpackEncoder::add(char* out, HeaderId id, std::string_view name, std::string_view value) {
  HpackField field;
  field.id = id;
  field.name = name;
  field.value = value;
  if (id == HeaderId::kAcceptEncoding && value == staticField(staticIndex(id)).value) {
    return writeNumber(out, 0x80, 7, staticIndex(id));
  }
  return addField(out, field, nameIndex(field));
}

}  // namespace weir::http::h2
