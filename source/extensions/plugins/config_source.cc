#include "source/extensions/plugins/config_source.h"

#include <google/protobuf/util/json_util.h>

#include <charconv>
#include <memory>

#include "absl/strings/str_cat.h"
#include "source/base/strings.h"

namespace weir::extensions::plugins {
namespace {

using google::protobuf::Value;

const Value* step(const Value& value, std::string_view key) {
  if (!value.has_struct_value()) return nullptr;
  const auto found = value.struct_value().fields().find(std::string(key));
  return found == value.struct_value().fields().end() ? nullptr : &found->second;
}

// Takes "[3]" off the front of `rest`.
const Value* stepIndex(const Value& value, std::string_view& rest) {
  const size_t end = rest.find(']');
  size_t index = 0;
  if (end == std::string_view::npos ||
      std::from_chars(rest.data() + 1, rest.data() + end, index).ptr != rest.data() + end || !value.has_list_value() ||
      index >= static_cast<size_t>(value.list_value().values_size())) {
    return nullptr;
  }
  rest.remove_prefix(end + 1);
  return &value.list_value().values(static_cast<int>(index));
}

}  // namespace

ConfigSource::ConfigSource(Catalogue& catalogue, const Module& module, const google::protobuf::Struct& given,
                           std::vector<Metric>* metrics, base::Diagnostics& diagnostics, const base::FieldPath& path)
    : weir_config{sizeof(weir_config), &catalogue.host()},
      catalogue_(catalogue),
      module_(module),
      given_(given),
      metrics_(metrics),
      diagnostics_(diagnostics),
      path_(path),
      errors_before_(diagnostics.errors()) {}

bool ConfigSource::read(const std::string& type) {
  if (type.empty()) {
    *tree_.mutable_struct_value() = given_;
    message_ = given_.SerializeAsString();
    return true;
  }
  if (!catalogue_.setup().read_struct) {
    error("",
          absl::StrCat("the plugin \"", module_.name(), "\" brings messages of its own, which cannot be read here"));
    return false;
  }
  const std::unique_ptr<google::protobuf::Message> message = module_.schema()->make(type);
  catalogue_.setup().read_struct(given_, *message, diagnostics_, path_);
  if (refused()) return false;
  message_ = message->SerializeAsString();
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string json;
  const bool done = google::protobuf::util::MessageToJsonString(*message, &json, options).ok() &&
                    google::protobuf::util::JsonStringToMessage(json, tree_.mutable_struct_value()).ok();
  if (!done) error("", absl::StrCat("a ", type, " that has no JSON form"));
  return done;
}

const Value* ConfigSource::find(std::string_view path) const {
  const Value* value = &tree_;
  while (value != nullptr && !path.empty()) {
    if (path.front() == '[') {
      value = stepIndex(*value, path);
      continue;
    }
    if (path.front() == '.') path.remove_prefix(1);
    const size_t end = std::min(path.find_first_of(".["), path.size());
    value = step(*value, path.substr(0, end));
    path.remove_prefix(end);
  }
  return value;
}

void ConfigSource::error(std::string_view path, std::string_view what) const {
  if (path.empty()) return diagnostics_.error(path_, std::string(what));
  diagnostics_.error(path_.at(path), std::string(what));
}

weir_result ConfigSource::metric(std::string_view name, Metric::Kind kind, uint32_t& id) const {
  if (metrics_ == nullptr) return WEIR_INVALID;
  const auto metric = catalogue_.metric(module_.name(), name, kind);
  if (!metric.ok()) return WEIR_INVALID;
  for (size_t i = 0; i < metrics_->size(); ++i) {
    if ((*metrics_)[i].kind == metric->kind && (*metrics_)[i].index == metric->index) {
      id = static_cast<uint32_t>(i);
      return WEIR_OK;
    }
  }
  id = static_cast<uint32_t>(metrics_->size());
  metrics_->push_back(*metric);
  return WEIR_OK;
}

}  // namespace weir::extensions::plugins
