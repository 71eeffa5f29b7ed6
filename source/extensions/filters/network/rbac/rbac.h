// The rbac network filter: lets a connection through, or closes it, by rules about who may connect where. A plain
// connection is checked when it is accepted, before anything upstream is asked; one over TLS with its first bytes, when
// the client is known. Shadow rules are only counted.
#pragma once

#include "source/filter/network_filter_factory.h"

namespace weir::extensions::network_rbac {

filter::NetworkFilterType rbacType();

}  // namespace weir::extensions::network_rbac
