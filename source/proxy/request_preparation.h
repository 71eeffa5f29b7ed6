// Request preparation: what the connection manager makes of a request head before routes and filters see it: the path
// normalised, ports stripped from the host, who the client is, the request id, and headers that only weir may set.
// Called once per exchange; keeps nothing. New text is in the arena of the head.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "source/base/random.h"
#include "source/filter/stream_info.h"
#include "source/http/head.h"
#include "source/http/path.h"
#include "source/net/address.h"

namespace weir::proxy {

struct RequestOptions {
  // What a connection without TLS is, whatever the request says of itself; with it, it is https. Static text.
  std::string_view scheme = "http";
  // What every request is, whatever it came over. Static text; empty: what it came over.
  std::string_view scheme_always = {};
  // The peer of the socket is the client: x-forwarded-for is not believed, and x-envoy-* headers are removed.
  bool use_remote_address = false;
  uint32_t xff_num_trusted_hops = 0;
  bool skip_xff_append = false;
  bool append_x_forwarded_port = false;
  // Clients of the own network, whose x-envoy-* headers are believed: none by default.
  std::vector<net::CidrRange> internal_ranges;
  bool internal_unix_sockets = false;
  bool generate_request_id = true;
  bool preserve_external_request_id = false;
  bool strip_matching_host_port = false;
  bool strip_any_host_port = false;
  bool strip_trailing_host_dot = false;
  std::string via;  // empty: none
  http::PathOptions path;

  // Whether what a peer says of itself is not believed.
  bool external() const { return use_remote_address && xff_num_trusted_hops == 0; }
};

struct Preparation {
  http::Reason refusal = http::Reason::kNone;  // the request goes no further
  bool redirect = false;                       // answer with a redirect to head.path
};

// Fills info.downstream_remote and info.request_id, from info.downstream_local and info.downstream_direct_remote.
Preparation prepareRequest(http::Head& head, filter::StreamInfo& info, const RequestOptions& options,
                           base::Random& random);

// A random UUID of version 4 (RFC 9562 section 5.4), in the arena.
std::string_view makeRequestId(base::Random& random, base::Arena& arena);

}  // namespace weir::proxy
