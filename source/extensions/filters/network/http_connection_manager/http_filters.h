// From the http_filters list to the chain that it stands for. Called at load on the main thread; errors go to the
// diagnostics under the filter that they are about.
#pragma once

#include <memory>
#include <vector>

#include "source/filter/http_chain_config.h"
#include "source/filter/http_filter_factory.h"
#include "source/proxy/session_factory.h"

namespace envoy::extensions::filters::network::http_connection_manager::v3 {
class HttpConnectionManager;
}

namespace weir::extensions::http_connection_manager {

struct HttpFilters {
  std::unique_ptr<filter::HttpChainConfig> chain;         // never null; without the terminal filter
  std::vector<const filter::HttpFilterType*> slot_types;  // of each slot of the chain
  std::unique_ptr<google::protobuf::Message> terminal;    // the configuration of the last filter; null after an error
};

// A filter that cannot be made keeps its slot, so that routes that configure it are checked all the same; the caller
// must not use the chain after an error.
HttpFilters compileHttpFilters(
    const envoy::extensions::filters::network::http_connection_manager::v3::HttpConnectionManager& message,
    const proxy::SessionContext& context);

}  // namespace weir::extensions::http_connection_manager
