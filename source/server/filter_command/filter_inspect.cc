#include "source/server/filter_command/filter_inspect.h"

#include <google/protobuf/descriptor.h>

#include <initializer_list>
#include <utility>

#include "absl/strings/str_cat.h"
#include "source/base/strings.h"
#include "source/extensions/plugins/host_api.h"
#include "source/extensions/plugins/module.h"
#include "weir/options.pb.h"

namespace weir::server {
namespace {

using google::protobuf::FieldDescriptor;
using weir::extensions::plugins::Module;

using Hooks = std::initializer_list<std::pair<const char*, bool>>;

std::string hookNames(Hooks hooks) {
  std::string text;
  for (const auto& [name, there] : hooks) {
    if (there) absl::StrAppend(&text, text.empty() ? "" : ", ", name);
  }
  return text.empty() ? "none" : text;
}

std::string httpHooks(const weir_http_filter& table) {
  return hookNames({{"request_head", table.request_head != nullptr},
                    {"request_data", table.request_data != nullptr},
                    {"request_end", table.request_end != nullptr},
                    {"request_whole", table.request_whole != nullptr},
                    {"response_head", table.response_head != nullptr},
                    {"response_data", table.response_data != nullptr},
                    {"response_end", table.response_end != nullptr},
                    {"response_whole", table.response_whole != nullptr},
                    {"complete", table.complete != nullptr},
                    {"timer", table.timer != nullptr},
                    {"call_done", table.call_done != nullptr}});
}

std::string networkHooks(const weir_network_filter& table) {
  return hookNames({{"open", table.open != nullptr},
                    {"data", table.data != nullptr},
                    {"closed", table.closed != nullptr},
                    {"timer", table.timer != nullptr},
                    {"output", table.output != nullptr},
                    {"call_done", table.call_done != nullptr}});
}

std::string typeName(const FieldDescriptor& field) {
  std::string name = field.message_type() != nullptr ? field.message_type()->full_name()
                     : field.enum_type() != nullptr  ? field.enum_type()->full_name()
                                                     : std::string(field.type_name());
  return field.is_map() ? "map" : field.is_repeated() ? absl::StrCat("list of ", name) : name;
}

std::string fieldsOf(const Module& module, const char* label, const std::string& type) {
  if (type.empty()) return absl::StrCat(label, "any fields (google.protobuf.Struct)\n");
  std::string text = absl::StrCat(label, type, "\n");
  const google::protobuf::Descriptor& message = *module.schema()->find(type);
  for (int i = 0; i < message.field_count(); ++i) {
    const FieldDescriptor& field = *message.field(i);
    const std::string& rule = field.options().GetExtension(::weir::rule);
    absl::StrAppend(&text, "  ", field.name(), ": ", typeName(field), rule.empty() ? "" : "; ", rule, "\n");
  }
  return text;
}

}  // namespace

absl::StatusOr<std::string> inspectFilter(const std::string& path) {
  const auto bytes = extensions::plugins::readFile(path);
  if (!bytes.ok()) return bytes.status();
  const auto loaded = Module::load(path, *bytes, extensions::plugins::hostApi());
  if (!loaded.ok()) return loaded.status();
  const Module& module = **loaded;
  std::string text =
      absl::StrCat("name: ", module.name(), "\nversion: ", module.version(), "\nABI: ", module.abiMajor(), ".",
                   module.abiMinor(), " (this weir has ", WEIR_ABI_MAJOR, ".", WEIR_ABI_MINOR, ")\n");
  if (module.http() != nullptr) {
    absl::StrAppend(&text, "HTTP filter with the hooks ", httpHooks(*module.http()), "\n");
  }
  if (module.network() != nullptr) {
    absl::StrAppend(&text, "network filter with the hooks ", networkHooks(*module.network()), "\n");
  }
  absl::StrAppend(&text, fieldsOf(module, "configuration: ", module.configType()));
  if (module.http() != nullptr && module.http()->route_config_new != nullptr) {
    absl::StrAppend(&text, fieldsOf(module, "configuration of a route: ", module.routeConfigType()));
  }
  return text;
}

}  // namespace weir::server
