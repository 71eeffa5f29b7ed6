#include "source/http/h1/field_writer.h"

#include <charconv>
#include <cstring>

#include "source/http/h1/scan.h"

namespace weir::http::h1 {
namespace {

constexpr uint64_t bit(HeaderId id) { return uint64_t{1} << static_cast<unsigned>(id); }

constexpr uint64_t kOfTheConnection = bit(HeaderId::kConnection) | bit(HeaderId::kContentLength) |
                                      bit(HeaderId::kKeepAlive) | bit(HeaderId::kProxyConnection) |
                                      bit(HeaderId::kTransferEncoding) | bit(HeaderId::kUpgrade);
constexpr uint64_t kNotInARequest = kOfTheConnection | bit(HeaderId::kHost) | bit(HeaderId::kExpect);
constexpr uint64_t kNotInTrailers = kNotInARequest | bit(HeaderId::kTe) | bit(HeaderId::kTrailer);

}  // namespace

void FieldWriter::text(std::string_view text) {
  if (text.size() > gathered_.size() - size_) {
    flush();
    if (text.size() > gathered_.size()) {
      out_.append(text);
      return;
    }
  }
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
  const uint64_t skipped = request ? kNotInARequest : kOfTheConnection;
  for (const Field& field : fields) {
    if ((skipped & bit(field.id)) == 0) checked(field);
  }
}

void FieldWriter::trailers(const HeaderMap& fields) {
  for (const Field& field : fields) {
    if ((kNotInTrailers & bit(field.id)) == 0) checked(field);
  }
}

void FieldWriter::flush() {
  if (ok_ && size_ > 0) out_.append(std::string_view(gathered_.data(), size_));
  size_ = 0;
}

}  // namespace weir::http::h1
