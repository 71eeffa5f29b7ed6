#include "source/extensions/access_loggers/line_log.h"

#include <string>
#include <utility>

namespace weir::extensions {
namespace {

// Stands for a log whose file is not opened, while only the form of a configuration is looked at.
class UnopenedLog final : public filter::AccessLog {
 public:
  explicit UnopenedLog(std::unique_ptr<const LineFormat> format) : format_(std::move(format)) {}
  void log(const filter::StreamInfo&, const net::WorkerContext&) const override {}
  void wantFilterTimes(filter::FilterTimesWanted& wanted) const override { format_->wantFilterTimes(wanted); }

 private:
  const std::unique_ptr<const LineFormat> format_;
};

}  // namespace

void LineLog::log(const filter::StreamInfo& info, const net::WorkerContext& worker) const {
  // One buffer per thread, kept, so that a line allocates nothing once the longest one has been seen.
  thread_local std::string line;
  line.clear();
  format_->append(info, line);
  sink_.write(worker, line);
}

std::unique_ptr<filter::AccessLog> makeLineLog(std::unique_ptr<const LineFormat> format, std::string_view sink_path,
                                               const proxy::SessionContext& context, const base::FieldPath& where) {
  if (format == nullptr) return nullptr;
  if (context.schema_only) return std::make_unique<UnopenedLog>(std::move(format));
  auto sink = context.sinks.open(sink_path);
  if (!sink.ok()) {
    context.diagnostics.error(where, std::string(sink.status().message()));
    return nullptr;
  }
  return std::make_unique<LineLog>(std::move(format), **sink);
}

}  // namespace weir::extensions
