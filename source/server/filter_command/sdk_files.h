// The headers that filter plugins are compiled with, as they are in api/plugin, inside the binary: whoever has weir has
// them. Constant.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace weir::server {

struct SdkFile {
  std::string_view name;
  std::string_view text;
};
std::span<const SdkFile> sdkFiles();

// Writes a file, which must not be there with another text. The error names it.
absl::Status writeNewFile(const std::string& path, std::string_view text);
// The headers into a folder, which is made.
absl::Status writeSdk(const std::string& folder);

}  // namespace weir::server
