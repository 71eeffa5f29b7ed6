#include "source/config/runtime_layers.h"

#include <cmath>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "envoy/config/core/v3/core.pb.h"
#include "envoy/type/v3/type.pb.h"
#include "google/protobuf/any.pb.h"
#include "source/base/strings.h"

namespace weir::config {
namespace {

namespace core = envoy::config::core::v3;
using envoy::type::v3::FractionalPercent;
using google::protobuf::DynamicCastToGenerated;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Value;

// {numerator: 5, denominator: TEN_THOUSAND}, or nothing.
bool isShare(const Value& value) {
  const auto& fields = value.struct_value().fields();
  return value.has_struct_value() && (fields.contains("numerator") || fields.contains("denominator"));
}

std::optional<double> numberOf(const Value& value) {
  if (value.kind_case() == Value::kNumberValue) return value.number_value();
  double number = 0;
  if (value.kind_case() == Value::kStringValue && absl::SimpleAtod(value.string_value(), &number)) return number;
  return std::nullopt;
}

std::optional<uint64_t> wholeOf(const Value& value, uint64_t most) {
  const std::optional<double> number = numberOf(value);
  if (!number || *number < 0 || *number > static_cast<double>(most) || *number != std::floor(*number)) {
    return std::nullopt;
  }
  return static_cast<uint64_t>(*number);
}

std::optional<bool> flagOf(const Value& value) {
  if (value.kind_case() == Value::kBoolValue) return value.bool_value();
  bool flag = false;
  if (value.kind_case() == Value::kStringValue && absl::SimpleAtob(value.string_value(), &flag)) return flag;
  return std::nullopt;
}

std::optional<FractionalPercent> shareOf(const Value& value) {
  FractionalPercent share;
  if (!isShare(value)) {
    const std::optional<uint64_t> percent = wholeOf(value, UINT32_MAX);
    if (!percent) return std::nullopt;
    share.set_numerator(static_cast<uint32_t>(*percent));
    return share;
  }
  const auto& fields = value.struct_value().fields();
  if (const auto numerator = fields.find("numerator"); numerator != fields.end()) {
    const std::optional<uint64_t> number = wholeOf(numerator->second, UINT32_MAX);
    if (!number) return std::nullopt;
    share.set_numerator(static_cast<uint32_t>(*number));
  }
  if (const auto denominator = fields.find("denominator"); denominator != fields.end()) {
    FractionalPercent::DenominatorType type = FractionalPercent::HUNDRED;
    if (!FractionalPercent::DenominatorType_Parse(denominator->second.string_value(), &type)) return std::nullopt;
    share.set_denominator(type);
  }
  return share;
}

// What is set in place of a default; false when the value is of another kind.
bool set(core::RuntimeFractionalPercent& field, const Value& value) {
  const std::optional<FractionalPercent> share = shareOf(value);
  if (share) *field.mutable_default_value() = *share;
  return share.has_value();
}
bool set(core::RuntimeUInt32& field, const Value& value) {
  const std::optional<uint64_t> number = wholeOf(value, UINT32_MAX);
  if (number) field.set_default_value(static_cast<uint32_t>(*number));
  return number.has_value();
}
bool set(core::RuntimeDouble& field, const Value& value) {
  const std::optional<double> number = numberOf(value);
  if (number) field.set_default_value(*number);
  return number.has_value();
}
bool set(core::RuntimeFeatureFlag& field, const Value& value) {
  const std::optional<bool> flag = flagOf(value);
  if (flag) field.mutable_default_value()->set_value(*flag);
  return flag.has_value();
}

// The key of a field that takes one, and how its value is set.
struct Keyed {
  std::string_view key;
  bool (*set)(Message&, const Value&);
  std::string_view allowed;
};

template <typename Field>
std::optional<Keyed> keyedAs(const Message& message, std::string_view allowed) {
  const auto* const field = DynamicCastToGenerated<const Field>(&message);
  if (field == nullptr) return std::nullopt;
  return Keyed{field->runtime_key(),
               [](Message& to, const Value& value) { return set(static_cast<Field&>(to), value); }, allowed};
}

std::optional<Keyed> keyed(const Message& message) {
  std::optional<Keyed> found =
      keyedAs<core::RuntimeFractionalPercent>(message, "a whole number of percent, or numerator and denominator");
  if (!found) found = keyedAs<core::RuntimeUInt32>(message, "a whole number up to 4294967295");
  if (!found) found = keyedAs<core::RuntimeDouble>(message, "a number");
  if (!found) found = keyedAs<core::RuntimeFeatureFlag>(message, "true, false");
  return found;
}

}  // namespace

RuntimeLayers::RuntimeLayers(const envoy::config::bootstrap::v3::LayeredRuntime& message,
                             base::Diagnostics& diagnostics)
    : diagnostics_(diagnostics) {
  const base::FieldPath root;
  const base::FieldPath path = root.at("layered_runtime");
  std::map<std::string, int> names;
  for (int i = 0; i < message.layers_size(); ++i) {
    const auto& layer = message.layers(i);
    const base::FieldPath at = path.at("layers", static_cast<size_t>(i));
    if (const auto [first, fresh] = names.emplace(layer.name(), i); !fresh) {
      diagnostics.error(at.at("name"), absl::StrCat("\"", layer.name(), "\" is the name of layers[", first->second,
                                                    "] already; names of layers must differ"));
    }
    if (layer.has_admin_layer()) {
      diagnostics.warning(at.at("admin_layer"), "has no effect: values are those of the configuration");
    }
    for (const auto& [name, value] : layer.static_layer().fields()) flatten(name, value, i);
  }
}

void RuntimeLayers::flatten(const std::string& name, const Value& value, int layer) {
  if (value.has_struct_value() && !isShare(value)) {
    for (const auto& [inner, deeper] : value.struct_value().fields()) {
      flatten(absl::StrCat(name, ".", inner), deeper, layer);
    }
    return;
  }
  // A later layer stands above the earlier ones.
  const auto [at, fresh] = entries_.try_emplace(name, Entry{&value, layer});
  if (!fresh && at->second.layer <= layer) at->second = Entry{&value, layer};
}

RuntimeLayers::Entry* RuntimeLayers::find(std::string_view key) {
  const auto at = entries_.find(key);
  if (at == entries_.end()) return nullptr;
  at->second.used = true;
  return &at->second;
}

void RuntimeLayers::warn(const Entry& entry, std::string_view key, std::string_view what) const {
  const base::FieldPath root;
  const base::FieldPath runtime = root.at("layered_runtime");
  const base::FieldPath layer = runtime.at("layers", static_cast<size_t>(entry.layer));
  diagnostics_.warning(layer.at("static_layer"), absl::StrCat("'", base::av(key), "' ", base::av(what)));
}

std::optional<uint64_t> RuntimeLayers::number(std::string_view key) {
  Entry* const entry = find(key);
  if (entry == nullptr) return std::nullopt;
  const std::optional<uint64_t> whole = wholeOf(*entry->value, UINT32_MAX);
  if (!whole) warn(*entry, key, "has no effect; allowed: a whole number up to 4294967295");
  return whole;
}

bool RuntimeLayers::apply(Message& message) {
  if (const std::optional<Keyed> field = keyed(message)) {
    Entry* const entry = field->key.empty() ? nullptr : find(field->key);
    if (entry == nullptr) return false;
    const std::string key(field->key);
    if (field->set(message, *entry->value)) return true;
    warn(*entry, key, absl::StrCat("has no effect, the default holds; allowed: ", base::av(field->allowed)));
    return false;
  }
  if (message.GetDescriptor() == google::protobuf::Any::descriptor()) return applyToAny(message);
  if (message.GetDescriptor() == google::protobuf::Struct::descriptor()) return false;
  return applyToFields(message);
}

bool RuntimeLayers::applyToFields(Message& message) {
  const google::protobuf::Reflection& reflection = *message.GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  bool changed = false;
  for (const FieldDescriptor* const field : fields) {
    if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) continue;
    if (!field->is_repeated()) {
      changed |= apply(*reflection.MutableMessage(&message, field));
      continue;
    }
    for (int i = 0; i < reflection.FieldSize(message, field); ++i) {
      changed |= apply(*reflection.MutableRepeatedMessage(&message, field, i));
    }
  }
  return changed;
}

