// referencedFiles: the files that a TLS context reads, those of secrets that it names included. At load.
#pragma once

#include <string>
#include <vector>

#include "source/extensions/transport_sockets/tls/secrets.h"

namespace google::protobuf {
class Message;
}

namespace weir::extensions {

// Each once, sorted.
std::vector<std::string> referencedFiles(const google::protobuf::Message& message, const Secrets& secrets);

}  // namespace weir::extensions
