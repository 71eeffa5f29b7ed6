// compileLoaded: from what the loader read to a ServerConfig; and where the loader found errors, the errors of meaning
// in the rest of the file, so that one run reports all of both. Main thread.
#pragma once

#include <memory>

#include "source/base/diagnostics.h"
#include "source/config/loader.h"
#include "source/server/compile/compile_bootstrap.h"
#include "source/server/compile/server_config.h"

namespace weir::server {

// Null after errors, those that `diagnostics` holds already included: they are to stem from this very load. Reports no
// error of meaning that one of theirs may be the cause of. The references of `context` must outlive the result.
std::unique_ptr<const ServerConfig> compileLoaded(const config::LoadedConfig& loaded, const CompileContext& context,
                                                  base::Diagnostics& diagnostics);

}  // namespace weir::server
