// CallRetries: whether and when a service that a filter asks beside a request is asked again. Compiled at load,
// immutable, shared by workers.
#pragma once

#include <cstdint>

#include "absl/time/time.h"
#include "source/base/diagnostics.h"
#include "source/base/random.h"
#include "source/http/reason.h"

namespace envoy::config::core::v3 {
class RetryPolicy;
}

namespace weir::extensions {

struct CallRetries {
  uint32_t count = 0;
  uint32_t on = 0;  // conditions of proxy::RetryOn
  absl::Duration base = absl::Seconds(1);
  absl::Duration most = absl::Seconds(10);

  // After an answer with that status, or after none.
  bool wantedAfter(uint16_t status) const;
  bool wantedAfter(http::Reason failure) const;
  // Before the retry of that number; the first is 0.
  absl::Duration wait(uint32_t number, base::Random& random) const;
};

// Errors go to the diagnostics, under the path of the message.
CallRetries compileCallRetries(const envoy::config::core::v3::RetryPolicy& message, base::Diagnostics& diagnostics,
                               const base::FieldPath& path);

}  // namespace weir::extensions
