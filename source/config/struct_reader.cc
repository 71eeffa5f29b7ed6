#include "source/config/struct_reader.h"

#include <google/protobuf/struct.pb.h>

#include <limits>

#include "absl/strings/numbers.h"

namespace weir::config {

void toStruct(const Value& value, google::protobuf::Value& out) {
  double number = 0;
  switch (value.kind) {
    case Value::Kind::kNull:
      out.set_null_value(google::protobuf::NULL_VALUE);
      return;
    case Value::Kind::kBool:
      out.set_bool_value(value.boolean);
      return;
    case Value::Kind::kInteger:
      if (value.integer >= std::numeric_limits<int32_t>::min() &&
          value.integer <= std::numeric_limits<int32_t>::max()) {
        out.set_number_value(static_cast<double>(value.integer));
      } else {
        out.set_string_value(value.text);
      }
      return;
    case Value::Kind::kFloat:
      if (absl::SimpleAtod(value.text, &number)) out.set_number_value(number);
      return;
    case Value::Kind::kString:
      out.set_string_value(value.text);
      return;
    case Value::Kind::kList:
      out.mutable_list_value();
      for (const Value& item : value.items) toStruct(item, *out.mutable_list_value()->add_values());
      return;
    case Value::Kind::kMap:
      out.mutable_struct_value();
      for (const Entry& entry : value.entries) {
        toStruct(entry.value, (*out.mutable_struct_value()->mutable_fields())[entry.key]);
      }
      return;
  }
}

}  // namespace weir::config
