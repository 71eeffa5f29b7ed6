// readYaml: the text of a YAML or JSON document becomes a Value tree. The only code that calls yaml-cpp, whose
// exceptions end here as diagnostics. Runs on the main thread while a configuration loads.
//
// Bounds, so that no text can exhaust the machine: 100 levels, one million nodes copied for aliases. JSON goes through
// the same parser and is then held to JSON's own forms: braces and brackets, quoted strings, true and false.
#pragma once

#include <optional>
#include <string_view>

#include "source/base/diagnostics.h"
#include "source/config/source_map.h"
#include "source/config/value.h"

namespace weir::config {

enum class Syntax { kYaml, kJson };

// Reports every fault it can go on after (a duplicate key, an unusable key) and the first that it cannot (broken
// syntax), all as places of the file that `file` is the root of; nullopt after the latter kind.
std::optional<Value> readYaml(std::string_view text, Syntax syntax, SourceMap::Node file, SourceMap& sources,
                              base::Diagnostics& diagnostics);

}  // namespace weir::config
