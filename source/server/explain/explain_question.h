// Question: the request that `weir explain` is asked about, taken from the words of the command line. A plain value.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "source/http/head.h"

namespace weir::server {

struct Question {
  std::string method = "GET";
  std::string scheme;                                        // "http" or "https"
  std::string authority;                                     // as the client would send it
  std::string path;                                          // with its query; empty for CONNECT
  uint16_t port = 80;                                        // that the client would connect to
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case

  std::string text() const { return method + " " + scheme + "://" + authority + path; }
  // As a codec would have made it, in the arena of `head`.
  void fill(http::Head& head) const;
};

// `words`: "METHOD URL" or a URL alone (GET), or "CONNECT host:port". `headers`: "name: value"; `host` replaces the
// authority. The error is one line.
absl::StatusOr<Question> parseQuestion(std::string_view words, const std::vector<std::string>& headers);

}  // namespace weir::server
