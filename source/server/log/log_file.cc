#include "source/server/log/log_file.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "source/base/strings.h"

namespace weir::server {
namespace {

constexpr int kStallMs = 100;

absl::Status failed(std::string_view what, std::string_view path, int error) {
  return absl::UnavailableError(
      absl::StrCat("cannot ", base::av(what), " \"", base::av(path), "\": ", std::strerror(error)));
}

bool mayStall(int fd) {
  struct stat info {};
  return ::fstat(fd, &info) != 0 || !S_ISREG(info.st_mode);
}

int openAppending(const std::string& path) {
  return ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0644);
}

// Takes `bytes` off the front of the list.
std::span<iovec> withoutFront(std::span<iovec> pieces, size_t bytes) {
  while (!pieces.empty() && bytes >= pieces.front().iov_len) {
    bytes -= pieces.front().iov_len;
    pieces = pieces.subspan(1);
  }
  if (!pieces.empty()) {
    pieces.front().iov_base = static_cast<char*>(pieces.front().iov_base) + bytes;
    pieces.front().iov_len -= bytes;
  }
  return pieces;
}

// As many of the first pieces as go into a pipe at once without being torn, at least one.
std::span<iovec> fittingPipe(std::span<iovec> pieces) {
  size_t bytes = 0;
  size_t count = 0;
  while (count < pieces.size() && count < IOV_MAX && bytes + pieces[count].iov_len <= PIPE_BUF) {
    bytes += pieces[count++].iov_len;
  }
  return pieces.first(std::max<size_t>(count, 1));
}

// Of one piece that is too long for that, the front.
ssize_t writeToPipe(int fd, std::span<iovec> pieces) {
  const std::span<iovec> fitting = fittingPipe(pieces);
  if (fitting.size() > 1) return ::writev(fd, fitting.data(), static_cast<int>(fitting.size()));
  return ::write(fd, fitting.front().iov_base, std::min<size_t>(fitting.front().iov_len, PIPE_BUF));
}

}  // namespace

LogFile::LogFile(std::string path, int fd, bool standard)
    : path_(std::move(path)), fd_(fd), standard_(standard), may_stall_(mayStall(fd)) {}

LogFile::~LogFile() {
  if (!standard_) ::close(fd_);
}

absl::StatusOr<std::unique_ptr<LogFile>> LogFile::open(std::string_view path) {
  std::string name(path);
  if (name == "/dev/stdout") return std::unique_ptr<LogFile>(new LogFile(std::move(name), STDOUT_FILENO, true));
  if (name == "/dev/stderr") return std::unique_ptr<LogFile>(new LogFile(std::move(name), STDERR_FILENO, true));
  const int fd = openAppending(name);
  if (fd < 0) return failed("open", name, errno);
  return std::unique_ptr<LogFile>(new LogFile(std::move(name), fd, false));
}

absl::Status LogFile::reopen() {
  if (standard_) return absl::OkStatus();
  const int fd = openAppending(path_);
  if (fd < 0) return failed("reopen", path_, errno);
  ::close(std::exchange(fd_, fd));
  may_stall_ = mayStall(fd_);
  return absl::OkStatus();
}

absl::Status LogFile::write(std::span<iovec> pieces, absl::FunctionRef<bool()> give_up) {
  pieces = withoutFront(pieces, 0);
  while (!pieces.empty()) {
    ssize_t written;
    if (may_stall_) {
      // Ready means that PIPE_BUF bytes fit, so a write of no more than that does not block.
      pollfd ready{fd_, POLLOUT, 0};
      if (::poll(&ready, 1, kStallMs) == 0) {
        if (give_up()) return absl::CancelledError(absl::StrCat("\"", path_, "\" takes no more"));
        continue;
      }
      written = writeToPipe(fd_, pieces);
    } else {
      written = ::writev(fd_, pieces.data(), static_cast<int>(std::min<size_t>(pieces.size(), IOV_MAX)));
    }
    if (written < 0) {
      if (errno == EINTR || errno == EAGAIN) continue;
      return failed("write to", path_, errno);
    }
    pieces = withoutFront(pieces, static_cast<size_t>(written));
  }
  return absl::OkStatus();
}

}  // namespace weir::server
