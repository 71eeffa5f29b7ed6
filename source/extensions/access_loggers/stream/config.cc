#include "source/extensions/access_loggers/stream/config.h"

#include <memory>
#include <string_view>

#include "envoy/extensions/access_loggers/stream/v3/stream.pb.h"
#include "source/extensions/access_loggers/line_format.h"
#include "source/extensions/access_loggers/line_log.h"

namespace weir::extensions::stream_access_log {
namespace {

namespace xds = envoy::extensions::access_loggers::stream::v3;

template <typename Config>
std::unique_ptr<filter::AccessLog> makeFor(std::string_view device, const google::protobuf::Message& message,
                                           const proxy::SessionContext& context) {
  const auto& config = dynamic_cast<const Config&>(message);
  auto format = config.has_log_format() ? LineFormat::compile(config.log_format(), context.schema_only,
                                                              context.diagnostics, context.path.at("log_format"))
                                        : LineFormat::text(kDefaultLogFormat, false, context.diagnostics, context.path);
  return makeLineLog(std::move(format), device, context, context.path);
}

std::unique_ptr<filter::AccessLog> makeStdout(const google::protobuf::Message& message,
                                              const proxy::SessionContext& context) {
  return makeFor<xds::StdoutAccessLog>("/dev/stdout", message, context);
}

std::unique_ptr<filter::AccessLog> makeStderr(const google::protobuf::Message& message,
                                              const proxy::SessionContext& context) {
  return makeFor<xds::StderrAccessLog>("/dev/stderr", message, context);
}

}  // namespace

proxy::AccessLogType stdoutType() {
  return {"envoy.extensions.access_loggers.stream.v3.StdoutAccessLog", "envoy.access_loggers.stdout", makeStdout};
}

proxy::AccessLogType stderrType() {
  return {"envoy.extensions.access_loggers.stream.v3.StderrAccessLog", "envoy.access_loggers.stderr", makeStderr};
}

}  // namespace weir::extensions::stream_access_log
