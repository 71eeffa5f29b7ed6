// whyText: what `weir why` prints: the reasons for which weir answers a request by itself or ends it, in words. Pure.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace weir::server {

// `code` is the name of a reason ("no_route") or flags of an access log ("NR", "UF,URX"), in any case; empty: a table
// of all. The error is one line: what was seen, the nearest code that there is.
absl::StatusOr<std::string> whyText(std::string_view code);

}  // namespace weir::server
