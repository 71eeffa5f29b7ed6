// LogCondition: the filter of one access log: which exchanges it records. Compiled at load from an AccessLogFilter,
// immutable, shared by workers. passes() allocates nothing but what a header matcher may need in the arena of a head.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "source/base/diagnostics.h"
#include "source/filter/matchers.h"
#include "source/filter/stream_info.h"

namespace envoy::config::accesslog::v3 {
class AccessLogFilter;
}

namespace weir::extensions {

struct LogCondition {
  enum class Kind : uint8_t { kAlways, kStatus, kDurationMs, kNotHealthCheck, kAll, kAny, kHeader, kFlags };
  enum class Compare : uint8_t { kEqual, kAtLeast, kAtMost, kDiffers };

  Kind kind = Kind::kAlways;
  Compare compare = Compare::kEqual;  // of kStatus and kDurationMs
  uint32_t number = 0;
  std::optional<filter::HeaderMatcher> header;  // of kHeader
  std::vector<std::string> flags;               // of kFlags; empty: any flag
  std::vector<LogCondition> parts;              // of kAll and kAny

  bool passes(const filter::StreamInfo& info) const;
};

// `path` is that of the message. None after an error was reported.
std::optional<LogCondition> compileLogCondition(const envoy::config::accesslog::v3::AccessLogFilter& message,
                                                base::Diagnostics& diagnostics, const base::FieldPath& path);

}  // namespace weir::extensions
