// forEachMessage: every message of a configuration with its path, those inside of an Any included. Main thread.
#pragma once

#include <functional>

#include "source/base/diagnostics.h"

namespace google::protobuf {
class Message;
}

namespace weir::server {

using SeeMessage = std::function<void(const google::protobuf::Message&, const base::FieldPath&)>;

// `message` itself first. What an Any holds has the path of the Any, as in diagnostics.
void forEachMessage(const google::protobuf::Message& message, const base::FieldPath& path, const SeeMessage& see);

}  // namespace weir::server
