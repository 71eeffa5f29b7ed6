#include "source/extensions/messages/unpack_any.h"

#include <google/protobuf/any.pb.h>
#include <google/protobuf/message.h>

#include "absl/strings/str_cat.h"
#include "source/base/strings.h"

namespace weir::extensions {

std::string_view anyType(const google::protobuf::Any& any) {
  const std::string_view url = any.type_url();
  const size_t slash = url.rfind('/');
  return slash == std::string_view::npos ? url : url.substr(slash + 1);
}

bool isKnownType(const google::protobuf::Any& any) {
  return google::protobuf::DescriptorPool::generated_pool()->FindMessageTypeByName(std::string(anyType(any))) !=
         nullptr;
}

std::unique_ptr<google::protobuf::Message> unpackAny(const google::protobuf::Any& any, base::Diagnostics& diagnostics,
                                                     const base::FieldPath& path) {
  const std::string_view type = anyType(any);
  const google::protobuf::Descriptor* descriptor =
      google::protobuf::DescriptorPool::generated_pool()->FindMessageTypeByName(std::string(type));
  if (descriptor == nullptr) {
    diagnostics.error(path, type.empty() ? std::string("no @type; the type of the configuration must be named")
                                         : absl::StrCat("unknown type '", base::av(type), "'"));
    return nullptr;
  }
  std::unique_ptr<google::protobuf::Message> message(
      google::protobuf::MessageFactory::generated_factory()->GetPrototype(descriptor)->New());
  if (!message->ParseFromString(any.value())) {
    diagnostics.error(path, absl::StrCat("the bytes are not a ", base::av(type)));
    return nullptr;
  }
  return message;
}

}  // namespace weir::extensions
