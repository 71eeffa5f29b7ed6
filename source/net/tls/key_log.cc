#include "source/net/tls/key_log.h"

#include <fcntl.h>
#include <sys/types.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace weir::net::tls {
namespace {

// Where a context keeps its log: application data 0 is the context's own.
int logIndex() {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

}  // namespace

absl::StatusOr<std::unique_ptr<KeyLog>> KeyLog::open(const std::string& path) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) {
    return absl::InvalidArgumentError(absl::StrCat("cannot open '", path, "' for appending: ", std::strerror(errno)));
  }
  return std::unique_ptr<KeyLog>(new KeyLog(fd));
}

KeyLog::~KeyLog() { ::close(fd_); }

void KeyLog::attach(SSL_CTX* context) const {
  SSL_CTX_set_ex_data(context, logIndex(), const_cast<KeyLog*>(this));
  SSL_CTX_set_keylog_callback(context, &KeyLog::onSecret);
}

void KeyLog::onSecret(const SSL* ssl, const char* line) {
  const auto* const self = static_cast<const KeyLog*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), logIndex()));
  const std::string text = absl::StrCat(line, "\n");
  // A full disk costs lines of a debugging file, and nothing else.
  [[maybe_unused]] const ssize_t written = ::write(self->fd_, text.data(), text.size());
}

}  // namespace weir::net::tls
