// Cookies of a request: where a value stands in its Cookie fields (RFC 6265 section 4.2). Free functions; nothing is
// copied and nothing decoded.
#pragma once

#include <optional>
#include <string_view>

#include "source/http/header_map.h"

namespace weir::http {

// The value of the first cookie of that name, without the quotes it may stand in; names are compared with regard to
// case. A view into the field.
std::optional<std::string_view> cookieValue(const HeaderMap& headers, std::string_view name);

}  // namespace weir::http
