// LogFile: one open log file, or standard output or error. Made and owned by the LogWriter; after the start only the
// writer thread uses it. Writing may block that thread, and no other.
#pragma once

#include <sys/uio.h>

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace weir::server {

class LogFile {
 public:
  // Appends, and makes the file (0644) where there is none. "/dev/stdout" and "/dev/stderr" are the process's own. The
  // error names the path and the errno.
  static absl::StatusOr<std::unique_ptr<LogFile>> open(std::string_view path);
  ~LogFile();
  LogFile(const LogFile&) = delete;
  LogFile& operator=(const LogFile&) = delete;

  // Opens the path again, after a rotation; keeps the old file when that fails. Nothing to do for standard streams.
  absl::Status reopen();
  // Writes all pieces, in order, as many at once as fit; a piece that a pipe can take whole is not torn. Changes the
  // list. While a pipe or a terminal takes nothing, asks `give_up` ten times a second.
  absl::Status write(std::span<iovec> pieces, absl::FunctionRef<bool()> give_up);

  const std::string& path() const { return path_; }

 private:
  LogFile(std::string path, int fd, bool standard);

  const std::string path_;
  int fd_;
  const bool standard_;
  bool may_stall_;  // a pipe, a terminal, a socket: not a regular file
};

}  // namespace weir::server