bool RuntimeLayers::applyToAny(Message& message) {
  auto& any = static_cast<google::protobuf::Any&>(message);
  std::string type;
  if (!google::protobuf::Any::ParseAnyTypeUrl(any.type_url(), &type)) return false;
  const google::protobuf::Descriptor* const descriptor =
      google::protobuf::DescriptorPool::generated_pool()->FindMessageTypeByName(type);
  if (descriptor == nullptr) return false;
  const std::unique_ptr<Message> inner(
      google::protobuf::MessageFactory::generated_factory()->GetPrototype(descriptor)->New());
  if (!inner->ParseFromString(any.value()) || !apply(*inner)) return false;
  any.set_value(inner->SerializeAsString());
  return true;
}

void RuntimeLayers::reportUnused() const {
  for (const auto& [key, entry] : entries_) {
    if (!entry.used) warn(entry, key, "has no effect: no runtime_key of this configuration is called so");
  }
}

void applyRuntime(envoy::config::bootstrap::v3::Bootstrap& bootstrap, base::Diagnostics& diagnostics) {
  if (!bootstrap.has_layered_runtime()) return;
  const envoy::config::bootstrap::v3::LayeredRuntime runtime = bootstrap.layered_runtime();
  RuntimeLayers layers(runtime, diagnostics);
  layers.number(kMaxConnectionsKey);
  layers.apply(bootstrap);
  layers.reportUnused();
}

}  // namespace weir::config
