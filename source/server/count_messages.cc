#include "source/server/count_messages.h"

#include <google/protobuf/any.pb.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <vector>

#include "source/base/diagnostics.h"
#include "source/extensions/messages/unpack_any.h"

namespace weir::server {

size_t countMessages(const google::protobuf::Message& message, std::string_view type) {
  if (message.GetDescriptor()->full_name() == "google.protobuf.Any") {
    base::Diagnostics ignored;
    const auto& any = dynamic_cast<const google::protobuf::Any&>(message);
    const auto inner = extensions::unpackAny(any, ignored, base::FieldPath());
    return inner == nullptr ? 0 : countMessages(*inner, type);
  }
  size_t count = message.GetDescriptor()->full_name() == type ? 1 : 0;
  std::vector<const google::protobuf::FieldDescriptor*> fields;
  const google::protobuf::Reflection& reflection = *message.GetReflection();
  reflection.ListFields(message, &fields);
  for (const auto* const field : fields) {
    if (field->cpp_type() != google::protobuf::FieldDescriptor::CPPTYPE_MESSAGE) continue;
    if (!field->is_repeated()) {
      count += countMessages(reflection.GetMessage(message, field), type);
      continue;
    }
    for (int i = 0; i < reflection.FieldSize(message, field); ++i) {
      count += countMessages(reflection.GetRepeatedMessage(message, field, i), type);
    }
  }
  return count;
}

}  // namespace weir::server
