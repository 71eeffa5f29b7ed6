#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <vector>

#include "source/base/log.h"
#include "source/extensions/plugins/abi.h"
#include "source/extensions/plugins/config_source.h"
#include "source/extensions/plugins/host_api.h"

namespace weir::extensions::plugins {
namespace {

using google::protobuf::Value;

const ConfigSource& source(const weir_config* config) { return *static_cast<const ConfigSource*>(config); }

weir_value valueOf(const Value& value) {
  weir_value out{};
  out.size = sizeof(out);
  switch (value.kind_case()) {
    case Value::kBoolValue:
      out.kind = WEIR_VALUE_BOOL;
      out.boolean = value.bool_value() ? 1 : 0;
      break;
    case Value::kNumberValue:
      out.kind = WEIR_VALUE_NUMBER;
      out.number = value.number_value();
      break;
    case Value::kStringValue:
      out.kind = WEIR_VALUE_TEXT;
      out.text = text(value.string_value());
      break;
    case Value::kListValue:
      out.kind = WEIR_VALUE_LIST;
      out.count = static_cast<size_t>(value.list_value().values_size());
      break;
    case Value::kStructValue:
      out.kind = WEIR_VALUE_MAP;
      out.count = value.struct_value().fields().size();
      break;
    default:
      out.kind = WEIR_VALUE_NULL;
  }
  return out;
}

weir_result define(const weir_config* config, weir_text name, Metric::Kind kind, uint32_t* id) {
  if (config == nullptr || id == nullptr) return WEIR_INVALID;
  return source(config).metric(view(name), kind, *id);
}

}  // namespace

void hostLog(uint32_t level, weir_text line) {
  constexpr std::array<base::LogLevel, 4> kLevels = {base::LogLevel::kDebug, base::LogLevel::kInfo,
                                                     base::LogLevel::kWarning, base::LogLevel::kError};
  const base::LogLevel as = kLevels[std::clamp<uint32_t>(level, 1, kLevels.size()) - 1];
  if (base::logEnabled(as)) base::logLine(as, view(line));
}

weir_result configGet(const weir_config* config, weir_text path, weir_value* out) {
  if (config == nullptr || out == nullptr || out->size < offsetof(weir_value, text)) return WEIR_INVALID;
  const Value* const found = source(config).find(view(path));
  if (found == nullptr) return WEIR_NOT_FOUND;
  weir_value value = valueOf(*found);
  value.size = std::min(out->size, sizeof(value));
  std::memcpy(out, &value, value.size);
  return WEIR_OK;
}

// Protobuf's maps have no order; a plugin that counts through one gets them by name.
weir_result configKey(const weir_config* config, weir_text path, size_t index, weir_text* out) {
  if (config == nullptr || out == nullptr) return WEIR_INVALID;
  const Value* const found = source(config).find(view(path));
  if (found == nullptr || !found->has_struct_value()) return WEIR_NOT_FOUND;
  std::vector<std::string_view> keys;
  for (const auto& [key, value] : found->struct_value().fields()) keys.push_back(key);
  if (index >= keys.size()) return WEIR_NOT_FOUND;
  std::sort(keys.begin(), keys.end());
  *out = text(keys[index]);
  return WEIR_OK;
}

weir_result configMessage(const weir_config* config, weir_text* out) {
  if (config == nullptr || out == nullptr) return WEIR_INVALID;
  *out = text(source(config).message());
  return WEIR_OK;
}

void configError(const weir_config* config, weir_text path, weir_text message) {
  if (config != nullptr) source(config).error(view(path), view(message));
}

weir_result configCounter(const weir_config* config, weir_text name, uint32_t* id) {
  return define(config, name, Metric::Kind::kCounter, id);
}
weir_result configGauge(const weir_config* config, weir_text name, uint32_t* id) {
  return define(config, name, Metric::Kind::kGauge, id);
}
weir_result configHistogram(const weir_config* config, weir_text name, uint32_t* id) {
  return define(config, name, Metric::Kind::kHistogram, id);
}

}  // namespace weir::extensions::plugins
