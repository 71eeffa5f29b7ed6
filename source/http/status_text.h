// The reason phrases of RFC 9110 and the IANA registry, for status lines and local replies. Static text.
#pragma once

#include <cstdint>
#include <string_view>

namespace weir::http {

// "Not Found" for 404; "Unknown" for a status without a registered phrase.
std::string_view statusText(uint16_t status);

}  // namespace weir::http
