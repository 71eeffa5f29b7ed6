// `weir filter`: what helps to write filter plugins. Main thread. What was asked for goes to stdout, errors to stderr.
#pragma once

#include <string>

namespace weir::server {

struct FilterRequest {
  std::string action;   // new, run, inspect or headers
  std::string target;   // a name, a shared object or a folder
  std::string request;  // of run: a file
  std::string config;   // of run: a file, or text in braces; may be empty
};

// The exit code of the process: 0 all is well, 1 it is not.
int filterCommand(const FilterRequest& request);

}  // namespace weir::server
