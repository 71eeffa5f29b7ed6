// Module: one version of a plugin that is in the process: what its entry answered, checked, with its tables brought to
// the size that this weir knows. Made by the Catalogue on the main thread, and destroyed there when nothing of it is
// in use any more, which unloads it.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "api/plugin/weir_plugin.h"
#include "source/extensions/plugins/library.h"
#include "source/extensions/plugins/schema.h"

namespace weir::extensions::plugins {

class Module {
 public:
  // From a shared object. The error names the path and says what is wrong.
  static absl::StatusOr<std::unique_ptr<Module>> load(const std::string& path, std::string_view bytes,
                                                      const weir_host_api& host);
  // From a plugin that is linked into the program.
  static absl::StatusOr<std::unique_ptr<Module>> builtIn(std::string_view name, weir_plugin_entry_fn entry,
                                                         const weir_host_api& host);
  ~Module();
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;

  const std::string& origin() const { return origin_; }  // the path, or "built in"
  const std::string& name() const { return name_; }
  const std::string& version() const { return version_; }
  uint16_t abiMajor() const { return plugin_.major; }
  uint16_t abiMinor() const { return plugin_.minor; }
  // Null where the plugin is not of that kind.
  const weir_http_filter* http() const { return plugin_.http == nullptr ? nullptr : &http_; }
  const weir_network_filter* network() const { return plugin_.network == nullptr ? nullptr : &network_; }
  // Null where a configuration is a google.protobuf.Struct.
  Schema* schema() const { return schema_.get(); }
  // Full names; empty without a schema, or for a plugin that looks at no configuration of that kind.
  const std::string& configType() const { return config_type_; }
  const std::string& routeConfigType() const { return route_config_type_; }

 private:
  explicit Module(std::string origin) : origin_(std::move(origin)) {}
  absl::Status start(weir_plugin_entry_fn entry, const weir_host_api& host);
  absl::Status takeTables();
  absl::Status takeSchema();

  std::string origin_;
  std::unique_ptr<Library> library_;  // null when built in
  weir_plugin plugin_{};
  weir_http_filter http_{};
  weir_network_filter network_{};
  std::string name_;
  std::string version_;
  std::unique_ptr<Schema> schema_;
  std::string config_type_;
  std::string route_config_type_;
};

}  // namespace weir::extensions::plugins
