// What the ext_authz filter asks a service, and what it makes of the answer, over HTTP or over gRPC. Service: where and
// how to ask, compiled at load, immutable, shared by workers. makeCheck() and readAnswer() are pure functions of one
// exchange; what they make stands in its arena.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "source/filter/http_filter.h"
#include "source/filter/matchers.h"
#include "source/filter/side_call.h"

namespace weir::extensions::ext_authz {

using Matchers = std::vector<filter::StringMatcher>;

struct Service {
  bool grpc = false;
  std::string cluster;
  absl::Duration timeout;
  std::string authority;      // gRPC
  std::string path_prefix;    // HTTP
  std::string path_override;  // HTTP; instead of the path of the request
  // Literal, lower-case names.
  std::vector<std::pair<std::string, std::string>> headers_to_add;
  // Of the request. None: HTTP sends authorization alone, gRPC all.
  std::optional<Matchers> allowed_headers;
  Matchers disallowed_headers;
  bool pack_as_bytes = false;
  bool tls_session = false;       // gRPC
  bool peer_certificate = false;  // gRPC
  // Of the answer, over HTTP.
  Matchers to_upstream;
  Matchers to_upstream_append;
  std::optional<Matchers> to_client;  // when denied; none: all
  Matchers to_client_on_success;
};

// What the service said.
struct Decision {
  enum class Kind : uint8_t { kAllow, kDeny, kError };
  explicit Decision(base::Arena& arena)
      : request_set(arena), request_append(arena), request_remove(arena), client(arena) {}

  Kind kind = Kind::kError;
  uint16_t status = 403;        // of the answer to the client, when denied
  std::string_view body;        // likewise
  http::HeaderMap request_set;  // replace what the request has
  http::HeaderMap request_append;
  http::HeaderMap request_remove;  // names alone
  http::HeaderMap client;          // for the response to the client, allowed or denied
};

// What is shown of the body; `partial` when there is more of it.
struct Body {
  std::string_view bytes;
  bool partial = false;
};

using Extensions = std::map<std::string, std::string>;

// The request to the service. Its head stands in the arena of `head`.
filter::SideRequest makeCheck(const Service& service, const http::Head& head, const filter::StreamInfo& info,
                              const std::optional<Body>& body, const Extensions& extensions, buffer::BlockPool& pool);
Decision readAnswer(const Service& service, const filter::SideResponse& response, base::Arena& arena);

}  // namespace weir::extensions::ext_authz
