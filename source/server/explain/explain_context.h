// ExplainContext: what the parts of an explanation look at: the compiled configuration that decides, the messages that
// it was compiled from, and where each of their fields stands in the files. On the stack of explain().
#pragma once

#include <string>

#include "absl/strings/str_cat.h"
#include "envoy/config/listener/v3/listener.pb.h"
#include "envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.pb.h"
#include "source/config/loader.h"
#include "source/proxy/http_connection_manager_config.h"
#include "source/proxy/routes/route_explanation.h"
#include "source/server/compile/server_config.h"

namespace weir::server {

struct ExplainContext {
  using Manager = envoy::extensions::filters::network::http_connection_manager::v3::HttpConnectionManager;

  const config::LoadedConfig& loaded;
  const ServerConfig& config;
  const proxy::HttpConnectionManagerConfig& manager;
  Manager message;           // of the connection manager
  std::string manager_path;  // the text of its FieldPath

  // "file:line" of that field, or of the nearest one around it.
  std::string at(const std::string& path) const {
    const config::Position position = loaded.sources.find(path);
    if (position.file.empty() || position.line == 0) return position.file;
    return absl::StrCat(position.file, ":", position.line);
  }
  // The same if a file gives it; else empty: it is a default.
  std::string atIfGiven(const std::string& path) const { return loaded.sources.has(path) ? at(path) : std::string(); }
};

}  // namespace weir::server
