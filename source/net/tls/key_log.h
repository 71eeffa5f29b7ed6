// KeyLog: appends the secrets of TLS sessions to a file in the format that packet analysers read (SSLKEYLOGFILE). For
// debugging only: whoever has the file can read the traffic. Opened at load, shared by workers; a line is one write
// to a file opened for appending, so lines of several workers do not mix.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace weir::net::tls {

class KeyLog {
 public:
  // Made with mode 0600 if it is not there. The error names the file.
  static absl::StatusOr<std::unique_ptr<KeyLog>> open(const std::string& path);
  ~KeyLog();
  KeyLog(const KeyLog&) = delete;
  KeyLog& operator=(const KeyLog&) = delete;

  // Connections of `context` are logged from now on. The log must outlive them.
  void attach(SSL_CTX* context) const;

 private:
  explicit KeyLog(int fd) : fd_(fd) {}
  static void onSecret(const SSL* ssl, const char* line);

  int fd_;
};

}  // namespace weir::net::tls
