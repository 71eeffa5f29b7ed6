#include "source/config/validator.h"

#include <google/protobuf/any.pb.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/duration.pb.h>
#include <google/protobuf/message.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "source/base/check.h"
#include "source/base/strings.h"
#include "source/config/hints.h"
#include "weir/options.pb.h"

namespace weir::config {
namespace {

using base::FieldPath;
using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::OneofDescriptor;
using google::protobuf::Reflection;

// The path without its last step; a key in brackets belongs to its field.
std::string parentOf(std::string_view path) {
  size_t end = 0;
  bool quoted = false;
  for (size_t i = 0; i < path.size(); ++i) {
    if (quoted && path[i] == '\\') {
      ++i;
    } else if (path[i] == '"') {
      quoted = !quoted;
    } else if (path[i] == '.' && !quoted) {
      end = i;
    }
  }
  return std::string(path.substr(0, end));
}

// Index -1: the singular field.
std::string brokenScalar(const Message& message, const FieldDescriptor* field, int index, const Rule& rule) {
  const Reflection& r = *message.GetReflection();
  const bool one = index < 0;
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return brokenBy(rule, one ? r.GetInt32(message, field) : r.GetRepeatedInt32(message, field, index), "");
    case FieldDescriptor::CPPTYPE_INT64:
      return brokenBy(rule, one ? r.GetInt64(message, field) : r.GetRepeatedInt64(message, field, index), "");
    case FieldDescriptor::CPPTYPE_UINT32:
      return brokenBy(rule, one ? r.GetUInt32(message, field) : r.GetRepeatedUInt32(message, field, index), "");
    case FieldDescriptor::CPPTYPE_UINT64:
      return brokenBy(rule, one ? r.GetUInt64(message, field) : r.GetRepeatedUInt64(message, field, index), "");
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return brokenBy(rule, one ? r.GetDouble(message, field) : r.GetRepeatedDouble(message, field, index), "");
    case FieldDescriptor::CPPTYPE_FLOAT:
      return brokenBy(rule, one ? r.GetFloat(message, field) : r.GetRepeatedFloat(message, field, index), "");
    case FieldDescriptor::CPPTYPE_STRING:
      return brokenBy(rule, one ? r.GetString(message, field) : r.GetRepeatedString(message, field, index));
    case FieldDescriptor::CPPTYPE_BOOL: {
      const bool flag = one ? r.GetBool(message, field) : r.GetRepeatedBool(message, field, index);
      if (!rule.constant || flag == *rule.constant) return {};
      return absl::StrCat("saw ", flag ? "true" : "false", "; must be ", *rule.constant ? "true" : "false");
    }
    case FieldDescriptor::CPPTYPE_ENUM: {
      const int number = one ? r.GetEnumValue(message, field) : r.GetRepeatedEnumValue(message, field, index);
      const auto* value = field->enum_type()->FindValueByNumber(number);
      bool wrong = rule.defined_only && value == nullptr;
      for (const int64_t other : rule.not_in) wrong = wrong || number == other;
      if (!wrong) return {};
      const std::string saw = value == nullptr ? absl::StrCat(number) : value->name();
      std::string but;
      for (const int64_t other : rule.not_in) {
        const auto* refused = field->enum_type()->FindValueByNumber(static_cast<int>(other));
        if (refused != nullptr) absl::StrAppend(&but, but.empty() ? ", but not " : ", ", refused->name());
      }
      return absl::StrCat("saw ", saw, "; must be one of ", enumNames(*field->enum_type()), but);
    }
    case FieldDescriptor::CPPTYPE_MESSAGE:
      break;
  }
  return {};
}

bool isUnsetScalar(const Message& message, const FieldDescriptor* field) {
  return !field->has_presence() && !message.GetReflection()->HasField(message, field);
}

// An extension that its message calls optional, and that weir does not have.
bool isLeftOut(const Message& message, const Message& value) {
  const auto* any = google::protobuf::DynamicCastToGenerated<google::protobuf::Any>(&value);
  const FieldDescriptor* optional = message.GetDescriptor()->FindFieldByName("is_optional");
  if (any == nullptr || optional == nullptr || optional->cpp_type() != FieldDescriptor::CPPTYPE_BOOL) return false;
  const std::string name = any->type_url().substr(any->type_url().rfind('/') + 1);
  return message.GetReflection()->GetBool(message, optional) &&
         google::protobuf::DescriptorPool::generated_pool()->FindMessageTypeByName(name) == nullptr;
}

}  // namespace

