#include "source/http/h1/field_writer.h"

#include <charconv>
#include <cstring>

#include "source/http/field_rules.h"
#include "source/http/scan.h"

namespace weir::http::h1 {

void FieldWriter::text(std::string_view text) {
  if (text.size() > gathered_.size() - size_) {
    flush();
    if (text.size() > gathered_.size()) {
      out_.append(text);
      return;
    }
  }
  if (text.empty()) return;  // its data may be null, which memcpy must not be given
  std::memcpy(gathered_.data() + size_, text.data(), text.size());
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
  text(name);
  text(": ");
  text(value);
  text("\r\n");
}

void FieldWriter::checked(const Field& field) {
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
