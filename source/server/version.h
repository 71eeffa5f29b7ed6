// What this build of weir calls itself: `weir version`, /server_info and the start-up line.
#pragma once

#include <string_view>

namespace weir::server {

inline constexpr std::string_view kVersion = "0.1.0";

}  // namespace weir::server
