#include "source/extensions/plugins/module.h"

#include <algorithm>
#include <bit>
#include <cstddef>

#include "absl/strings/str_cat.h"
#include "source/base/strings.h"
#include "source/extensions/plugins/abi.h"

namespace weir::extensions::plugins {
namespace {

constexpr size_t kLargestStream = 1 << 20;
constexpr size_t kLargestText = 64 << 20;

bool sane(weir_text text) { return text.size == 0 || (text.data != nullptr && text.size <= kLargestText); }
std::string copy(weir_text text) { return std::string(view(text)); }

bool isName(std::string_view text) {
  return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

template <typename Table>
absl::Status checkTable(const Table& table, const char* kind) {
  if (table.config_new == nullptr || table.config_free == nullptr || table.stream_new == nullptr ||
      table.stream_free == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat(
        "its ", kind, " filter lacks one of config_new, config_free, stream_new and stream_free, which all must have"));
  }
  if (table.stream_size > kLargestStream || table.stream_align > 4096 ||
      !std::has_single_bit(std::max<uint32_t>(table.stream_align, 1))) {
    return absl::InvalidArgumentError(absl::StrCat("its ", kind, " filter wants ", table.stream_size,
                                                   " bytes aligned to ", table.stream_align,
                                                   " for each stream; allowed: 1 MiB, a power of two up to 4096"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<Module>> Module::load(const std::string& path, std::string_view bytes,
                                                     const weir_host_api& host) {
  auto library = Library::load(path, bytes);
  if (!library.ok()) return library.status();
  std::unique_ptr<Module> module(new Module(path));
  module->library_ = *std::move(library);
  void* const entry = module->library_->symbol(WEIR_PLUGIN_ENTRY_SYMBOL);
  if (entry == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, " has no symbol " WEIR_PLUGIN_ENTRY_SYMBOL ": it is no plugin of weir"));
  }
  if (absl::Status status = module->start(reinterpret_cast<weir_plugin_entry_fn>(entry), host); !status.ok()) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": ", status.message()));
  }
  return module;
}

absl::StatusOr<std::unique_ptr<Module>> Module::builtIn(std::string_view name, weir_plugin_entry_fn entry,
                                                        const weir_host_api& host) {
  std::unique_ptr<Module> module(new Module("built in"));
  if (absl::Status status = module->start(entry, host); !status.ok()) {
    return absl::InvalidArgumentError(absl::StrCat("the built-in plugin ", base::av(name), ": ", status.message()));
  }
  return module;
}

Module::~Module() {
  if (plugin_.unload != nullptr) plugin_.unload();
}

absl::Status Module::start(weir_plugin_entry_fn entry, const weir_host_api& host) {
  const weir_plugin* const plugin = entry(&host);
  if (plugin == nullptr) return absl::InvalidArgumentError("its entry refused: it returned null");
  // The versions come first: a table of another major version may mean anything behind them.
  constexpr size_t kVersions = offsetof(weir_plugin, minor) + sizeof(plugin->minor);
  if (plugin->size < kVersions) return absl::InvalidArgumentError("its description has no version");
  if (plugin->major != WEIR_ABI_MAJOR) {
    return absl::InvalidArgumentError(absl::StrCat(
        "it has version ", plugin->major, ".", plugin->minor, " of the plugin ABI; this weir has ", WEIR_ABI_MAJOR, ".",
        WEIR_ABI_MINOR, " and loads every ", WEIR_ABI_MAJOR, ".x; build it again with the headers of this weir"));
  }
  plugin_ = resized(*plugin);
  for (const weir_text text :
       {plugin_.name, plugin_.version, plugin_.descriptor_set, plugin_.config_type, plugin_.route_config_type}) {
    if (!sane(text)) return absl::InvalidArgumentError("its description has a text without bytes, or above 64 MiB");
  }
  name_ = copy(plugin_.name);
  version_ = copy(plugin_.version);
  if (!isName(name_)) {
    return absl::InvalidArgumentError(
        absl::StrCat("it calls itself \"", name_, "\"; allowed: up to 64 letters, digits, '_' and '-'"));
  }
  if (absl::Status status = takeTables(); !status.ok()) return status;
  return takeSchema();
}

absl::Status Module::takeTables() {
  if (plugin_.http == nullptr && plugin_.network == nullptr) {
    return absl::InvalidArgumentError("it has neither an HTTP filter nor a network filter");
  }
  if (plugin_.http != nullptr) {
    http_ = resized(*plugin_.http);
    if (absl::Status status = checkTable(http_, "HTTP"); !status.ok()) return status;
  }
  if (plugin_.network != nullptr) {
    network_ = resized(*plugin_.network);
    if (absl::Status status = checkTable(network_, "network"); !status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status Module::takeSchema() {
  if (plugin_.descriptor_set.size == 0) return absl::OkStatus();
  auto schema = Schema::read({plugin_.descriptor_set.data, plugin_.descriptor_set.size});
  if (!schema.ok()) return schema.status();
  schema_ = *std::move(schema);
  config_type_ = copy(plugin_.config_type);
  route_config_type_ = copy(plugin_.route_config_type);
  for (const std::string& type : {config_type_, route_config_type_}) {
    if (!type.empty() && schema_->find(type) == nullptr) {
      return absl::InvalidArgumentError(
          absl::StrCat("its configuration is a ", type, ", which is not in its descriptor set"));
    }
  }
  return absl::OkStatus();
}

}  // namespace weir::extensions::plugins
