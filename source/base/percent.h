// percentEncoded: text as it may stand in a URL or a header value. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

namespace weir::base {

// All but RFC 3986's unreserved characters as "%41".
std::string percentEncoded(std::string_view text);

}  // namespace weir::base
