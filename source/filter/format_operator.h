// FormatOperator: one command operator of a SubstitutionFormat (%DURATION%, %REQ(x?y):10%), looked up and checked at
// load. Immutable, shared by workers. Private to substitution_format.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "source/filter/stream_info.h"

namespace weir::filter {

// A time format, cut into what strftime does and what it cannot: fractions of a second.
struct TimePiece {
  std::string format;  // for strftime; when empty:
  int digits = 0;      // that many digits of the fraction
};

struct FormatOperator {
  enum class Arity : uint8_t { kNone, kHeader, kTime, kName, kSpelling, kFilter, kMetadata };
  // Appends the value to `out` and returns true, or returns false when it is not known (yet).
  using Write = bool (*)(const FormatOperator& self, const StreamInfo& info, std::string& out);

  std::string_view name;  // static
  Arity arity = Arity::kNone;
  bool number = false;  // a JSON number
  Write write = nullptr;

  std::string header;       // kHeader: lower case
  std::string alternative;  // kHeader: taken when `header` is not there; may be empty
  std::vector<TimePiece> time;
  std::string
      text;  // kName: the value, read at load; empty: none. kSpelling, kFilter: the argument. kMetadata: the path
  enum class Noted : uint8_t { kRoute, kVirtualHost, kCluster, kListener, kStream };
  Noted noted = Noted::kRoute;  // kMetadata: about what
  size_t max_length = static_cast<size_t>(-1);

  // Truncates to max_length.
  bool append(const StreamInfo& info, std::string& out) const;
};

// The operator of that name with its argument (what stands in parentheses, if anything does).
absl::StatusOr<FormatOperator> findFormatOperator(std::string_view name, bool has_argument, std::string_view argument);

// The operators of format_operators_*.cc; each list is static.
struct FormatOperatorList {
  const FormatOperator* begin;
  size_t size;
};
FormatOperatorList messageOperators();
FormatOperatorList connectionOperators();
FormatOperatorList timeOperators();
FormatOperatorList transportOperators();

// Decimal digits.
bool appendNumber(uint64_t number, std::string& out);
// In the format that the operator was given, in UTC.
bool appendTime(const FormatOperator& self, absl::Time time, std::string& out);

}  // namespace weir::filter
