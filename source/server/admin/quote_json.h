// quoteJson: a text as a JSON string literal, for the admin pages.
#pragma once

#include <string>
#include <string_view>

namespace weir::server {

// With its quotes.
std::string quoteJson(std::string_view text);

}  // namespace weir::server
