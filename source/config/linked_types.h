// linkedFiles: every file of api/ that weir is built with. Asking for it is what makes the linker keep the messages, so
// that the generated descriptor pool knows every type that may stand in an Any. Constant after start; any thread.
#pragma once

#include <string_view>
#include <vector>

namespace google::protobuf {
class FileDescriptor;
}

namespace weir::config {

// In order of their packages.
std::vector<const google::protobuf::FileDescriptor*> linkedFiles();

// The full names of all messages that are not nested in another, sorted. The views live as long as the program.
std::vector<std::string_view> linkedMessages();

}  // namespace weir::config
