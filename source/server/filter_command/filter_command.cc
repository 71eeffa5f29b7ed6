#include "source/server/filter_command/filter_command.h"

#include <cstdio>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "source/server/filter_command/filter_inspect.h"
#include "source/server/filter_command/filter_new.h"
#include "source/server/filter_command/filter_run.h"
#include "source/server/filter_command/sdk_files.h"

namespace weir::server {
namespace {

absl::StatusOr<std::string> headers(const std::string& folder) {
  if (absl::Status status = writeSdk(folder); !status.ok()) return status;
  std::string text;
  for (const SdkFile& file : sdkFiles()) {
    absl::StrAppend(&text, "wrote ", folder, "/", std::string(file.name), "\n");
  }
  return text;
}

absl::StatusOr<std::string> act(const FilterRequest& request) {
  const std::string& target = request.target;
  if (request.action == "new") return newFilter(target);
  if (request.action == "headers") return headers(target);
  if (request.action == "inspect") return inspectFilter(target);
  return runFilter({target, request.request, request.config});
}

}  // namespace

int filterCommand(const FilterRequest& request) {
  const auto text = act(request);
  if (text.ok()) {
    std::fwrite(text->data(), 1, text->size(), stdout);
    return 0;
  }
  std::string line = absl::StrCat("weir: ", text.status().message());
  if (line.back() != '\n') line += '\n';
  std::fwrite(line.data(), 1, line.size(), stderr);
  return 1;
}

}  // namespace weir::server
