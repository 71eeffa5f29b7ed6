#include "source/config/dump.h"

#include <google/protobuf/any.pb.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/duration.pb.h>
#include <google/protobuf/message.h>
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "source/base/strings.h"

namespace weir::config {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::DynamicCastToGenerated;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

// Plain only where no reader could take it for a number, a boolean, null or syntax.
bool isPlain(std::string_view text) {
  if (text.empty() || text.size() > 200 || !absl::ascii_isalpha(text.front())) return false;
  for (const char c : text) {
    if (!absl::ascii_isalnum(c) && std::string_view("_-./@").find(c) == std::string_view::npos) return false;
  }
  const std::string lower = absl::AsciiStrToLower(base::av(text));
  for (const char* word : {"true", "false", "yes", "no", "on", "off", "y", "n", "null", "inf", "nan"}) {
    if (lower == word) return false;
  }
  return true;
}

std::string quoted(std::string_view text) {
  if (isPlain(text)) return std::string(text);
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += {'\\', c};
    } else if (c == '\n') {
      out += "\\n";
    } else if (byte < 0x20 || byte == 0x7F) {
      absl::StrAppend(&out, "\\x", absl::Hex(byte, absl::kZeroPad2));
    } else {
      out += c;
    }
  }
  return out + "\"";
}

std::string shortest(double number) {
  if (std::isnan(number)) return "NaN";
  if (std::isinf(number)) return number < 0 ? "-Infinity" : "Infinity";
  char buffer[64];
  const auto [end, error] = std::to_chars(buffer, buffer + sizeof(buffer), number);
  return std::string(buffer, error == std::errc() ? end : buffer);
}

std::string durationText(const google::protobuf::Duration& duration) {
  const bool negative = duration.seconds() < 0 || duration.nanos() < 0;
  std::string out = absl::StrCat(negative ? "-" : "", std::abs(duration.seconds()));
  if (duration.nanos() != 0) {
    std::string nanos = std::to_string(1000000000 + std::abs(duration.nanos())).substr(1);
    nanos.erase(nanos.find_last_not_of('0') + 1);
    out += "." + nanos;
  }
  return out + "s";
}

// Index -1: the singular field.
std::string scalarText(const Message& message, const FieldDescriptor* field, int index) {
  const Reflection& r = *message.GetReflection();
  const bool one = index < 0;
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return absl::StrCat(one ? r.GetInt32(message, field) : r.GetRepeatedInt32(message, field, index));
    case FieldDescriptor::CPPTYPE_INT64:
      return absl::StrCat(one ? r.GetInt64(message, field) : r.GetRepeatedInt64(message, field, index));
    case FieldDescriptor::CPPTYPE_UINT32:
      return absl::StrCat(one ? r.GetUInt32(message, field) : r.GetRepeatedUInt32(message, field, index));
    case FieldDescriptor::CPPTYPE_UINT64:
      return absl::StrCat(one ? r.GetUInt64(message, field) : r.GetRepeatedUInt64(message, field, index));
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return shortest(one ? r.GetDouble(message, field) : r.GetRepeatedDouble(message, field, index));
    case FieldDescriptor::CPPTYPE_FLOAT:
      return shortest(one ? r.GetFloat(message, field) : r.GetRepeatedFloat(message, field, index));
    case FieldDescriptor::CPPTYPE_BOOL:
      return (one ? r.GetBool(message, field) : r.GetRepeatedBool(message, field, index)) ? "true" : "false";
    case FieldDescriptor::CPPTYPE_ENUM: {
      const int number = one ? r.GetEnumValue(message, field) : r.GetRepeatedEnumValue(message, field, index);
      const auto* value = field->enum_type()->FindValueByNumber(number);
      return value == nullptr ? std::to_string(number) : quoted(value->name());
    }
    case FieldDescriptor::CPPTYPE_STRING: {
      const std::string text = one ? r.GetString(message, field) : r.GetRepeatedString(message, field, index);
      if (field->type() != FieldDescriptor::TYPE_BYTES) return quoted(text);
      return absl::StrCat("\"", absl::Base64Escape(text), "\"");
    }
    case FieldDescriptor::CPPTYPE_MESSAGE:
      break;
  }
  return {};
}

