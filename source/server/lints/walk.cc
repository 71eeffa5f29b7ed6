#include "source/server/lints/walk.h"

#include <google/protobuf/any.pb.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <string>
#include <vector>

#include "source/extensions/messages/unpack_any.h"

namespace weir::server {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

void seeField(const Message& message, const FieldDescriptor& field, const base::FieldPath& path,
              const SeeMessage& see) {
  const google::protobuf::Reflection& reflection = *message.GetReflection();
  if (!field.is_repeated()) return forEachMessage(reflection.GetMessage(message, &field), path.at(field.name()), see);
  for (int i = 0; i < reflection.FieldSize(message, &field); ++i) {
    const Message& one = reflection.GetRepeatedMessage(message, &field, i);
    if (!field.is_map()) {
      forEachMessage(one, path.at(field.name(), static_cast<size_t>(i)), see);
      continue;
    }
    const FieldDescriptor& key = *one.GetDescriptor()->map_key();
    const FieldDescriptor& value = *one.GetDescriptor()->map_value();
    if (value.cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE || key.cpp_type() != FieldDescriptor::CPPTYPE_STRING) {
      continue;
    }
    const std::string name = one.GetReflection()->GetString(one, &key);
    const base::FieldPath map = path.at(field.name());
    forEachMessage(one.GetReflection()->GetMessage(one, &value), map.key(name), see);
  }
}

}  // namespace

void forEachMessage(const Message& message, const base::FieldPath& path, const SeeMessage& see) {
  if (message.GetDescriptor()->full_name() == "google.protobuf.Any") {
    base::Diagnostics ignored;
    const auto inner = extensions::unpackAny(dynamic_cast<const google::protobuf::Any&>(message), ignored, path);
    if (inner != nullptr) forEachMessage(*inner, path, see);
    return;
  }
  see(message, path);
  std::vector<const FieldDescriptor*> fields;
  message.GetReflection()->ListFields(message, &fields);
  for (const FieldDescriptor* const field : fields) {
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) seeField(message, *field, path, see);
  }
}

}  // namespace weir::server
