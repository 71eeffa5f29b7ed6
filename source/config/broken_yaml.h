// Syntax errors of YAML: what the parser's word for one means to the person who wrote the line, and one that the parser
// does not see. Pure.
#pragma once

#include <string>
#include <string_view>

#include "source/config/value.h"

namespace weir::config {

// `word` is the parser's, about that place of the text; it stands at the end, in brackets, behind what is meant.
std::string brokenYaml(std::string_view word, std::string_view text, Place place);

// Whether the quoted scalar that begins at that place ends before the text does; true where none begins. yaml-cpp takes
// the end of the text for the end of the scalar, so that half a file would load.
bool quoteEnds(std::string_view text, Place place);

}  // namespace weir::config
