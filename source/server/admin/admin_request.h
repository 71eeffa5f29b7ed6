// AdminRequest, AdminResponse: one request to the admin endpoint and its answer, as plain values; and how a request
// target is taken apart.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace weir::server {

struct AdminRequest {
  std::string method;
  std::string target;                                     // as it was asked for
  std::string path;                                       // without the query
  std::map<std::string, std::string, std::less<>> query;  // decoded; a parameter without "=" has an empty value
  std::string authority;
  std::optional<std::string> origin;

  bool has(std::string_view parameter) const { return query.find(parameter) != query.end(); }
  // The value of a parameter, or an empty one.
  std::string_view value(std::string_view parameter) const;
};

struct AdminResponse {
  uint16_t status = 200;
  std::string body;
  std::string content_type = "text/plain; charset=UTF-8";
  std::string allow;  // of a 405
};

// Fills target, path and query from "/stats?filter=a%2eb&usedonly". A malformed %xx stays as it is.
void splitTarget(std::string_view target, AdminRequest& request);

}  // namespace weir::server