// A node is first built as lines relative to itself, then indented by whoever it belongs to. `block` nodes go below
// their key, others beside it.
struct Node {
  bool block = false;
  std::vector<std::string> lines;
};

Node inlineNode(std::string text) { return {false, {std::move(text)}}; }

void addEntry(std::vector<std::string>& lines, const std::string& key, const Node& value) {
  if (!value.block) {
    lines.push_back(absl::StrCat(key, ": ", value.lines.front()));
    return;
  }
  lines.push_back(key + ":");
  for (const std::string& line : value.lines) lines.push_back("  " + line);
}

void addItem(std::vector<std::string>& lines, const Node& value) {
  for (size_t i = 0; i < value.lines.size(); ++i) lines.push_back((i == 0 ? "- " : "  ") + value.lines[i]);
}

Node mapNode(std::vector<std::string> lines) { return lines.empty() ? inlineNode("{}") : Node{true, std::move(lines)}; }
Node listNode(std::vector<std::string> lines) {
  return lines.empty() ? inlineNode("[]") : Node{true, std::move(lines)};
}

Node structNode(const google::protobuf::Value& value);

Node structNode(const google::protobuf::Struct& fields) {
  std::map<std::string, const google::protobuf::Value*> sorted;
  for (const auto& [key, value] : fields.fields()) sorted[key] = &value;
  std::vector<std::string> lines;
  for (const auto& [key, value] : sorted) addEntry(lines, quoted(key), structNode(*value));
  return mapNode(std::move(lines));
}

Node structNode(const google::protobuf::ListValue& list) {
  std::vector<std::string> lines;
  for (const auto& value : list.values()) addItem(lines, structNode(value));
  return listNode(std::move(lines));
}

Node structNode(const google::protobuf::Value& value) {
  switch (value.kind_case()) {
    case google::protobuf::Value::kBoolValue:
      return inlineNode(value.bool_value() ? "true" : "false");
    case google::protobuf::Value::kNumberValue: {
      const double number = value.number_value();
      const bool small = number == std::trunc(number) && std::fabs(number) < 2147483648.0;
      // A fraction without its tag would come back as a string.
      return inlineNode(small ? absl::StrCat(static_cast<int64_t>(number)) : "!!float " + shortest(number));
    }
    case google::protobuf::Value::kStringValue:
      return inlineNode(quoted(value.string_value()));
    case google::protobuf::Value::kStructValue:
      return structNode(value.struct_value());
    case google::protobuf::Value::kListValue:
      return structNode(value.list_value());
    default:
      return inlineNode("null");
  }
}

Node messageNode(const Message& message);
void addFields(const Message& message, std::vector<std::string>& lines);

Node anyNode(const google::protobuf::Any& any) {
  if (any.type_url().empty()) return inlineNode("{}");
  std::vector<std::string> lines;
  addEntry(lines, "\"@type\"", inlineNode(quoted(any.type_url())));
  const Descriptor* type = google::protobuf::DescriptorPool::generated_pool()->FindMessageTypeByName(
      any.type_url().substr(any.type_url().rfind('/') + 1));
  if (type == nullptr) return mapNode(std::move(lines));
  const std::unique_ptr<Message> inner(
      google::protobuf::MessageFactory::generated_factory()->GetPrototype(type)->New());
  if (!inner->ParseFromString(any.value())) return mapNode(std::move(lines));
  if (type->well_known_type() != Descriptor::WELLKNOWNTYPE_UNSPECIFIED) {
    addEntry(lines, "value", messageNode(*inner));
  } else {
    addFields(*inner, lines);
  }
  return mapNode(std::move(lines));
}

