#include "source/extensions/messages/metadata.h"

#include <google/protobuf/struct.pb.h>

#include <map>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "envoy/config/core/v3/core.pb.h"

namespace weir::extensions {
namespace {

using google::protobuf::Value;
using FieldMap = google::protobuf::Map<std::string, Value>;

void write(const Value& value, std::string& out);

void writeObject(const FieldMap& fields, std::string& out) {
  const std::map<std::string, Value> sorted(fields.begin(), fields.end());
  out += '{';
  for (const auto& [key, value] : sorted) {
    absl::StrAppend(&out, out.back() == '{' ? "" : ",", "\"", absl::CHexEscape(key), "\":");
    write(value, out);
  }
  out += '}';
}

void write(const Value& value, std::string& out) {
  switch (value.kind_case()) {
    case Value::kStringValue:
      absl::StrAppend(&out, "\"", absl::CHexEscape(value.string_value()), "\"");
      break;
    case Value::kNumberValue:
      absl::StrAppend(&out, value.number_value());
      break;
    case Value::kBoolValue:
      out += value.bool_value() ? "true" : "false";
      break;
    case Value::kStructValue:
      writeObject(value.struct_value().fields(), out);
      break;
    case Value::kListValue:
      out += '[';
      for (int i = 0; i < value.list_value().values_size(); ++i) {
        if (i > 0) out += ',';
        write(value.list_value().values(i), out);
      }
      out += ']';
      break;
    case Value::kNullValue:
    case Value::KIND_NOT_SET:
      out += "null";
      break;
  }
}

void addText(const std::string& path, const Value& value, base::MetadataText& out) {
  const bool text = value.kind_case() == Value::kStringValue;
  out.add(path, text ? value.string_value() : lbMetadataValue(value));
  for (const auto& [key, inner] : value.struct_value().fields()) addText(absl::StrCat(path, ":", key), inner, out);
}

}  // namespace

std::shared_ptr<const base::MetadataText> metadataText(const envoy::config::core::v3::Metadata& message) {
  if (message.filter_metadata().empty()) return nullptr;
  auto out = std::make_shared<base::MetadataText>();
  for (const auto& [name, fields] : message.filter_metadata()) {
    Value whole;
    *whole.mutable_struct_value() = fields;
    addText(name, whole, *out);
  }
  return out;
}

std::string lbMetadataValue(const Value& value) {
  std::string out;
  write(value, out);
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
