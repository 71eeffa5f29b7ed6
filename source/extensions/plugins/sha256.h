// SHA-256 (FIPS 180-4), for files that are loaded once: plain and not fast.
#pragma once

#include <string>
#include <string_view>

namespace weir::extensions::plugins {

// In hexadecimal, lower case.
std::string sha256(std::string_view bytes);

}  // namespace weir::extensions::plugins
