// HeaderId: the header names that weir knows, as small integers. The list is header_names.inc. lookup() is a perfect
// hash on length and bytes, so that each name is mapped once, where it is parsed.
#pragma once

#include <cstdint>
#include <string_view>

namespace weir::http {

enum class HeaderId : uint8_t {
#define WEIR_HEADER(id, name) id,
#include "source/http/header_names.inc"
#undef WEIR_HEADER
  kOther,  // any name that is not in the list
};

// kOther when `lower_name` is not known.
HeaderId headerId(std::string_view lower_name);
// The lower-case name; id must not be kOther. Static text.
std::string_view headerName(HeaderId id);

}  // namespace weir::http