struct Validator::Plan {
  struct Field {
    const FieldDescriptor* field;
    std::unique_ptr<Rule> rule;  // null: only what is inside is checked
  };
  std::vector<Field> fields;
  std::vector<const OneofDescriptor*> required_oneofs;
};

Validator::Validator(base::Diagnostics& diagnostics) : diagnostics_(diagnostics) {
  for (const base::Diagnostic& diagnostic : diagnostics.all()) {
    if (diagnostic.severity != base::Diagnostic::Severity::kError) continue;
    incomplete_.insert(diagnostic.path);
    incomplete_.insert(parentOf(diagnostic.path));
  }
}

Validator::~Validator() = default;

const Validator::Plan& Validator::planFor(const Descriptor& type) {
  std::unique_ptr<Plan>& plan = plans_[&type];
  if (plan != nullptr) return *plan;
  plan = std::make_unique<Plan>();
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor* field = type.field(i);
    const std::string& text = field->options().GetExtension(::weir::rule);
    Plan::Field planned{.field = field, .rule = nullptr};
    if (!text.empty()) {
      auto rule = parseRule(text);
      CHECK(rule.ok(), "every rule in api/ is one that parseRule knows; a test reads them all");
      planned.rule = std::make_unique<Rule>(*std::move(rule));
    }
    if (planned.rule != nullptr || field->message_type() != nullptr) plan->fields.push_back(std::move(planned));
  }
  for (int i = 0; i < type.real_oneof_decl_count(); ++i) {
    if (type.oneof_decl(i)->options().GetExtension(::weir::required_oneof)) {
      plan->required_oneofs.push_back(type.oneof_decl(i));
    }
  }
  return *plan;
}

void Validator::check(const Message& message) { checkMessage(message, FieldPath()); }

void Validator::checkMessage(const Message& message, const FieldPath& path) {
  switch (message.GetDescriptor()->well_known_type()) {
    case Descriptor::WELLKNOWNTYPE_UNSPECIFIED:
      break;
    case Descriptor::WELLKNOWNTYPE_ANY:
      return checkAny(message, path);
    default:
      return;
  }
  const Plan& plan = planFor(*message.GetDescriptor());
  for (const Plan::Field& planned : plan.fields) {
    if (planned.field->is_map()) {
      checkMap(message, planned.field, planned.rule.get(), path);
    } else if (planned.field->is_repeated()) {
      checkRepeated(message, planned.field, planned.rule.get(), path);
    } else {
      checkSingular(message, planned.field, planned.rule.get(), path);
    }
  }
  checkOneofs(message, plan, path);
}

void Validator::checkOneofs(const Message& message, const Plan& plan, const FieldPath& path) {
  for (const OneofDescriptor* oneof : plan.required_oneofs) {
    if (message.GetReflection()->HasOneof(message, oneof)) continue;
    std::string names;
    for (int i = 0; i < oneof->field_count(); ++i) {
      absl::StrAppend(&names, i == 0 ? "" : ", ", oneof->field(i)->name());
    }
    missing(path, path,
            oneof->field_count() == 1 ? absl::StrCat("'", names, "' is missing; it is required")
                                      : absl::StrCat("nothing of ", names, " is given; one of them is required"));
  }
}

void Validator::checkSingular(const Message& message, const FieldDescriptor* field, const Rule* rule,
                              const FieldPath& parent) {
  const Reflection& reflection = *message.GetReflection();
  const FieldPath path = parent.at(field->name());
  const bool set = reflection.HasField(message, field);
  if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
    // Within a oneof, a required message is required of the member that is given.
    const bool required = rule != nullptr && rule->required && field->real_containing_oneof() == nullptr;
    if (!set) return required ? missing(parent, path, "is missing; it is required") : void();
    const Message& value = reflection.GetMessage(message, field);
    checkValueOf(value, rule, path);
    if (!isLeftOut(message, value)) checkMessage(value, path);
    return;
  }
  if (rule == nullptr || (!set && field->has_presence())) return;
  std::string broken = brokenScalar(message, field, -1, *rule);
  if (broken.empty()) return;
  if (isUnsetScalar(message, field)) return missing(parent, path, std::move(broken));
  error(path, std::move(broken));
}

void Validator::checkValueOf(const Message& value, const Rule* rule, const FieldPath& path) {
  std::string broken;
  const Descriptor& type = *value.GetDescriptor();
  if (const auto* duration = google::protobuf::DynamicCastToGenerated<google::protobuf::Duration>(&value)) {
    const long double seconds = duration->seconds() + duration->nanos() / 1e9L;
    if (rule != nullptr) broken = brokenBy(*rule, seconds, "s");
    if (broken.empty() && seconds < 0) {
      broken = absl::StrCat("saw ", static_cast<double>(seconds), "s; a duration may not be negative");
    }
  } else if (rule != nullptr && type.well_known_type() >= Descriptor::WELLKNOWNTYPE_DOUBLEVALUE &&
             type.well_known_type() <= Descriptor::WELLKNOWNTYPE_BOOLVALUE) {
    broken = brokenScalar(value, type.field(0), -1, *rule);
  }
  if (!broken.empty()) error(path, std::move(broken));
}

