// The rbac filter: lets a request through, or answers it with 403, by rules about who may do what. Shadow rules are
// only counted. A route may replace the configuration.
#pragma once

#include "source/filter/http_filter_factory.h"

namespace weir::extensions::http_rbac {

filter::HttpFilterType rbacType();

}  // namespace weir::extensions::http_rbac
