// The csrf filter: refuses requests that change something (POST, PUT, DELETE, PATCH) and that a page of another site
// made the browser send, as Origin or, without it, Referer says.
#pragma once

#include "source/filter/http_filter_factory.h"

namespace weir::extensions::csrf {

filter::HttpFilterType csrfType();

}  // namespace weir::extensions::csrf
