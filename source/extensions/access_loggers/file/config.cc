#include "source/extensions/access_loggers/file/config.h"

#include <memory>
#include <utility>

#include "envoy/extensions/access_loggers/file/v3/file.pb.h"
#include "source/extensions/access_loggers/line_format.h"
#include "source/extensions/access_loggers/line_log.h"

namespace weir::extensions::file_access_log {
namespace {

using Config = envoy::extensions::access_loggers::file::v3::FileAccessLog;

std::unique_ptr<const LineFormat> compileFormat(const Config& config, const proxy::SessionContext& context) {
  switch (config.access_log_format_case()) {
    case Config::kFormat:
      return LineFormat::text(config.format(), false, context.diagnostics, context.path.at("format"));
    case Config::kJsonFormat:
      return LineFormat::json(config.json_format(), false, context.diagnostics, context.path.at("json_format"));
    case Config::kTypedJsonFormat:
      return LineFormat::json(config.typed_json_format(), false, context.diagnostics,
                              context.path.at("typed_json_format"));
    case Config::kLogFormat:
      return LineFormat::compile(config.log_format(), context.schema_only, context.diagnostics,
                                 context.path.at("log_format"));
    case Config::ACCESS_LOG_FORMAT_NOT_SET:
      break;
  }
  return LineFormat::text(kDefaultLogFormat, false, context.diagnostics, context.path);
}

std::unique_ptr<filter::AccessLog> make(const google::protobuf::Message& message,
                                        const proxy::SessionContext& context) {
  const auto& config = dynamic_cast<const Config&>(message);
  return makeLineLog(compileFormat(config, context), config.path(), context, context.path.at("path"));
}

}  // namespace

proxy::AccessLogType type() {
  return {"envoy.extensions.access_loggers.file.v3.FileAccessLog", "envoy.access_loggers.file", make};
}

}  // namespace weir::extensions::file_access_log
