// Operators that say when something happened and how long it took. Durations are whole milliseconds, but for those of
// filters, which are microseconds.
#include <ctime>

#include "absl/time/civil_time.h"
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

// What timestamps are mostly made of: %Y %m %d %H %M %S and text. False, and nothing is written, for anything else.
// strftime takes a thousand instructions for it, and gmtime_r takes a lock that all threads share.
bool appendPlainTime(std::string_view format, const absl::CivilSecond& civil, std::string& out) {
  constexpr size_t kMostBytes = 64;
  if (format.size() > kMostBytes || civil.year() < 0 || civil.year() > 9999) return false;
  char text[2 * kMostBytes];  // two bytes of the format make four at most
  char* end = text;
  const auto two = [&end](int64_t number) {
    *end++ = static_cast<char>('0' + number / 10);
    *end++ = static_cast<char>('0' + number % 10);
  };
  for (size_t i = 0; i < format.size(); ++i) {
    if (format[i] != '%') {
      *end++ = format[i];
      continue;
    }
    switch (++i < format.size() ? format[i] : '\0') {
      case 'Y':
        two(civil.year() / 100);
        two(civil.year() % 100);
        break;
      case 'm':
        two(civil.month());
        break;
      case 'd':
        two(civil.day());
        break;
      case 'H':
        two(civil.hour());
        break;
      case 'M':
        two(civil.minute());
        break;
      case 'S':
        two(civil.second());
        break;
      default:
        return false;
    }
  }
  out.append(text, end);
  return true;
}

void appendAnyTime(const std::string& format, time_t seconds, std::string& out) {
  tm parts = {};
  gmtime_r(&seconds, &parts);
  char text[256];
  out.append(text, strftime(text, sizeof(text), format.c_str(), &parts));
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
  const absl::CivilSecond civil = absl::ToCivilSecond(absl::FromUnixSeconds(seconds), absl::UTCTimeZone());
  for (const TimePiece& piece : self.time) {
    if (!piece.format.empty()) {
      if (!appendPlainTime(piece.format, civil, out)) appendAnyTime(piece.format, seconds, out);
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
