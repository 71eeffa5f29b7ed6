#include "source/extensions/plugins/schema.h"

#include <google/protobuf/descriptor.pb.h>

#include "absl/strings/str_cat.h"
#include "source/base/check.h"

namespace weir::extensions::plugins {
namespace {

class Errors final : public google::protobuf::DescriptorPool::ErrorCollector {
 public:
  void AddError(const std::string& file, const std::string& element, const google::protobuf::Message*, ErrorLocation,
                const std::string& message) override {
    absl::StrAppend(&text_, text_.empty() ? "" : "; ", file, ": ", element, ": ", message);
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

}  // namespace

Schema::Schema() : pool_(google::protobuf::DescriptorPool::generated_pool()), factory_(&pool_) {
  // Fields of types that weir has itself are of its own classes.
  factory_.SetDelegateToGeneratedFactory(true);
}

absl::StatusOr<std::unique_ptr<Schema>> Schema::read(std::string_view descriptor_set) {
  google::protobuf::FileDescriptorSet set;
  if (!set.ParseFromArray(descriptor_set.data(), static_cast<int>(descriptor_set.size()))) {
    return absl::InvalidArgumentError("its descriptor set is no google.protobuf.FileDescriptorSet");
  }
  std::unique_ptr<Schema> schema(new Schema);
  for (const auto& file : set.file()) {
    if (google::protobuf::DescriptorPool::generated_pool()->FindFileByName(file.name()) != nullptr) continue;
    if (schema->pool_.FindFileByName(file.name()) != nullptr) continue;
    Errors errors;
    if (schema->pool_.BuildFileCollectingErrors(file, &errors) == nullptr) {
      return absl::InvalidArgumentError(absl::StrCat("its descriptor set is wrong: ", errors.text()));
    }
  }
  return schema;
}

const google::protobuf::Descriptor* Schema::find(std::string_view type) const {
  return pool_.FindMessageTypeByName(std::string(type));
}

std::unique_ptr<google::protobuf::Message> Schema::make(std::string_view type) {
  const google::protobuf::Descriptor* const descriptor = find(type);
  CHECK(descriptor != nullptr, "a module has checked that its types are in its schema");
  return std::unique_ptr<google::protobuf::Message>(factory_.GetPrototype(descriptor)->New());
}

}  // namespace weir::extensions::plugins
