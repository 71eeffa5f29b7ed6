// From local_reply_config and proxy_status_config to the rules by which weir answers. Called at load on the main
// thread; errors go to the diagnostics of the context, under the path of their field.
#pragma once

#include <optional>

#include "source/proxy/proxy_status.h"
#include "source/proxy/routes/local_reply.h"
#include "source/proxy/session_factory.h"

namespace envoy::extensions::filters::network::http_connection_manager::v3 {
class HttpConnectionManager;
}

namespace weir::extensions::http_connection_manager {

proxy::LocalReplyRules compileLocalReplies(
    const envoy::extensions::filters::network::http_connection_manager::v3::HttpConnectionManager& message,
    const proxy::SessionContext& context);

// None where the message says nothing of it.
std::optional<proxy::ProxyStatusConfig> compileProxyStatus(
    const envoy::extensions::filters::network::http_connection_manager::v3::HttpConnectionManager& message,
    const proxy::SessionContext& context);

}  // namespace weir::extensions::http_connection_manager
