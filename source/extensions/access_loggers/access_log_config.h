// compileAccessLogs: from the access_log list of a listener filter or of the admin endpoint to the loggers that are
// called at run time. Called at load on the main thread; every error goes to the diagnostics of the context, under the
// path of the field it is about. What it returns is immutable and shared by workers.
#pragma once

#include <memory>
#include <vector>

#include "source/filter/access_log.h"
#include "source/proxy/session_factory.h"

namespace google::protobuf {
template <typename Element>
class RepeatedPtrField;
}
namespace envoy::config::accesslog::v3 {
class AccessLog;
}

namespace weir::extensions {

// `path` is that of the message that has the list, `field` the name of the list; the path of `context` is not looked
// at. Leaves out what has an error.
std::vector<std::unique_ptr<filter::AccessLog>> compileAccessLogs(
    const google::protobuf::RepeatedPtrField<envoy::config::accesslog::v3::AccessLog>& messages,
    const proxy::SessionContext& context, const base::FieldPath& path, const char* field = "access_log");

}  // namespace weir::extensions
