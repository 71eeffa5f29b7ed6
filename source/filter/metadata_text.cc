#include "source/filter/metadata_text.h"

#include <charconv>
#include <cmath>

#include "source/filter/json_text.h"

namespace weir::filter {
namespace {

using base::Metadata;

// Up to here every whole number is a double of its own, and is written without an exponent.
constexpr double kExactIntegers = 9007199254740992.0;

void appendQuoted(std::string_view text, std::string& out) {
  out += '"';
  appendJsonEscaped(text, out);
  out += '"';
}

void appendDouble(double number, std::string& out) {
  char digits[32];
  const bool whole = std::fabs(number) <= kExactIntegers && std::trunc(number) == number;
  const auto end = whole ? std::to_chars(digits, digits + sizeof(digits), static_cast<int64_t>(number)).ptr
                         : std::to_chars(digits, digits + sizeof(digits), number).ptr;
  out.append(digits, end);
}

}  // namespace

void appendMetadataJson(const Metadata& value, std::string& out) {
  switch (value.kind()) {
    case Metadata::Kind::kNull:
      out += "null";
      return;
    case Metadata::Kind::kBool:
      out += value.boolean() ? "true" : "false";
      return;
    case Metadata::Kind::kNumber:
      return appendDouble(value.number(), out);
    case Metadata::Kind::kString:
      return appendQuoted(value.text(), out);
    case Metadata::Kind::kList:
      out += '[';
      for (const Metadata& item : value.items()) {
        if (&item != &value.items().front()) out += ',';
        appendMetadataJson(item, out);
      }
      out += ']';
      return;
    case Metadata::Kind::kStruct:
      out += '{';
      for (const auto& field : value.fields()) {
        if (&field != &value.fields().front()) out += ',';
        appendQuoted(field.first, out);
        out += ':';
        appendMetadataJson(field.second, out);
      }
      out += '}';
      return;
  }
}

void appendMetadataText(const Metadata& value, std::string& out) {
  if (value.kind() == Metadata::Kind::kString) {
    out += value.text();
  } else {
    appendMetadataJson(value, out);
  }
}

}  // namespace weir::filter
