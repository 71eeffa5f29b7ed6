// Conversions of one scalar of a document into what a protobuf field takes, with the leniencies that real xDS files
// lean on: numbers and booleans in quotes, 64-bit integers as strings, enum names in any case or as numbers, durations
// as "0.25s". Pure functions. Every failure is InvalidArgument whose message says what was seen and what is allowed.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "source/config/value.h"

namespace google::protobuf {
class EnumDescriptor;
}

namespace weir::config {

// A whole number from `least` to `most`.
absl::StatusOr<int64_t> asInt(const Value& value, int64_t least, int64_t most);
absl::StatusOr<uint64_t> asUint(const Value& value, uint64_t most);
// Any number, also "NaN", "Infinity" and "-Infinity".
absl::StatusOr<double> asDouble(const Value& value);
absl::StatusOr<bool> asBool(const Value& value);
// A string; numbers and booleans are refused, as quotes were most likely forgotten.
absl::StatusOr<std::string> asString(const Value& value);
// Base64, standard or URL-safe alphabet.
absl::StatusOr<std::string> asBytes(const Value& value);
// The number of an enum value; a number that the enum lacks is let through to the rules.
absl::StatusOr<int> asEnum(const Value& value, const google::protobuf::EnumDescriptor& type);

// Whole seconds and nanoseconds of the same sign, as protobuf has them.
struct Seconds {
  int64_t seconds = 0;
  int32_t nanos = 0;
};
// "1.5s": an optional sign, digits, up to nine decimals, an "s"; at most 10,000 years.
absl::StatusOr<Seconds> asDuration(const Value& value);

}  // namespace weir::config
