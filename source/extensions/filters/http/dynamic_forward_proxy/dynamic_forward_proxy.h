// The dynamic forward proxy filter: says which host a request is for, before the router changes what it sends: the one
// that the request names, or what the route says in its place. The cluster of the same name then has that host,
// resolved when it is asked for first; what waits for it waits there.
#pragma once

#include "source/filter/http_filter_factory.h"

namespace weir::extensions::dynamic_forward_proxy {

filter::HttpFilterType dynamicForwardProxyType();

}  // namespace weir::extensions::dynamic_forward_proxy
