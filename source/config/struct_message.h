// readStruct: a google.protobuf.Struct becomes a message, by the rules that configuration files are read with: the same
// spellings, the same errors, the rules of the fields checked. For configurations whose type is only known once the
// file has been read, as those of plugins. Main thread.
#pragma once

#include "source/base/diagnostics.h"

namespace google::protobuf {
class Message;
class Struct;
}  // namespace google::protobuf

namespace weir::config {

// `out` may be of a type that weir was not built with. `path`: where the struct stands.
void readStruct(const google::protobuf::Struct& from, google::protobuf::Message& out, base::Diagnostics& diagnostics,
                const base::FieldPath& path);

}  // namespace weir::config
