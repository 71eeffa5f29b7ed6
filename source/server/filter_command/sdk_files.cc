#include "source/server/filter_command/sdk_files.h"

#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "source/base/strings.h"

namespace weir::server {
namespace {

constexpr std::array kFiles = {
#include "source/server/filter_command/sdk_text.inc"
};

}  // namespace

std::span<const SdkFile> sdkFiles() { return kFiles; }

absl::Status writeNewFile(const std::string& path, std::string_view text) {
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), error);
  if (std::ifstream before(path, std::ios::binary); before) {
    const std::string found((std::istreambuf_iterator<char>(before)), std::istreambuf_iterator<char>());
    if (found == text) return absl::OkStatus();
    return absl::AlreadyExistsError(absl::StrCat(path, " is there already, and is another file"));
  }
  std::ofstream out(path, std::ios::binary);
  out << text;
  out.close();
  if (!out) return absl::UnavailableError(absl::StrCat(path, " cannot be written"));
  return absl::OkStatus();
}

absl::Status writeSdk(const std::string& folder) {
  for (const SdkFile& file : sdkFiles()) {
    const std::string path = absl::StrCat(folder, "/", base::av(file.name));
    if (absl::Status status = writeNewFile(path, file.text); !status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace weir::server
