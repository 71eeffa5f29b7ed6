// Options: what the command line says. Parsed once at start; a plain value. parseOptions() touches nothing but its
// arguments. Envoy's spellings (--config-path, -l, --mode validate, --version) are taken as well.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace weir::server {

enum class Command { kRun, kCheck, kExplain, kProxy, kWhy, kFilter, kVersion, kHelp };

struct Options {
  Command command = Command::kRun;
  std::string config_path;              // of run, check and explain; empty: config_yaml is all there is
  std::string config_yaml;              // merged on top of the file
  std::optional<unsigned> concurrency;  // workers; none: as many as CPUs this process may run on
  std::string log_level = "info";
  absl::Duration drain_time = absl::Seconds(30);
  bool schema_only = false;              // of check
  std::string from, to, name = "proxy";  // of proxy
  bool print_config = false;             // of proxy
  std::string question;                  // of explain: "GET https://host/path"
  std::vector<std::string> headers;      // of explain: "name: value"
  bool json = false;                     // of explain
  std::string why_code;                  // of why: a name or flag, or empty
  std::string help_topic;                // of help: a command, or empty
  std::string plugin_path;               // folders of filter plugins, separated by ':'
  std::string filter_action;             // of filter: new, headers, inspect or run
  std::string filter_target;             // of filter: a name, a folder or a shared object
  std::string request_path;              // of filter run
  std::string filter_config;             // of filter run: a file, or text in braces
};

// The arguments without the name of the program. The error is one line: what was seen, the nearest thing that is
// allowed, and how to get help.
absl::StatusOr<Options> parseOptions(std::span<const std::string_view> arguments);

// The help text for a command ("run", "check", "explain", "proxy", "why", "version", "help"), or of weir itself for an
// empty one.
std::string helpText(std::string_view command);

}  // namespace weir::server