Node messageNode(const Message& message) {
  switch (message.GetDescriptor()->well_known_type()) {
    case Descriptor::WELLKNOWNTYPE_ANY:
      return anyNode(*DynamicCastToGenerated<google::protobuf::Any>(&message));
    case Descriptor::WELLKNOWNTYPE_STRUCT:
      return structNode(*DynamicCastToGenerated<google::protobuf::Struct>(&message));
    case Descriptor::WELLKNOWNTYPE_VALUE:
      return structNode(*DynamicCastToGenerated<google::protobuf::Value>(&message));
    case Descriptor::WELLKNOWNTYPE_LISTVALUE:
      return structNode(*DynamicCastToGenerated<google::protobuf::ListValue>(&message));
    case Descriptor::WELLKNOWNTYPE_DURATION:
      return inlineNode(durationText(*DynamicCastToGenerated<google::protobuf::Duration>(&message)));
    case Descriptor::WELLKNOWNTYPE_UNSPECIFIED:
    case Descriptor::WELLKNOWNTYPE_TIMESTAMP:
    case Descriptor::WELLKNOWNTYPE_FIELDMASK: {
      std::vector<std::string> lines;
      addFields(message, lines);
      return mapNode(std::move(lines));
    }
    default:  // a wrapper
      return inlineNode(scalarText(message, message.GetDescriptor()->field(0), -1));
  }
}

Node mapFieldNode(const Message& message, const FieldDescriptor* field) {
  const FieldDescriptor* key = field->message_type()->field(0);
  const FieldDescriptor* value = field->message_type()->field(1);
  std::map<std::string, Node> sorted;
  for (int i = 0; i < message.GetReflection()->FieldSize(message, field); ++i) {
    const Message& pair = message.GetReflection()->GetRepeatedMessage(message, field, i);
    const bool nested = value->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE;
    sorted[scalarText(pair, key, -1)] =
        nested ? messageNode(pair.GetReflection()->GetMessage(pair, value)) : inlineNode(scalarText(pair, value, -1));
  }
  std::vector<std::string> lines;
  for (const auto& [name, node] : sorted) addEntry(lines, name, node);
  return mapNode(std::move(lines));
}

Node listFieldNode(const Message& message, const FieldDescriptor* field) {
  std::vector<std::string> lines;
  for (int i = 0; i < message.GetReflection()->FieldSize(message, field); ++i) {
    const bool nested = field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE;
    addItem(lines, nested ? messageNode(message.GetReflection()->GetRepeatedMessage(message, field, i))
                          : inlineNode(scalarText(message, field, i)));
  }
  return listNode(std::move(lines));
}

void addFields(const Message& message, std::vector<std::string>& lines) {
  std::vector<const FieldDescriptor*> fields;
  message.GetReflection()->ListFields(message, &fields);
  std::sort(fields.begin(), fields.end(), [](const auto* a, const auto* b) { return a->number() < b->number(); });
  for (const FieldDescriptor* field : fields) {
    if (field->is_map()) {
      addEntry(lines, field->name(), mapFieldNode(message, field));
    } else if (field->is_repeated()) {
      addEntry(lines, field->name(), listFieldNode(message, field));
    } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      addEntry(lines, field->name(), messageNode(message.GetReflection()->GetMessage(message, field)));
    } else {
      addEntry(lines, field->name(), inlineNode(scalarText(message, field, -1)));
    }
  }
}

}  // namespace

std::string toYaml(const Message& message) {
  std::string out;
  for (const std::string& line : messageNode(message).lines) absl::StrAppend(&out, line, "\n");
  return out;
}

std::string toJson(const Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = true;
  options.preserve_proto_field_names = true;
  std::string out;
  const auto status = google::protobuf::util::MessageToJsonString(message, &out, options);
  if (status.ok()) return out;
  google::protobuf::Struct error;
  (*error.mutable_fields())["error"].set_string_value(std::string(status.message()));
  out.clear();
  return google::protobuf::util::MessageToJsonString(error, &out, options).ok() ? out : "{}";
}

}  // namespace weir::config
