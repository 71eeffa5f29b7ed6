// Schema: the message types that a plugin brings for its configurations, as a descriptor pool of their own on top of
// the types that weir has. Made when the plugin is loaded; owned by its Module; main thread.
#pragma once

#include <google/protobuf/descriptor.h>
#include <google/protobuf/dynamic_message.h>

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace weir::extensions::plugins {

class Schema {
 public:
  // `descriptor_set`: a serialised google.protobuf.FileDescriptorSet. The error says what is wrong with it.
  static absl::StatusOr<std::unique_ptr<Schema>> read(std::string_view descriptor_set);

  // Null when there is no message of that full name.
  const google::protobuf::Descriptor* find(std::string_view type) const;
  // `type` must be known. Must not outlive the schema.
  std::unique_ptr<google::protobuf::Message> make(std::string_view type);

 private:
  Schema();

  google::protobuf::DescriptorPool pool_;
  google::protobuf::DynamicMessageFactory factory_;
};

}  // namespace weir::extensions::plugins
