// LineLog: an access log that writes one line per exchange to a sink. What the file and the stream loggers are. Made at
// load, immutable, shared by workers; the sink outlives it.
#pragma once

#include <memory>
#include <string_view>

#include "source/extensions/access_loggers/line_format.h"
#include "source/filter/access_log.h"
#include "source/proxy/session_factory.h"

namespace weir::extensions {

class LineLog final : public filter::AccessLog {
 public:
  LineLog(std::unique_ptr<const LineFormat> format, filter::LogSink& sink) : format_(std::move(format)), sink_(sink) {}
  void log(const filter::StreamInfo& info, const net::WorkerContext& worker) const override;
  void wantFilterTimes(filter::FilterTimesWanted& wanted) const override { format_->wantFilterTimes(wanted); }

 private:
  const std::unique_ptr<const LineFormat> format_;
  filter::LogSink& sink_;
};

// The log of that format into the sink of that path, which is opened now unless the context says schema_only; then what
// is returned checks as well but must not be used. `where` is the field that names the path. Null after an error was
// reported, or when there is no format because one was.
std::unique_ptr<filter::AccessLog> makeLineLog(std::unique_ptr<const LineFormat> format, std::string_view sink_path,
                                               const proxy::SessionContext& context, const base::FieldPath& where);

}  // namespace weir::extensions
