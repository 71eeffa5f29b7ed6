#include "source/proxy/proxy_status.h"

namespace weir::proxy {

using http::Reason;

ProxyError proxyError(Reason reason) {
  switch (reason) {
    case Reason::kBadRequest:
    case Reason::kBadFraming:
    case Reason::kBadChunk:
    case Reason::kMissingHost:
    case Reason::kHeadersTooLarge:
    case Reason::kTooManyHeaders:
    case Reason::kUriTooLong:
    case Reason::kVersionNotSupported:
    case Reason::kPathRefused:
    case Reason::kUnderscoreRefused:
    case Reason::kExpectationFailed:
    case Reason::kBodyTooLarge:
    case Reason::kRequestHeaderTimeout:
    case Reason::kRequestTimeout:
      return {"http_request_error", 0};
    case Reason::kUpgradeRefused:
    case Reason::kRateLimited:
    case Reason::kRbacDenied:
    case Reason::kAuthzDenied:
    case Reason::kCsrf:
    case Reason::kFaultAbort:
      return {"http_request_denied", 0};
    case Reason::kStreamIdleTimeout:
    case Reason::kMaxStreamDuration:
    case Reason::kRouteTimeout:
    case Reason::kPerTryTimeout:
      return {"http_response_timeout", 504};
    case Reason::kNoRoute:
      return {"destination_not_found", 0};
    case Reason::kNoCluster:
      return {"destination_not_found", 500};
    case Reason::kNoHealthyUpstream:
    case Reason::kRetryLimit:
      return {"destination_unavailable", 503};
    case Reason::kUpstreamOverflow:
      return {"connection_limit_reached", 503};
    case Reason::kDnsFailure:
      return {"dns_error", 502};
    case Reason::kConnectFailure:
      return {"connection_refused", 502};
    case Reason::kConnectTimeout:
      return {"connection_timeout", 504};
    case Reason::kUpstreamReset:
      return {"connection_terminated", 502};
    case Reason::kUpstreamTruncated:
      return {"http_response_incomplete", 502};
    case Reason::kUpstreamProtocol:
      return {"http_protocol_error", 502};
    case Reason::kUpstreamHeadersTooLarge:
      return {"http_response_header_section_size", 502};
    case Reason::kUpstreamNoTunnel:
      return {"http_upgrade_failed", 502};
    case Reason::kAuthzError:
    case Reason::kFilterFailed:
    case Reason::kResponseTooLarge:
    case Reason::kFaultOverflow:
    case Reason::kDraining:
    case Reason::kOverloaded:
      return {"proxy_internal_error", 0};
    default:
      return {};
  }
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
