// HttpConnectionManagerConfig: one configured HTTP connection manager, compiled at load
// (source/extensions/filters/network/http_connection_manager); immutable, shared by workers, alive as long as the
// configuration. The defaults are those that are shipped.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "source/filter/access_log.h"
#include "source/filter/http_chain_config.h"
#include "source/filter/matchers.h"
#include "source/http/h1/options.h"
#include "source/http/h2/options.h"
#include "source/http/keepalive.h"
#include "source/proxy/client_certificate.h"
#include "source/proxy/http_stats.h"
#include "source/proxy/proxy_status.h"
#include "source/proxy/request_preparation.h"
#include "source/proxy/routes/local_reply.h"
#include "source/proxy/routes/route_table.h"

namespace weir::proxy {

enum class ServerHeader : uint8_t { kOverwrite, kAppendIfAbsent, kPassThrough };

// What clients may speak; kAuto: either, as the first bytes say.
enum class DownstreamProtocol : uint8_t { kAuto, kHttp1, kHttp2 };

struct HttpConnectionManagerConfig {
  std::shared_ptr<const filter::ListenerFacts> listener;  // null: nothing is said
  std::string stat_prefix;
  HttpStats stats;
  std::unique_ptr<const RouteTable> routes;
  std::unique_ptr<const filter::HttpChainConfig> filters;
  std::vector<std::unique_ptr<filter::AccessLog>> access_logs;
  DownstreamProtocol protocol = DownstreamProtocol::kAuto;
  http::h1::H1Options h1;
  http::h2::H2Options h2;
  std::optional<http::KeepaliveOptions> h2_keepalive;
  RequestOptions request;
  ClientCertificateOptions client_certificate;
  // Upgrade tokens (lower case; "connect" for CONNECT), and whether they are allowed where the route says nothing.
  std::vector<std::pair<std::string, bool>> upgrades;
  // Tokens of HTTP/1 requests that are not there for anybody: the request goes on as one without an upgrade.
  std::vector<filter::StringMatcher> ignored_upgrades;

  LocalReplyRules local_replies;
  std::optional<ProxyStatusConfig> proxy_status;  // none: the header is not set
  // What these two make of an answer.
  void adapt(filter::LocalReply& reply, filter::StreamInfo& info, base::Arena& arena) const {
    if (proxy_status && proxy_status->recommended_status) {
      if (const uint16_t status = proxyError(reply.reason).recommended; status != 0) reply.status = status;
    }
    local_replies.apply(reply, info, arena);
  }

  ServerHeader server_header = ServerHeader::kOverwrite;
  std::string server_name = "weir";
  bool always_set_request_id_in_response = false;
  // The router adds no x-envoy-* headers.
  bool suppress_envoy_headers = false;
  // :scheme says to the upstream how the connection there is protected, not that of the client.
  bool scheme_of_upstream = false;
  // Clusters count responses by status, and how long they took.
  bool counts_responses = true;
  // x-envoy-expected-rq-timeout-ms of a trusted sender is the timeout.
  bool respect_expected_rq_timeout = false;

  // Zero or infinite: none.
  absl::Duration idle_timeout = absl::Hours(1);  // of a connection without a request
  absl::Duration max_connection_duration = absl::InfiniteDuration();
  // HTTP/1: a connection that is too old is closed by the next response alone, however late that is.
  bool closes_with_response = false;
  // HTTP/1: for one more request on a connection that is too old. HTTP/2: from the first GOAWAY to the last, where the
  // client does not answer before.
  absl::Duration drain_timeout = absl::Seconds(5);
  absl::Duration request_headers_timeout = absl::Seconds(10);  // from the first byte of a head to its last
  absl::Duration request_timeout = absl::InfiniteDuration();   // until the request is received whole
  absl::Duration stream_idle_timeout = absl::Minutes(5);
  absl::Duration max_stream_duration = absl::InfiniteDuration();
  absl::Duration delayed_close_timeout = absl::Seconds(1);
  // A client must take something of what is left of a finished response, or of a finished connection, within this.
  absl::Duration flush_timeout = absl::Seconds(60);
  uint64_t max_requests_per_connection = 0;  // 0: no limit
};

// A timeout as it is configured: zero means none.
inline absl::Duration orNever(absl::Duration timeout) {
  return timeout <= absl::ZeroDuration() ? absl::InfiniteDuration() : timeout;
}

}  // namespace weir::proxy
