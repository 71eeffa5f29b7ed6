// The weir binary: the command line in, the exit code out. 0: all is well. 1: the configuration or the machine does not
// allow it. 2: the command line is not understood.

#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "source/base/breadcrumb.h"
#include "source/base/clock.h"
#include "source/base/log.h"
#include "source/base/strings.h"
#include "source/server/commands.h"
#include "source/server/filter_command/filter_command.h"
#include "source/server/options.h"
#include "source/server/version.h"

namespace weir::server {
namespace {

void print(FILE* stream, const std::string& text) { std::fwrite(text.data(), 1, text.size(), stream); }

int runMain(const std::vector<std::string_view>& arguments) {
  const base::MonotonicTime started = base::RealClock().monotonic();
  const auto options = parseOptions(arguments);
  if (!options.ok()) {
    print(stderr, absl::StrCat("weir: ", options.status().message(), "\n"));
    return 2;
  }
  base::setLogLevel(options->log_level);
  base::installCrashReport();
  switch (options->command) {
    case Command::kRun:
      return runCommand(*options, started);
    case Command::kCheck:
      return checkCommand(*options);
    case Command::kExplain:
      return explainCommand(*options);
    case Command::kProxy:
      return proxyCommand(*options, started);
    case Command::kWhy:
      return whyCommand(*options);
    case Command::kFilter:
      return filterCommand(
          {options->filter_action, options->filter_target, options->request_path, options->filter_config});
    case Command::kVersion:
      print(stdout, absl::StrCat("weir ", base::av(kVersion), "\n"));
      return 0;
    case Command::kHelp:
      print(stdout, helpText(options->help_topic));
      return 0;
  }
  return 2;
}

}  // namespace
}  // namespace weir::server

int main(int argc, char** argv) { return weir::server::runMain(std::vector<std::string_view>(argv + 1, argv + argc)); }
