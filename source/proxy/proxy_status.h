// ProxyStatus: the Proxy-Status header (RFC 9209) of answers that weir makes because something went wrong: the error of
// the closed list of that document, and what weir calls it. Compiled at load, immutable; pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "source/http/head.h"
#include "source/http/reason.h"

namespace weir::proxy {

struct ProxyStatusConfig {
  std::string name = "weir";
  bool details = true;
  bool flags = true;
  bool recommended_status = false;
};

struct ProxyError {
  std::string_view type;     // empty: nothing went wrong, and the header is not set
  uint16_t recommended = 0;  // the status of RFC 9209 section 2.3; 0: none, or the one that it has
};
ProxyError proxyError(http::Reason reason);

// Appends to what the upstream or an intermediary behind it has said.
void addProxyStatus(http::Head& response, http::Reason reason, const ProxyStatusConfig& config);

}  // namespace weir::proxy
