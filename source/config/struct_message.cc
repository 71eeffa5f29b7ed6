#include "source/config/struct_message.h"

#include <google/protobuf/message.h>
#include <google/protobuf/struct.pb.h>

#include <cmath>

#include "absl/strings/str_cat.h"
#include "source/config/proto_reader.h"
#include "source/config/source_map.h"
#include "source/config/validator.h"
#include "source/config/value.h"

namespace weir::config {
namespace {

using StructValue = google::protobuf::Value;

Value valueOf(const StructValue& from);

Value mapOf(const google::protobuf::Struct& from) {
  Value value;
  value.kind = Value::Kind::kMap;
  for (const auto& [key, inner] : from.fields()) value.entries.push_back({key, {}, valueOf(inner)});
  return value;
}

// The numbers of a Struct are all doubles; those that are whole were written as such.
Value numberOf(double number) {
  Value value;
  value.kind = Value::Kind::kFloat;
  if (std::nearbyint(number) == number && std::fabs(number) < 9e15) {
    value.kind = Value::Kind::kInteger;
    value.integer = static_cast<int64_t>(number);
    value.text = absl::StrCat(value.integer);
    return value;
  }
  value.text = absl::StrCat(number);
  return value;
}

Value valueOf(const StructValue& from) {
  Value value;
  switch (from.kind_case()) {
    case StructValue::kBoolValue:
      value.kind = Value::Kind::kBool;
      value.boolean = from.bool_value();
      value.text = value.boolean ? "true" : "false";
      return value;
    case StructValue::kNumberValue:
      return numberOf(from.number_value());
    case StructValue::kStringValue:
      value.kind = Value::Kind::kString;
      value.text = from.string_value();
      return value;
    case StructValue::kListValue:
      value.kind = Value::Kind::kList;
      for (const StructValue& item : from.list_value().values()) value.items.push_back(valueOf(item));
      return value;
    case StructValue::kStructValue:
      return mapOf(from.struct_value());
    default:
      return value;
  }
}

}  // namespace

void readStruct(const google::protobuf::Struct& from, google::protobuf::Message& out, base::Diagnostics& diagnostics,
                const base::FieldPath& path) {
  SourceMap places;
  base::Diagnostics found;
  ProtoReader(places, found).read(mapOf(from), places.addFile(""), out, nullptr);
  Validator(found).check(out);
  for (const base::Diagnostic& one : found.all()) {
    const base::FieldPath inner = path.at(one.path);
    const base::FieldPath& where = one.path.empty() ? path : inner;
    if (one.severity == base::Diagnostic::Severity::kError) {
      diagnostics.error(where, one.message);
    } else {
      diagnostics.warning(where, one.message);
    }
  }
}

}  // namespace weir::config
