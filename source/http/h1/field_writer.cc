#include "source/http/h1/field_writer.h"

#include <charconv>
#include <cstring>

#include "source/http/field_rules.h"
#include "source/http/scan.h"

namespace weir::http::h1 {

namespace {

// Copies a text that most often is short: two moves that overlap where a call of memcpy would cost more than the bytes.
inline char* put(char* to, std::string_view text) {
  const char* const from = text.data();
  const size_t size = text.size();
  if (size > 32) {
    std::memcpy(to, from, size);
  } else if (size >= 16) {
    std::memcpy(to, from, 16);
    std::memcpy(to + size - 16, from + size - 16, 16);
  } else if (size >= 8) {
    std::memcpy(to, from, 8);
    std::memcpy(to + size - 8, from + size - 8, 8);
  } else if (size >= 4) {
    std::memcpy(to, from, 4);
    std::memcpy(to + size - 4, from + size - 4, 4);
  } else if (size > 0) {
    to[0] = from[0];
    to[size / 2] = from[size / 2];
    to[size - 1] = from[size - 1];
  }
  return to + size;
}

}  // namespace

void FieldWriter::text(std::string_view text) {
  if (text.size() > gathered_.size() - size_) {
    flush();
    if (text.size() > gathered_.size()) {
      out_.append(text);
      return;
    }
  }
  put(gathered_.data() + size_, text);
  size_ += text.size();
}

void FieldWriter::number(uint64_t number) {
  char digits[20];
  const auto result = std::to_chars(digits, digits + sizeof(digits), number);
  text(std::string_view(digits, result.ptr - digits));
}

void FieldWriter::field(std::string_view name, std::string_view value) {
  if (findOutside(kValueBytes, value) != value.size()) {
    ok_ = false;
    return;
  }
  write(name, value);
}

void FieldWriter::write(std::string_view name, std::string_view value) {
  const size_t size = name.size() + value.size() + 4;
  if (size <= gathered_.size() - size_) {
    char* const to = gathered_.data() + size_;
    char* const colon = put(to, name);
    std::memcpy(colon, ": ", 2);
    std::memcpy(put(colon + 2, value), "\r\n", 2);
    size_ += size;
    return;
  }
  text(name);
  text(": ");
  text(value);
  text("\r\n");
}

void FieldWriter::checked(const Field& field) {
  if (field.parsed) return write(field.name, field.value);
  if (field.id == HeaderId::kOther &&
      (field.name.empty() || findOutside(kTokenBytes, field.name) != field.name.size())) {
    ok_ = false;
    return;
  }
  this->field(field.name, field.value);
}

void FieldWriter::fields(const HeaderMap& fields, bool request) {
  const HeaderIds skipped = request ? kNotInRequests : kConnectionFields;
  for (const Field& field : fields) {
    if (!contains(skipped, field.id)) checked(field);
  }
}

void FieldWriter::trailers(const HeaderMap& fields) {
  for (const Field& field : fields) {
    if (!contains(kNotInTrailers, field.id)) checked(field);
  }
}

void FieldWriter::flush() {
  if (ok_ && size_ > 0) out_.append(std::string_view(gathered_.data(), size_));
  size_ = 0;
}

}  // namespace weir::http::h1
