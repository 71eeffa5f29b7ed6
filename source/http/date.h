// DateText: the value of a Date field ("Sun, 06 Nov 1994 08:49:37 GMT", RFC 9110 5.6.7), made at most once a second.
// One per worker, owned by it; not shared.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <string_view>

#include "absl/time/time.h"

namespace weir::http {

class DateText {
 public:
  // Valid until the next call with another second; copy it into the arena of the exchange.
  std::string_view text(absl::Time now);

 private:
  int64_t second_ = std::numeric_limits<int64_t>::min();
  std::array<char, 29> text_{};
};

}  // namespace weir::http
