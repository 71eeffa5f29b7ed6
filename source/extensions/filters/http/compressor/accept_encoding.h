// acceptsEncoding: whether a client that sent this Accept-Encoding takes a coding. RFC 9110 section 12.5.3, with
// quality values.
#pragma once

#include <string_view>

namespace weir::extensions::compressor {

// `encoding` is in lower case. An empty header accepts none.
bool acceptsEncoding(std::string_view accept_encoding, std::string_view encoding);

// Whether a list of tokens (Cache-Control, Vary) has that one, in any case; `lower` is in lower case. What stands
// behind
// "=" or ";" does not count.
bool hasToken(std::string_view list, std::string_view lower);

}  // namespace weir::extensions::compressor
