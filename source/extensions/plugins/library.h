// Library: one shared object in the process. A private copy of the file is loaded, so that writing over the file later
// cannot touch code that runs, and so that a changed file is another object. The file's headers are checked before the
// dynamic linker sees it. The only code that calls dlopen. Main thread; destroying it unloads the object.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace weir::extensions::plugins {

// What tells one state of a file from another.
struct FileState {
  uint64_t device = 0;
  uint64_t inode = 0;
  uint64_t size = 0;
  int64_t changed_ns = 0;  // of its content
  friend bool operator==(const FileState&, const FileState&) = default;
};

// Not found, no file, not readable: the message names the path.
absl::StatusOr<FileState> fileState(const std::string& path);
// At most 256 MiB.
absl::StatusOr<std::string> readFile(const std::string& path);

// Whether it is a shared object for this processor that is all there; the message says what it is instead.
absl::Status checkSharedObject(std::string_view bytes);

class Library {
 public:
  // `path` is for messages only.
  static absl::StatusOr<std::unique_ptr<Library>> load(const std::string& path, std::string_view bytes);
  ~Library();
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;

  // Null when there is no such symbol.
  void* symbol(const char* name) const;

 private:
  Library(void* handle, int descriptor) : handle_(handle), descriptor_(descriptor) {}

  void* handle_;
  // Kept open: the dynamic linker knows objects by name, and the name is made of this number.
  int descriptor_;
};

}  // namespace weir::extensions::plugins
