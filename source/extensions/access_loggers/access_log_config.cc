#include "source/extensions/access_loggers/access_log_config.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "envoy/config/accesslog/v3/accesslog.pb.h"
#include "source/base/strings.h"
#include "source/extensions/access_loggers/log_condition.h"
#include "source/extensions/messages/unpack_any.h"

namespace weir::extensions {
namespace {

namespace xds = envoy::config::accesslog::v3;

// Another log behind a condition.
class ConditionalLog final : public filter::AccessLog {
 public:
  ConditionalLog(LogCondition condition, std::unique_ptr<filter::AccessLog> log)
      : condition_(std::move(condition)), log_(std::move(log)) {}
  void log(const filter::StreamInfo& info, const net::WorkerContext& worker) const override {
    if (condition_.passes(info)) log_->log(info, worker);
  }
  void wantFilterTimes(filter::FilterTimesWanted& wanted) const override { log_->wantFilterTimes(wanted); }

 private:
  const LogCondition condition_;
  const std::unique_ptr<filter::AccessLog> log_;
};

proxy::SessionContext withPath(const proxy::SessionContext& context, const base::FieldPath& path) {
  return proxy::SessionContext{context.stats, context.diagnostics,     path,
                               context.clock, context.http_filters,    context.access_logs,
                               context.sinks, context.cluster_problem, context.schema_only};
}

std::unique_ptr<filter::AccessLog> compileSink(const xds::AccessLog& message, const proxy::SessionContext& context,
                                               const base::FieldPath& path) {
  if (!message.has_typed_config()) {
    context.diagnostics.error(path, "an access log needs a typed_config that says where lines go");
    return nullptr;
  }
  const base::FieldPath config_path = path.at("typed_config");
  const auto config = unpackAny(message.typed_config(), context.diagnostics, config_path);
  if (config == nullptr) return nullptr;
  const proxy::AccessLogType* type = context.access_logs.byConfigType(anyType(message.typed_config()));
  if (type == nullptr) {
    context.diagnostics.error(
        config_path, absl::StrCat("\"", base::av(anyType(message.typed_config())), "\" is not an access logger"));
    return nullptr;
  }
  return type->make(*config, withPath(context, config_path));
}

}  // namespace

std::vector<std::unique_ptr<filter::AccessLog>> compileAccessLogs(
    const google::protobuf::RepeatedPtrField<xds::AccessLog>& messages, const proxy::SessionContext& context,
    const base::FieldPath& path, const char* field) {
  std::vector<std::unique_ptr<filter::AccessLog>> logs;
  for (int i = 0; i < messages.size(); ++i) {
    const base::FieldPath log_path = path.at(field, static_cast<size_t>(i));
    auto log = compileSink(messages[i], context, log_path);
    if (messages[i].has_filter()) {
      auto condition = compileLogCondition(messages[i].filter(), context.diagnostics, log_path.at("filter"));
      if (!condition || log == nullptr) continue;
      log = std::make_unique<ConditionalLog>(*std::move(condition), std::move(log));
    }
    if (log != nullptr) logs.push_back(std::move(log));
  }
  return logs;
}

}  // namespace weir::extensions
