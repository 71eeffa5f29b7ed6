// ConfigSource: a configuration while a plugin reads it: the weir_config that the plugin is given. On the stack of
// whoever makes a configuration; main thread.
#pragma once

#include <google/protobuf/struct.pb.h>

#include <string>
#include <string_view>
#include <vector>

#include "source/base/diagnostics.h"
#include "source/extensions/plugins/catalogue.h"

namespace weir::extensions::plugins {

class ConfigSource final : public weir_config {
 public:
  // Metrics that the plugin defines go to `metrics`; null: it may define none. `path`: of `given`.
  ConfigSource(Catalogue& catalogue, const Module& module, const google::protobuf::Struct& given,
               std::vector<Metric>* metrics, base::Diagnostics& diagnostics, const base::FieldPath& path);

  // Reads what was given as a message of that type of the plugin's schema, or as it is when `type` is empty. False
  // after errors.
  bool read(const std::string& type);

  // Null: there is nothing at that path.
  const google::protobuf::Value* find(std::string_view path) const;
  const std::string& message() const { return message_; }
  void error(std::string_view path, std::string_view what) const;
  // The plugin's number of that metric; none after an error.
  weir_result metric(std::string_view name, Metric::Kind kind, uint32_t& id) const;
  bool refused() const { return diagnostics_.errors() > errors_before_; }

 private:
  Catalogue& catalogue_;
  const Module& module_;
  const google::protobuf::Struct& given_;
  std::vector<Metric>* metrics_;
  base::Diagnostics& diagnostics_;
  const base::FieldPath& path_;
  const size_t errors_before_;
  google::protobuf::Value tree_;
  std::string message_;
};

}  // namespace weir::extensions::plugins
