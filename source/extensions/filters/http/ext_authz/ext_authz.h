// The ext_authz filter: asks a service whether a request may go on, over HTTP or over gRPC, and holds the request until
// it has answered. A request that is denied is answered with what the service said; so is, unless the configuration
// says otherwise, one about which the service could not be asked.
#pragma once

#include "source/filter/http_filter_factory.h"

namespace weir::extensions::ext_authz {

filter::HttpFilterType extAuthzType();

}  // namespace weir::extensions::ext_authz
