// ErrorCounters: what peers did that ended an HTTP/2 connection, counted by kind under Envoy's names. Both sides of the
// proxy have them, below prefixes of their own. Plain values, made once at load, shared by workers.
#pragma once

#include <array>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "source/http/reason.h"
#include "source/stats/stats.h"

namespace weir::http::h2 {

class ErrorCounters {
 public:
  // `counter` registers one by the last part of its name.
  static ErrorCounters make(absl::FunctionRef<stats::CounterId(std::string_view metric)> counter);

  // The counter of what the peer did; where that has none of its own, protocol_error.
  stats::CounterId of(Reason error) const;

 private:
  static constexpr size_t kKinds = 9;

  stats::CounterId protocol_error_;
  std::array<stats::CounterId, kKinds> kinds_;
};

}  // namespace weir::http::h2
