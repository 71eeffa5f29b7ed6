// The commands of the command line, each from its options to the exit code of the process: 0 all is well, 1 it is not.
// Main thread. Reports go to stderr, what was asked for to stdout.
#pragma once

#include "source/base/clock.h"
#include "source/server/options.h"

namespace weir::server {

// `started` is when the process did, on the clock of the machine.
int runCommand(const Options& options, base::MonotonicTime started);
int checkCommand(const Options& options);
int explainCommand(const Options& options);
int proxyCommand(const Options& options, base::MonotonicTime started);
int whyCommand(const Options& options);

}  // namespace weir::server