void Validator::checkFewest(size_t items, const Rule* rule, const FieldPath& whole, const FieldPath& parent) {
  if (rule == nullptr || !rule->min_items || items >= *rule->min_items) return;
  std::string text = absl::StrCat("saw ", items, " items; must have at least ", *rule->min_items);
  if (items == 0) {
    missing(parent, whole, std::move(text));
  } else {
    error(whole, std::move(text));
  }
}

void Validator::checkRepeated(const Message& message, const FieldDescriptor* field, const Rule* rule,
                              const FieldPath& parent) {
  const Reflection& reflection = *message.GetReflection();
  const int size = reflection.FieldSize(message, field);
  const FieldPath whole = parent.at(field->name());
  const auto items = static_cast<size_t>(size);
  checkFewest(items, rule, whole, parent);
  if (rule != nullptr && rule->max_items && items > *rule->max_items) {
    error(whole, absl::StrCat("saw ", items, " items; must have at most ", *rule->max_items));
  }
  const Rule* item_rule = rule == nullptr ? nullptr : rule->items.get();
  if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE && item_rule == nullptr) return;
  for (int i = 0; i < size; ++i) {
    const FieldPath path = parent.at(field->name(), static_cast<size_t>(i));
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      const Message& item = reflection.GetRepeatedMessage(message, field, i);
      checkValueOf(item, item_rule, path);
      checkMessage(item, path);
      continue;
    }
    std::string broken = brokenScalar(message, field, i, *item_rule);
    if (!broken.empty()) error(path, std::move(broken));
    if (!rule->unique || field->cpp_type() != FieldDescriptor::CPPTYPE_STRING) continue;
    const std::string value = reflection.GetRepeatedString(message, field, i);
    for (int before = 0; before < i; ++before) {
      if (reflection.GetRepeatedString(message, field, before) != value) continue;
      error(path, absl::StrCat("\"", value, "\" was given before; each item may be there once"));
      break;
    }
  }
}

void Validator::checkMap(const Message& message, const FieldDescriptor* field, const Rule* rule,
                         const FieldPath& parent) {
  const Reflection& reflection = *message.GetReflection();
  const FieldDescriptor* key = field->message_type()->field(0);
  const FieldDescriptor* value = field->message_type()->field(1);
  const FieldPath whole = parent.at(field->name());
  checkFewest(static_cast<size_t>(reflection.FieldSize(message, field)), rule, whole, parent);
  if (value->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE || key->type() != FieldDescriptor::TYPE_STRING) return;
  for (int i = 0; i < reflection.FieldSize(message, field); ++i) {
    const Message& pair = reflection.GetRepeatedMessage(message, field, i);
    const std::string name = pair.GetReflection()->GetString(pair, key);
    const FieldPath path = whole.key(name);
    const Message& item = pair.GetReflection()->GetMessage(pair, value);
    checkValueOf(item, nullptr, path);
    checkMessage(item, path);
  }
}

void Validator::checkAny(const Message& message, const FieldPath& path) {
  const auto& any = *google::protobuf::DynamicCastToGenerated<google::protobuf::Any>(&message);
  if (any.type_url().empty()) return;
  const std::string name = any.type_url().substr(any.type_url().rfind('/') + 1);
  const Descriptor* type = google::protobuf::DescriptorPool::generated_pool()->FindMessageTypeByName(name);
  if (type == nullptr) return error(path.at("type_url"), unknownType(name, KnownXds()));
  const std::unique_ptr<Message> inner(
      google::protobuf::MessageFactory::generated_factory()->GetPrototype(type)->New());
  if (!inner->ParseFromString(any.value())) {
    return error(path, absl::StrCat("the bytes in this Any are no ", name));
  }
  checkValueOf(*inner, nullptr, path);
  checkMessage(*inner, path);
}

void Validator::missing(const FieldPath& parent, const FieldPath& path, std::string message) {
  if (incomplete_.count(parent.text()) == 0) error(path, std::move(message));
}

void Validator::error(const FieldPath& path, std::string message) {
  if (incomplete_.count(path.text()) == 0) diagnostics_.error(path, std::move(message));
}

}  // namespace weir::config
