// Conversions between std::string_view, which weir uses everywhere, and absl::string_view, which Debian's abseil
// keeps as a type of its own with no implicit conversion either way. Only code that calls absl needs this.
#pragma once

#include <string_view>

#include "absl/strings/string_view.h"

namespace weir::base {

// Both views share the bytes; neither owns them.
inline absl::string_view av(std::string_view s) { return absl::string_view(s.data(), s.size()); }
inline std::string_view sv(absl::string_view s) { return std::string_view(s.data(), s.size()); }

}  // namespace weir::base
