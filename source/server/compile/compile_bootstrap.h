// compileBootstrap: from the checked Bootstrap message to a ServerConfig. Main thread, at start or for `weir check`.
// Finds what the fields mean together: clusters that are named but not there, names and addresses that are taken twice,
// filter chains without an end. Every error is reported, under the path of the field it is about.
#pragma once

#include <memory>

#include "source/base/clock.h"
#include "source/base/diagnostics.h"
#include "source/extensions/registry.h"
#include "source/proxy/session_factory.h"
#include "source/server/compile/server_config.h"
#include "source/stats/stats.h"

namespace envoy::config::bootstrap::v3 {
class Bootstrap;
}

namespace weir::server {

// Where the admin endpoint listens when the configuration has an admin block without an address.
inline constexpr std::string_view kDefaultAdminIp = "127.0.0.1";
inline constexpr uint16_t kDefaultAdminPort = 9901;

struct CompileContext {
  stats::Registry& stats;
  const base::Clock& clock;
  const extensions::Registry& extensions;
  proxy::LogSinks& sinks;
  // Opens and reads no file that the configuration names; the result must not be run.
  bool schema_only = false;
  // The clusters are not all known: a name of one that is not there is no error.
  bool any_cluster = false;
};

// Null after errors. The references of `context` must outlive the result.
std::unique_ptr<ServerConfig> compileBootstrap(const envoy::config::bootstrap::v3::Bootstrap& bootstrap,
                                               const CompileContext& context, base::Diagnostics& diagnostics);

}  // namespace weir::server
