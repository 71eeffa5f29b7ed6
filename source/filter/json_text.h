// JSON string literals of text that comes from the network.
#pragma once

#include <string>
#include <string_view>

namespace weir::filter {

// Appends `text` as the inside of a JSON string, without the quotes (RFC 8259 section 7). A byte that is not part of
// valid UTF-8 is written as the Latin-1 character of that number, so that the output is always valid.
void appendJsonEscaped(std::string_view text, std::string& out);
// Whether appendJsonEscaped() would change anything.
bool needsJsonEscape(std::string_view text);

}  // namespace weir::filter
