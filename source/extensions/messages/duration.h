// google.protobuf.Duration as absl::Duration. The loader has checked its range.
#pragma once

#include <google/protobuf/duration.pb.h>

#include "absl/time/time.h"

namespace weir::extensions {

inline absl::Duration durationOf(const google::protobuf::Duration& duration) {
  return absl::Seconds(duration.seconds()) + absl::Nanoseconds(duration.nanos());
}

}  // namespace weir::extensions
