// md5Hex, sha256Hex: digests of text as lower case hexadecimal, for names that others compare; MD5 is no protection
// against anybody. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

namespace weir::net::tls {

std::string md5Hex(std::string_view text);
std::string sha256Hex(std::string_view text);

}  // namespace weir::net::tls
