#include "source/proxy/proxy_status.h"

namespace weir::proxy {

using http::Reason;

namespace {

struct Entry {
  Reason reason;
  ProxyError error;
};

constexpr Entry kErrors[] = {
    {Reason::kBadRequest, {"http_request_error", 0}},
    {Reason::kBadFraming, {"http_request_error", 0}},
    {Reason::kBadChunk, {"http_request_error", 0}},
    {Reason::kMissingHost, {"http_request_error", 0}},
    {Reason::kHeadersTooLarge, {"http_request_error", 0}},
    {Reason::kTooManyHeaders, {"http_request_error", 0}},
    {Reason::kUriTooLong, {"http_request_error", 0}},
    {Reason::kVersionNotSupported, {"http_request_error", 0}},
    {Reason::kPathRefused, {"http_request_error", 0}},
    {Reason::kUnderscoreRefused, {"http_request_error", 0}},
    {Reason::kExpectationFailed, {"http_request_error", 0}},
    {Reason::kBodyTooLarge, {"http_request_error", 0}},
    {Reason::kRequestHeaderTimeout, {"http_request_error", 0}},
    {Reason::kRequestTimeout, {"http_request_error", 0}},
    {Reason::kUpgradeRefused, {"http_request_denied", 0}},
    {Reason::kRateLimited, {"http_request_denied", 0}},
    {Reason::kRbacDenied, {"http_request_denied", 0}},
    {Reason::kAuthzDenied, {"http_request_denied", 0}},
    {Reason::kCsrf, {"http_request_denied", 0}},
    {Reason::kFaultAbort, {"http_request_denied", 0}},
    {Reason::kStreamIdleTimeout, {"http_response_timeout", 504}},
    {Reason::kMaxStreamDuration, {"http_response_timeout", 504}},
    {Reason::kRouteTimeout, {"http_response_timeout", 504}},
    {Reason::kPerTryTimeout, {"http_response_timeout", 504}},
    {Reason::kNoRoute, {"destination_not_found", 0}},
    {Reason::kNoCluster, {"destination_not_found", 500}},
    {Reason::kNoHealthyUpstream, {"destination_unavailable", 503}},
    {Reason::kRetryLimit, {"destination_unavailable", 503}},
    {Reason::kUpstreamOverflow, {"connection_limit_reached", 503}},
    {Reason::kPendingTimeout, {"connection_limit_reached", 503}},
    {Reason::kDnsFailure, {"dns_error", 502}},
    {Reason::kConnectFailure, {"connection_refused", 502}},
    {Reason::kConnectTimeout, {"connection_timeout", 504}},
    {Reason::kUpstreamReset, {"connection_terminated", 502}},
    {Reason::kUpstreamTruncated, {"http_response_incomplete", 502}},
    {Reason::kUpstreamProtocol, {"http_protocol_error", 502}},
    {Reason::kUpstreamHeadersTooLarge, {"http_response_header_section_size", 502}},
    {Reason::kUpstreamNoTunnel, {"http_upgrade_failed", 502}},
    {Reason::kAuthzError, {"proxy_internal_error", 0}},
    {Reason::kFilterFailed, {"proxy_internal_error", 0}},
    {Reason::kResponseTooLarge, {"proxy_internal_error", 0}},
    {Reason::kDraining, {"proxy_internal_error", 0}},
    {Reason::kOverloaded, {"proxy_internal_error", 0}},
};

}  // namespace

ProxyError proxyError(Reason reason) {
  for (const Entry& entry : kErrors) {
    if (entry.reason == reason) return entry.error;
  }
  return {};
}

void addProxyStatus(http::Head& response, Reason reason, const ProxyStatusConfig& config) {
  const ProxyError error = proxyError(reason);
  if (error.type.empty()) return;
  const http::ReasonInfo& info = http::reasonInfo(reason);
  base::Arena& arena = response.arena();
  std::string_view text = arena.join(arena.join(config.name, "; error="), error.type);
  const bool flags = config.flags && info.flag != "-";
  if (config.details || flags) {
    text = arena.join(text, "; details=\"");
    if (config.details) text = arena.join(text, info.name);
    if (config.details && flags) text = arena.join(text, "; ");
    if (flags) text = arena.join(text, info.flag);
    text = arena.join(text, "\"");
  }
  if (const auto before = response.headers.joined("proxy-status"); before && !before->empty()) {
    text = arena.join(arena.join(*before, ", "), text);
  }
  response.headers.set("proxy-status", text);
}

}  // namespace weir::proxy
