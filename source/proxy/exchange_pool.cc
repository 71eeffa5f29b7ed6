#include "source/proxy/exchange_pool.h"

#include <cstdio>
#include <new>

#include "source/base/check.h"
#include "source/base/poison.h"

namespace weir::proxy {

ExchangePool::~ExchangePool() {
  while (free_ != nullptr) {
    base::unpoison(free_, bytes_);
    Free* const next = free_->next;
    ::operator delete(free_);
    free_ = next;
  }
}

void* ExchangePool::take(size_t bytes) {
  CHECK(bytes_ == 0 || bytes == bytes_, "all exchanges of a worker have one size");
  bytes_ = bytes;
  if (free_ == nullptr) return ::operator new(bytes);
  base::unpoison(free_, bytes_);
  Free* const memory = free_;
  free_ = memory->next;
  --free_count_;
  return memory;
}

void ExchangePool::give(void* memory) {
  if (free_count_ == keep_) {
    ::operator delete(memory);
    return;
  }
  free_ = new (memory) Free{free_};
  ++free_count_;
  base::poison(memory, bytes_);
}

std::string_view ExchangePool::date(absl::Time now) {
  const int64_t second = absl::ToUnixSeconds(now);
  if (second != date_second_) {
    static constexpr const char* kDays[] = {"", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
    static constexpr const char* kMonths[] = {"",    "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                              "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const absl::CivilSecond utc = absl::ToCivilSecond(now, absl::UTCTimeZone());
    const int weekday = static_cast<int>(absl::GetWeekday(utc)) + 1;  // absl counts from Monday, 0
    std::snprintf(date_, sizeof(date_), "%s, %02d %s %04d %02d:%02d:%02d GMT", kDays[weekday], utc.day(),
                  kMonths[utc.month()], static_cast<int>(utc.year() % 10000), utc.hour(), utc.minute(), utc.second());
    date_second_ = second;
  }
  return {date_, 29};
}

}  // namespace weir::proxy
