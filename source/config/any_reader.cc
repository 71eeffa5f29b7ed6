// The part of ProtoReader about google.protobuf.Any: "@type", TypedStruct, and HTTP filters given by name alone.
//
//   {"@type": ".../T", <fields of T>}                          any message T that weir has
//   {"@type": ".../google.protobuf.Duration", value: "5s"}     a type with a form of its own stands in `value`
//   {"@type": ".../xds.type.v3.TypedStruct", type_url: ".../T", value: {<fields of T>}}      stands for the first form
#include <google/protobuf/any.pb.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/message.h>

#include <array>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "source/base/strings.h"
#include "source/config/hints.h"
#include "source/config/proto_reader.h"

namespace weir::config {
namespace {

using base::FieldPath;
using google::protobuf::Descriptor;

constexpr std::string_view kPrefix = "type.googleapis.com/";

std::string_view afterSlash(std::string_view type_url) { return type_url.substr(type_url.rfind('/') + 1); }

bool isTypedStruct(std::string_view type) {
  return type == "xds.type.v3.TypedStruct" || type == "udpa.type.v1.TypedStruct";
}

// The same bytes for the same content, so that two loads of a file compare equal.
void pack(const google::protobuf::Message& message, google::protobuf::Any& out) {
  out.set_type_url(absl::StrCat(base::av(kPrefix), message.GetDescriptor()->full_name()));
  google::protobuf::io::StringOutputStream bytes(out.mutable_value());
  google::protobuf::io::CodedOutputStream coded(&bytes);
  coded.SetSerializationDeterministic(true);
  message.SerializePartialToCodedStream(&coded);
}

}  // namespace

void ProtoReader::readAny(const Value& value, Place place, google::protobuf::Any& out, const Where& where) {
  if (value.kind != Value::Kind::kMap) return expected("a map with '@type'", value, place, where);
  if (value.entries.empty()) return;
  const Entry* type = value.find("@type");
  if (type == nullptr) {
    return error(where.path, where, place,
                 "'@type' is missing; it names the type of this value, such as "
                 "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router");
  }
  if (type->value.kind == Value::Kind::kString && isTypedStruct(afterSlash(type->value.text))) {
    return readTypedStruct(value, place, out, where);
  }
  readTyped(type->value, value, place, true, out, where);
}

void ProtoReader::readTypedStruct(const Value& map, Place place, google::protobuf::Any& out, const Where& where) {
  const Entry* type = nullptr;
  const Entry* value = nullptr;
  for (const Entry& entry : map.entries) {
    if (entry.key == "type_url" || entry.key == "typeUrl") {
      type = &entry;
    } else if (entry.key == "value") {
      value = &entry;
    } else if (entry.key != "@type") {
      const FieldPath path = where.path.at(entry.key);
      error(path, where, entry.place,
            absl::StrCat("unknown field '", entry.key, "'; TypedStruct allows type_url, value"));
    }
  }
  if (type == nullptr) {
    return error(where.path, where, place, "TypedStruct without 'type_url'; it names the type that 'value' stands for");
  }
  Value empty;
  empty.kind = Value::Kind::kMap;
  const bool has_value = value != nullptr && !value->value.isNull();
  readTyped(type->value, has_value ? value->value : empty, has_value ? value->place : place, false, out, where);
}

void ProtoReader::readTyped(const Value& type, const Value& value, Place place, bool in_any, google::protobuf::Any& out,
                            const Where& where) {
  const FieldPath type_path = where.path.at(in_any ? "@type" : "type_url");
  if (type.kind != Value::Kind::kString || type.text.empty()) {
    return error(type_path, where, type.place, absl::StrCat("expected the name of a type, found ", type.describe()));
  }
  const std::string_view name = afterSlash(type.text);
  const Descriptor* descriptor =
      google::protobuf::DescriptorPool::generated_pool()->FindMessageTypeByName(std::string(name));
  if (descriptor == nullptr && may_skip_) {
    out.set_type_url(absl::StrCat(base::av(kPrefix), base::av(name)));
    return warning(type_path, where, type.place,
                   absl::StrCat("left out, as it is optional: ", unknownType(name, known_)));
  }
  if (descriptor == nullptr) return error(type_path, where, type.place, unknownType(name, known_));
  const std::unique_ptr<Message> message(
      google::protobuf::MessageFactory::generated_factory()->GetPrototype(descriptor)->New());
  if (in_any && descriptor->well_known_type() != Descriptor::WELLKNOWNTYPE_UNSPECIFIED) {
    const Entry* inner = value.find("value");
    for (const Entry& entry : value.entries) {
      if (entry.key == "@type" || entry.key == "value") continue;
      error(where.path.at(entry.key), where, entry.place,
            absl::StrCat("unknown field '", entry.key, "'; beside '@type', ", descriptor->name(), " allows value"));
    }
    if (inner != nullptr && !inner->value.isNull()) readMessage(inner->value, inner->place, *message, nullptr, where);
  } else if (value.kind == Value::Kind::kMap) {
    readFields(value, *message, nullptr, where, in_any);
  } else {
    readMessage(value, place, *message, nullptr, where);
  }
  pack(*message, out);
}

void ProtoReader::fillNameOnlyFilter(const Value& map, Message& filter, const Where& where) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kTypes = {{
      {"envoy.filters.http.router", "envoy.extensions.filters.http.router.v3.Router"},
      {"envoy.router", "envoy.extensions.filters.http.router.v3.Router"},
      {"envoy.filters.http.cors", "envoy.extensions.filters.http.cors.v3.Cors"},
      {"envoy.cors", "envoy.extensions.filters.http.cors.v3.Cors"},
      {"envoy.filters.http.grpc_web", "envoy.extensions.filters.http.grpc_web.v3.GrpcWeb"},
      {"envoy.grpc_web", "envoy.extensions.filters.http.grpc_web.v3.GrpcWeb"},
  }};
  for (const char* key : {"typed_config", "typedConfig", "config_discovery", "configDiscovery"}) {
    const Entry* entry = map.find(key);
    if (entry != nullptr && !entry->value.isNull()) return;  // given, if perhaps wrongly
  }
  const Entry* name = map.find("name");
  if (name == nullptr) return;
  for (const auto& [label, type] : kTypes) {
    if (name->value.text != label) continue;
    const FieldPath path = where.path.at("typed_config");
    const Descriptor* descriptor =
        google::protobuf::DescriptorPool::generated_pool()->FindMessageTypeByName(std::string(type));
    if (descriptor == nullptr) return error(path, where, name->value.place, unknownType(type, known_));
    warning(path, where, name->value.place,
            absl::StrCat("the filter has a name only; taken as '@type': ", base::av(kPrefix), base::av(type)));
    const auto* field = filter.GetDescriptor()->FindFieldByName("typed_config");
    auto* any = google::protobuf::DynamicCastToGenerated<google::protobuf::Any>(
        filter.GetReflection()->MutableMessage(&filter, field));
    pack(*google::protobuf::MessageFactory::generated_factory()->GetPrototype(descriptor), *any);
    return;
  }
}

}  // namespace weir::config
