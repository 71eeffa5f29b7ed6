// Registry: every filter and other extension that weir has, by the full name of its configuration message. Made once at
// start from the one list in registry.cc; const afterwards; any thread may read it.
//
// To add an extension: write its folder, and add its include and its line to registry.cc.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "source/extensions/plugins/catalogue.h"
#include "source/filter/http_filter_factory.h"
#include "source/filter/network_filter_factory.h"
#include "source/proxy/listener/listener_filter.h"
#include "source/proxy/session_factory.h"

namespace weir::extensions {

struct Registry {
  // What plugins there are; first, as the filters use it.
  std::unique_ptr<plugins::Catalogue> plugins;
  filter::HttpFilterRegistry http_filters;
  filter::NetworkFilterRegistry network_filters;  // in front of what takes the bytes
  proxy::SessionRegistry sessions;                // what takes the bytes at the end of a listener's filter chain
  proxy::AccessLogRegistry access_logs;
  proxy::ListenerFilterRegistry listener_filters;
  std::vector<std::string> network_filter_types;  // of both, for messages
};

// All of them. Two that claim the same message are a bug, and checked. `setup`: where plugins come from.
std::unique_ptr<const Registry> makeRegistry(plugins::Setup setup = {});

}  // namespace weir::extensions
