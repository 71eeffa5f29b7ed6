#include "source/extensions/messages/metadata.h"

#include <google/protobuf/struct.pb.h>

#include <map>
#include <utility>
#include <vector>

#include "envoy/config/core/v3/core.pb.h"
#include "source/filter/metadata_text.h"

namespace weir::extensions {
namespace {

using google::protobuf::Value;

}  // namespace

base::Metadata metadataValue(const Value& message) {
  switch (message.kind_case()) {
    case Value::kStringValue:
      return base::Metadata(message.string_value());
    case Value::kNumberValue:
      return base::Metadata::number(message.number_value());
    case Value::kBoolValue:
      return base::Metadata::boolean(message.bool_value());
    case Value::kStructValue:
      return metadataStruct(message.struct_value());
    case Value::kListValue: {
      std::vector<base::Metadata> items;
      for (const Value& item : message.list_value().values()) items.push_back(metadataValue(item));
      return base::Metadata::list(std::move(items));
    }
    case Value::kNullValue:
    case Value::KIND_NOT_SET:
      break;
  }
  return {};
}

base::Metadata metadataStruct(const google::protobuf::Struct& message) {
  base::Metadata out = base::Metadata::structure();
  for (const auto& [key, value] : message.fields()) out.field(key) = metadataValue(value);
  return out;
}

std::shared_ptr<const base::Metadata> compileMetadata(const envoy::config::core::v3::Metadata& message) {
  if (message.filter_metadata().empty()) return nullptr;
  auto out = std::make_shared<base::Metadata>(base::Metadata::structure());
  for (const auto& [name, fields] : message.filter_metadata()) out->field(name) = metadataStruct(fields);
  return out;
}

std::string lbMetadataValue(const Value& value) {
  std::string out;
  filter::appendMetadataJson(metadataValue(value), out);
  return out;
}

upstream::lb::Metadata metadataPairs(const google::protobuf::Struct& message) {
  upstream::lb::Metadata metadata;
  const std::map<std::string, Value> sorted(message.fields().begin(), message.fields().end());
  for (const auto& [key, value] : sorted) metadata.emplace_back(key, lbMetadataValue(value));
  return metadata;
}

upstream::lb::Metadata lbMetadata(const envoy::config::core::v3::Metadata& message) {
  const auto at = message.filter_metadata().find("envoy.lb");
  return at == message.filter_metadata().end() ? upstream::lb::Metadata() : metadataPairs(at->second);
}

std::shared_ptr<const upstream::lb::Metadata> transportNotes(const envoy::config::core::v3::Metadata& message) {
  const auto at = message.filter_metadata().find("envoy.transport_socket_match");
  if (at == message.filter_metadata().end()) return nullptr;
  return std::make_shared<const upstream::lb::Metadata>(metadataPairs(at->second));
}

}  // namespace weir::extensions
