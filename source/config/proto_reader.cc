#include "source/config/proto_reader.h"

#include <google/protobuf/any.pb.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/duration.pb.h>
#include <google/protobuf/message.h>
#include <google/protobuf/struct.pb.h>

#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "source/base/strings.h"
#include "source/config/hints.h"
#include "source/config/scalar.h"
#include "source/config/struct_reader.h"
#include "weir/options.pb.h"

namespace weir::config {
namespace {

using base::FieldPath;
using google::protobuf::Descriptor;
using google::protobuf::DynamicCastToGenerated;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

// Puts a converted scalar into the field, or at the end of it when it is repeated.
template <typename T, typename Field = T>
absl::Status put(const absl::StatusOr<T>& value, Message& out, const FieldDescriptor* field,
                 void (Reflection::*set)(Message*, const FieldDescriptor*, Field) const,
                 void (Reflection::*add)(Message*, const FieldDescriptor*, Field) const) {
  if (!value.ok()) return value.status();
  (out.GetReflection()->*(field->is_repeated() ? add : set))(&out, field, static_cast<Field>(*value));
  return absl::OkStatus();
}

template <typename T>
using Limits = std::numeric_limits<T>;

absl::Status putScalar(const Value& v, Message& out, const FieldDescriptor* field) {
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return put(asInt(v, Limits<int32_t>::min(), Limits<int32_t>::max()), out, field, &Reflection::SetInt32,
                 &Reflection::AddInt32);
    case FieldDescriptor::CPPTYPE_INT64:
      return put(asInt(v, Limits<int64_t>::min(), Limits<int64_t>::max()), out, field, &Reflection::SetInt64,
                 &Reflection::AddInt64);
    case FieldDescriptor::CPPTYPE_UINT32:
      return put(asUint(v, Limits<uint32_t>::max()), out, field, &Reflection::SetUInt32, &Reflection::AddUInt32);
    case FieldDescriptor::CPPTYPE_UINT64:
      return put(asUint(v, Limits<uint64_t>::max()), out, field, &Reflection::SetUInt64, &Reflection::AddUInt64);
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return put(asDouble(v), out, field, &Reflection::SetDouble, &Reflection::AddDouble);
    case FieldDescriptor::CPPTYPE_FLOAT:
      return put(asDouble(v), out, field, &Reflection::SetFloat, &Reflection::AddFloat);
    case FieldDescriptor::CPPTYPE_BOOL:
      return put(asBool(v), out, field, &Reflection::SetBool, &Reflection::AddBool);
    case FieldDescriptor::CPPTYPE_ENUM:
      return put(asEnum(v, *field->enum_type()), out, field, &Reflection::SetEnumValue, &Reflection::AddEnumValue);
    case FieldDescriptor::CPPTYPE_STRING:
      return put(field->type() == FieldDescriptor::TYPE_BYTES ? asBytes(v) : asString(v), out, field,
                 &Reflection::SetString, &Reflection::AddString);
    case FieldDescriptor::CPPTYPE_MESSAGE:
      break;
  }
  return absl::InternalError("a message is no scalar");
}

// What a list holds where null stands for an empty element.
Value defaultFor(const FieldDescriptor* field, Place place) {
  Value value;
  value.place = place;
  value.kind = Value::Kind::kString;
  value.quoted = true;
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      break;
    case FieldDescriptor::CPPTYPE_BOOL:
      value.text = "false";
      break;
    default:
      value.text = "0";
  }
  return value;
}

const FieldDescriptor* findField(const Descriptor& type, const std::string& name) {
  if (const FieldDescriptor* field = type.FindFieldByName(name)) return field;
  return type.FindFieldByCamelcaseName(name);
}

Place pointAt(const Entry& entry) { return entry.value.isScalar() ? entry.value.place : entry.place; }

// `map` is a message of that type, and its is_optional is true.
bool saysOptional(const Value& map, const Descriptor& type) {
  if (type.FindFieldByName("is_optional") == nullptr) return false;
  const Entry* entry = map.find("is_optional");
  if (entry == nullptr) entry = map.find("isOptional");
  return entry != nullptr && entry->value.kind == Value::Kind::kBool && entry->value.boolean;
}

}  // namespace

class ProtoReader::Given {
 public:
  // The entry that set the same field before, or another member of its oneof.
  const Entry* clash(const FieldDescriptor* field) const {
    const auto* oneof = field->real_containing_oneof();
    for (const auto& [before, entry] : seen_) {
      if (before == field || (oneof != nullptr && before->real_containing_oneof() == oneof)) return entry;
    }
    return nullptr;
  }
  void add(const FieldDescriptor* field, const Entry& entry) { seen_.emplace_back(field, &entry); }

 private:
  std::vector<std::pair<const FieldDescriptor*, const Entry*>> seen_;
};

