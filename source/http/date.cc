#include "source/http/date.h"

#include <cstring>

#include "absl/time/civil_time.h"

namespace weir::http {
namespace {

constexpr char kDays[] = "MonTueWedThuFriSatSun";
constexpr char kMonths[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

void twoDigits(char* at, int number) {
  at[0] = static_cast<char>('0' + number / 10 % 10);
  at[1] = static_cast<char>('0' + number % 10);
}

}  // namespace

std::string_view DateText::text(absl::Time now) {
  const int64_t second = absl::ToUnixSeconds(now);
  if (second != second_) {
    second_ = second;
    const absl::CivilSecond civil = absl::ToCivilSecond(absl::FromUnixSeconds(second), absl::UTCTimeZone());
    std::memcpy(text_.data(), "Mon, 00 Jan 0000 00:00:00 GMT", text_.size());
    std::memcpy(text_.data(), kDays + 3 * static_cast<int>(absl::GetWeekday(civil)), 3);
    twoDigits(&text_[5], civil.day());
    std::memcpy(&text_[8], kMonths + 3 * (civil.month() - 1), 3);
    twoDigits(&text_[12], static_cast<int>(civil.year() / 100 % 100));
    twoDigits(&text_[14], static_cast<int>(civil.year() % 100));
    twoDigits(&text_[17], civil.hour());
    twoDigits(&text_[20], civil.minute());
    twoDigits(&text_[23], civil.second());
  }
  return std::string_view(text_.data(), text_.size());
}

}  // namespace weir::http
