// Small conversions between the C types of the plugin ABI and ours.
#pragma once

#include <algorithm>
#include <cstring>
#include <string_view>

#include "api/plugin/weir_plugin.h"

namespace weir::extensions::plugins {

// A table of the other side's size as one of ours: what it lacks is zero, what it has beyond is left.
template <typename Table>
Table resized(const Table& table) {
  Table ours{};
  std::memcpy(static_cast<void*>(&ours), &table, std::min(table.size, sizeof(Table)));
  ours.size = sizeof(Table);
  return ours;
}

inline std::string_view view(weir_text text) {
  return text.data == nullptr ? std::string_view() : std::string_view(text.data, text.size);
}
inline weir_text text(std::string_view view) { return {view.data(), view.size()}; }

// The entry of a plugin that is linked into the program.
struct BuiltInPlugin {
  std::string_view name;
  weir_plugin_entry_fn entry = nullptr;
};

}  // namespace weir::extensions::plugins
