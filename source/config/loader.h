// The loader: a configuration file becomes a checked Bootstrap message and the map of where each field was written.
// Everything that is wrong with the file's form is in the Diagnostics after one run: syntax, names, kinds, the rules of
// the fields. What the fields mean together (a route to a cluster that does not exist) is found where they are
// compiled, through the same Diagnostics; `sources` then finds the line. Main thread; reads files, so it may block.
#pragma once

#include <string>
#include <string_view>

#include "envoy/config/bootstrap/v3/bootstrap.pb.h"
#include "source/base/diagnostics.h"
#include "source/config/source_map.h"

namespace weir::config {

struct LoadedConfig {
  envoy::config::bootstrap::v3::Bootstrap bootstrap;
  SourceMap sources;
  // False when the text of a file could not be taken apart at all: what the fields that are missing here would mean
  // together with the others says nothing.
  bool whole = true;
};

enum class Format { kYaml, kJson, kBinary, kText };

// By the end of the name: .yaml and .yml, .pb, .pb_text; anything else is JSON.
Format formatOf(std::string_view path);

// The file with `config_yaml` (may be empty) merged on top of it: lists append, scalars replace. An empty `path` means
// that config_yaml is all there is. At most 64 MiB. After errors, the result holds what could be read, for `sources`
// and for reporting only. The diagnostics should be empty or stem from this very load.
LoadedConfig loadFile(const std::string& path, std::string_view config_yaml, base::Diagnostics& diagnostics);

// The same for text that is already in memory; `name` stands for the file in messages.
LoadedConfig loadText(std::string_view text, Format format, std::string name, std::string_view config_yaml,
                      base::Diagnostics& diagnostics);

// A file that holds one message of another type; `out` is that message, empty. The same limits and forms. False after
// errors, of this file or earlier ones: `out` is then not to be used.
bool loadMessage(const std::string& path, google::protobuf::Message& out, SourceMap& sources,
                 base::Diagnostics& diagnostics);

}  // namespace weir::config