void ProtoReader::read(const Value& root, SourceMap::Node file, Message& out, const Message* below) {
  const FieldPath path;
  const Where where{path, file};
  if (root.isNull()) return;
  readMessage(root, root.place, out, below, where);
}

void ProtoReader::error(const FieldPath& path, const Where& near, Place place, std::string message) {
  sources_.pin(diagnostics_.all().size(), near.node, place);
  diagnostics_.error(path, std::move(message));
}

void ProtoReader::warning(const FieldPath& path, const Where& near, Place place, std::string message) {
  sources_.pin(diagnostics_.all().size(), near.node, place);
  diagnostics_.warning(path, std::move(message));
}

void ProtoReader::expected(std::string_view what, const Value& value, Place place, const Where& where) {
  error(where.path, where, place, absl::StrCat("expected ", base::av(what), ", found ", value.describe()));
}

void ProtoReader::readMessage(const Value& value, Place place, Message& out, const Message* below, const Where& where) {
  switch (out.GetDescriptor()->well_known_type()) {
    case Descriptor::WELLKNOWNTYPE_ANY:
      return readAny(value, place, *DynamicCastToGenerated<google::protobuf::Any>(&out), where);
    case Descriptor::WELLKNOWNTYPE_VALUE:
      return toStruct(value, *DynamicCastToGenerated<google::protobuf::Value>(&out));
    case Descriptor::WELLKNOWNTYPE_STRUCT: {
      if (value.kind != Value::Kind::kMap) return expected("a map", value, place, where);
      google::protobuf::Value any_value;
      toStruct(value, any_value);
      DynamicCastToGenerated<google::protobuf::Struct>(&out)->Swap(any_value.mutable_struct_value());
      notePlaces(value, where.node);
      return;
    }
    case Descriptor::WELLKNOWNTYPE_LISTVALUE: {
      if (value.kind != Value::Kind::kList) return expected("a list", value, place, where);
      google::protobuf::Value any_value;
      toStruct(value, any_value);
      DynamicCastToGenerated<google::protobuf::ListValue>(&out)->Swap(any_value.mutable_list_value());
      return;
    }
    default:
      break;
  }
  if (value.kind == Value::Kind::kMap) return readFields(value, out, below, where, false);
  if (readShortForm(value, place, out, where)) return;
  const bool whole = where.path.text().empty();
  expected(absl::StrCat("the fields of ", out.GetDescriptor()->name(), whole ? ", such as static_resources" : ""),
           value, place, where);
}

void ProtoReader::notePlaces(const Value& value, SourceMap::Node node) {
  for (const Entry& entry : value.entries) {
    notePlaces(entry.value, sources_.addFieldCopy(node, entry.key, pointAt(entry)));
  }
  for (size_t i = 0; i < value.items.size(); ++i) {
    notePlaces(value.items[i], sources_.addIndex(node, i, value.items[i].place));
  }
}

bool ProtoReader::readShortForm(const Value& value, Place place, Message& out, const Where& where) {
  switch (out.GetDescriptor()->well_known_type()) {
    case Descriptor::WELLKNOWNTYPE_DURATION: {
      const absl::StatusOr<Seconds> read = asDuration(value);
      if (!read.ok()) {
        error(where.path, where, place, std::string(read.status().message()));
        return true;
      }
      auto* duration = DynamicCastToGenerated<google::protobuf::Duration>(&out);
      duration->set_seconds(read->seconds);
      duration->set_nanos(read->nanos);
      return true;
    }
    case Descriptor::WELLKNOWNTYPE_DOUBLEVALUE:
    case Descriptor::WELLKNOWNTYPE_FLOATVALUE:
    case Descriptor::WELLKNOWNTYPE_INT64VALUE:
    case Descriptor::WELLKNOWNTYPE_UINT64VALUE:
    case Descriptor::WELLKNOWNTYPE_INT32VALUE:
    case Descriptor::WELLKNOWNTYPE_UINT32VALUE:
    case Descriptor::WELLKNOWNTYPE_STRINGVALUE:
    case Descriptor::WELLKNOWNTYPE_BYTESVALUE:
    case Descriptor::WELLKNOWNTYPE_BOOLVALUE:
      readScalar(value, place, out.GetDescriptor()->field(0), out, where);
      return true;
    default:
      return false;
  }
}

