#include "source/extensions/access_loggers/filter_times/config.h"

#include <memory>

#include "source/filter/filter_times.h"
#include "weir/extensions/access_loggers/filter_times/v1/filter_times.pb.h"

namespace weir::extensions::filter_times_log {
namespace {

using Config = ::weir::extensions::access_loggers::filter_times::v1::FilterTimes;

class FilterTimesLog final : public filter::AccessLog {
 public:
  void log(const filter::StreamInfo& info, const net::WorkerContext& worker) const override {
    for (const filter::FilterTime* time = info.filter_times; time != nullptr; time = time->next) {
      if (time->histogram) worker.stats.record(*time->histogram, filter::microsecondsOf(time->spent));
    }
  }
  void wantFilterTimes(filter::FilterTimesWanted& wanted) const override { wanted.all = true; }
};

std::unique_ptr<filter::AccessLog> make(const google::protobuf::Message&, const proxy::SessionContext&) {
  return std::make_unique<FilterTimesLog>();
}

}  // namespace

proxy::AccessLogType type() {
  return {std::string(Config::descriptor()->full_name()), "weir.access_loggers.filter_times", make};
}

}  // namespace weir::extensions::filter_times_log
