// From the header options of the xDS API to HeaderEdits. Called at load on the main thread.
#pragma once

#include <string>

#include "source/base/diagnostics.h"
#include "source/proxy/routes/header_edits.h"

namespace google::protobuf {
template <typename Element>
class RepeatedPtrField;
}
namespace envoy::config::core::v3 {
class HeaderValueOption;
}

namespace weir::extensions {

// `path` is that of the message that has both lists; `add_field` and `remove_field` are their names in it. Leaves out
// what has an error. Names that carry framing or routing (host, content-length, ...) are refused.
proxy::HeaderEdits compileHeaderEdits(
    const google::protobuf::RepeatedPtrField<envoy::config::core::v3::HeaderValueOption>& add, const char* add_field,
    const google::protobuf::RepeatedPtrField<std::string>& remove, const char* remove_field,
    base::Diagnostics& diagnostics, const base::FieldPath& path);

// The same for one option, and for one name; `path` is its own.
void compileHeaderEdit(const envoy::config::core::v3::HeaderValueOption& add, proxy::HeaderEdits& edits,
                       base::Diagnostics& diagnostics, const base::FieldPath& path);
void compileHeaderRemoval(const std::string& remove, proxy::HeaderEdits& edits, base::Diagnostics& diagnostics,
                          const base::FieldPath& path);

}  // namespace weir::extensions
