// Operators that say when something happened and how long it took. Durations are whole milliseconds, but for those of
// filters, which are microseconds.
#include <ctime>

#include "source/filter/filter_times.h"
#include "source/filter/format_operator.h"

namespace weir::filter {
namespace {

using base::MonotonicTime;

bool appendMilliseconds(std::optional<MonotonicTime> from, std::optional<MonotonicTime> to, std::string& out) {
  if (!from || !to) return false;
  const int64_t milliseconds = absl::ToInt64Milliseconds(*to - *from);
  return appendNumber(milliseconds < 0 ? 0 : static_cast<uint64_t>(milliseconds), out);
}

bool duration(const FormatOperator&, const StreamInfo& info, std::string& out) {
  return appendMilliseconds(info.start, info.complete, out);
}
bool requestDuration(const FormatOperator&, const StreamInfo& info, std::string& out) {
  return appendMilliseconds(info.start, info.request_complete, out);
}
bool requestTxDuration(const FormatOperator&, const StreamInfo& info, std::string& out) {
  return appendMilliseconds(info.start, info.upstream_last_sent, out);
}
bool responseDuration(const FormatOperator&, const StreamInfo& info, std::string& out) {
  return appendMilliseconds(info.start, info.upstream_first_received, out);
}
bool responseTxDuration(const FormatOperator&, const StreamInfo& info, std::string& out) {
  return appendMilliseconds(info.upstream_first_received, info.complete, out);
}

bool filterDuration(const FormatOperator& self, const StreamInfo& info, std::string& out) {
  for (const FilterTime* time = info.filter_times; time != nullptr; time = time->next) {
    if (time->name == self.text) return appendNumber(microsecondsOf(time->spent), out);
  }
  return false;
}

bool startTime(const FormatOperator& self, const StreamInfo& info, std::string& out) {
  return appendTime(self, info.start_wall, out);
}

const FormatOperator kOperators[] = {
    {.name = "DURATION", .number = true, .write = duration},
    {.name = "FILTER_DURATION", .arity = FormatOperator::Arity::kFilter, .number = true, .write = filterDuration},
    {.name = "REQUEST_DURATION", .number = true, .write = requestDuration},
    {.name = "REQUEST_TX_DURATION", .number = true, .write = requestTxDuration},
    {.name = "RESPONSE_DURATION", .number = true, .write = responseDuration},
    {.name = "RESPONSE_TX_DURATION", .number = true, .write = responseTxDuration},
    {.name = "START_TIME", .arity = FormatOperator::Arity::kTime, .write = startTime},
};

}  // namespace

bool appendTime(const FormatOperator& self, absl::Time time, std::string& out) {
  const int64_t nanoseconds = absl::ToUnixNanos(time);
  const auto seconds = static_cast<time_t>(nanoseconds / 1'000'000'000);
  tm parts = {};
  gmtime_r(&seconds, &parts);
  for (const TimePiece& piece : self.time) {
    if (!piece.format.empty()) {
      char text[256];
      out.append(text, strftime(text, sizeof(text), piece.format.c_str(), &parts));
      continue;
    }
    auto fraction = static_cast<uint64_t>(nanoseconds % 1'000'000'000);
    char digits[9];
    for (int i = 8; i >= 0; --i, fraction /= 10) digits[i] = static_cast<char>('0' + fraction % 10);
    out.append(digits, static_cast<size_t>(piece.digits));
  }
  return true;
}

FormatOperatorList timeOperators() { return {kOperators, std::size(kOperators)}; }

}  // namespace weir::filter
