// runFilter: one request through one HTTP filter plugin, without a network: the chain, the clock and the plugin are the
// real ones, the client is a file and the upstream answers 200. Main thread; returns when the exchange is over, or
// after ten seconds.
#pragma once

#include <string>

#include "absl/status/statusor.h"

namespace weir::server {

struct FilterRun {
  std::string plugin;   // path of the shared object
  std::string request;  // path of a file that holds an HTTP/1.1 request as text; lines may end with LF alone
  std::string config;   // path of a YAML or JSON file, or the text itself when it begins with '{'; may be empty
};

// What the upstream got and what the client got, as text. The error is why it could not be run, with the place in the
// configuration that is to blame where there is one.
absl::StatusOr<std::string> runFilter(const FilterRun& run);

}  // namespace weir::server
