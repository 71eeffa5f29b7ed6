// explain: what weir would do with a request, without doing it: the listener and chain that take it, the virtual host,
// each route that is tried and why not, the cluster and its hosts, the filters with the configuration in force, the
// time-outs and retries; each with its place in the configuration. Made for `weir explain`, on the main thread, from a
// configuration that was compiled and is not run. The decisions are those of the code that runs requests.
#pragma once

#include "absl/status/statusor.h"
#include "source/config/loader.h"
#include "source/server/compile/server_config.h"
#include "source/server/explain/explain_note.h"
#include "source/server/explain/explain_question.h"

namespace weir::server {

// `config` was compiled from `loaded`. The error is one line: nothing of the configuration takes such a request.
absl::StatusOr<Note> explain(const Question& question, const config::LoadedConfig& loaded, const ServerConfig& config);

}  // namespace weir::server