void ProtoReader::readFields(const Value& map, Message& out, const Message* below, const Where& where, bool in_any) {
  const Descriptor& type = *out.GetDescriptor();
  const bool outer = std::exchange(may_skip_, saysOptional(map, type));
  Given given;
  for (const Entry& entry : map.entries) {
    if (in_any && entry.key == "@type") continue;
    const FieldDescriptor* field = findField(type, entry.key);
    if (field == nullptr) {
      error(where.path.at(entry.key), where, entry.place, unknownField(type, entry.key, known_));
      continue;
    }
    const FieldPath path = where.path.at(field->name());
    const bool is_null_value =
        field->message_type() != nullptr && field->message_type()->well_known_type() == Descriptor::WELLKNOWNTYPE_VALUE;
    if (entry.value.isNull() && !(is_null_value && !field->is_repeated())) continue;
    if (field->options().GetExtension(::weir::disallowed)) {
      error(path, where, entry.place, "may no longer be set; remove it");
      continue;
    }
    if (const Entry* before = given.clash(field)) {
      const bool same = findField(type, before->key) == field;
      error(path, where, entry.place,
            absl::StrCat("'", entry.key, "' and '", before->key, "' (line ", before->place.line, ") ",
                         same ? "are the same field; give it once" : "exclude each other; give one of them"));
      continue;
    }
    given.add(field, entry);
    if (field->options().deprecated()) warning(path, where, entry.place, deprecatedField(*field));
    readField(entry, field, out, below, where);
  }
  may_skip_ = outer;
  if (type.full_name() == "envoy.extensions.filters.network.http_connection_manager.v3.HttpFilter") {
    fillNameOnlyFilter(map, out, where);
  }
}

void ProtoReader::readField(const Entry& entry, const FieldDescriptor* field, Message& out, const Message* below,
                            const Where& parent) {
  const Place place = pointAt(entry);
  const FieldPath path = parent.path.at(field->name());
  const Where where{path, sources_.addField(parent.node, field->name(), place)};
  const Reflection& reflection = *out.GetReflection();
  if (field->is_map()) return readMap(entry.value, place, field, out, where);
  if (field->is_repeated()) {
    size_t index = below == nullptr ? 0 : static_cast<size_t>(reflection.FieldSize(*below, field));
    return readItems(entry.value, place, field, out, parent, where.node, index);
  }
  if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) return readScalar(entry.value, place, field, out, where);
  const bool merges = below != nullptr && reflection.HasField(*below, field);
  readMessage(entry.value, place, *reflection.MutableMessage(&out, field),
              merges ? &reflection.GetMessage(*below, field) : nullptr, where);
}

void ProtoReader::readItems(const Value& value, Place place, const FieldDescriptor* field, Message& out,
                            const Where& parent, SourceMap::Node list, size_t& index) {
  const bool of_lists = field->message_type() != nullptr &&
                        (field->message_type()->well_known_type() == Descriptor::WELLKNOWNTYPE_VALUE ||
                         field->message_type()->well_known_type() == Descriptor::WELLKNOWNTYPE_LISTVALUE);
  if (value.kind == Value::Kind::kList) {
    for (const Value& item : value.items) {
      if (item.kind == Value::Kind::kList && !of_lists) {
        readItems(item, item.place, field, out, parent, list, index);
        continue;
      }
      const FieldPath path = parent.path.at(field->name(), index);
      const Where where{path, sources_.addIndex(list, index, item.place)};
      ++index;
      if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
        Message& element = *out.GetReflection()->AddMessage(&out, field);
        if (!item.isNull() || of_lists) readMessage(item, item.place, element, nullptr, where);
      } else {
        readScalar(item.isNull() ? defaultFor(field, item.place) : item, item.place, field, out, where);
      }
    }
    return;
  }
  const FieldPath path = parent.path.at(field->name(), index);
  const Where where{path, sources_.addIndex(list, index, place)};
  ++index;
  if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) return readScalar(value, place, field, out, where);
  if (value.kind != Value::Kind::kMap && !of_lists) {
    return expected(absl::StrCat("a list of ", field->message_type()->name()), value, place, where);
  }
  readMessage(value, place, *out.GetReflection()->AddMessage(&out, field), nullptr, where);
}

void ProtoReader::readMap(const Value& value, Place place, const FieldDescriptor* field, Message& out,
                          const Where& where) {
  if (value.kind != Value::Kind::kMap) return expected("a map", value, place, where);
  const FieldDescriptor* key_field = field->message_type()->field(0);
  const FieldDescriptor* value_field = field->message_type()->field(1);
  for (const Entry& entry : value.entries) {
    const FieldPath path = where.path.key(entry.key);
    const Where at{path, sources_.addKey(where.node, entry.key, pointAt(entry))};
    if (entry.value.isNull()) continue;
    Message& pair = *out.GetReflection()->AddMessage(&out, field);
    Value key;
    key.kind = Value::Kind::kString;
    key.quoted = true;
    key.text = entry.key;
    readScalar(key, entry.place, key_field, pair, at);
    if (value_field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) {
      readScalar(entry.value, pointAt(entry), value_field, pair, at);
    } else {
      readMessage(entry.value, pointAt(entry), *pair.GetReflection()->MutableMessage(&pair, value_field), nullptr, at);
    }
  }
}

void ProtoReader::readScalar(const Value& value, Place place, const FieldDescriptor* field, Message& out,
                             const Where& where) {
  const absl::Status status = putScalar(value, out, field);
  if (!status.ok()) error(where.path, where, place, std::string(status.message()));
}

}  // namespace weir::config
