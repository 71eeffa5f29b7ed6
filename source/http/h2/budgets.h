// Budgets: counts what the peer of one HTTP/2 connection makes weir do, frame by frame, and says when it is too much.
// Owned by the codec of the connection. Never allocates, has no timer: what comes back with time is worked out from
// the time of the turn.
#pragma once

#include <cstdint>

#include "source/base/clock.h"
#include "source/http/h2/frame.h"
#include "source/http/h2/options.h"
#include "source/http/reason.h"

namespace weir::http::h2 {

class Budgets {
 public:
  // `now` is the time of the turn. Both outlive it.
  Budgets(const H2Budgets& limits, const base::MonotonicTime& now) : limits_(limits), now_(now) {}

  // For each frame that came: kNone, or which budget is used up.
  Reason onFrame(const FrameHeader& frame);
  // weir reset a stream because of what the peer did.
  Reason onProvokedReset() { return take(resets_, limits_.resets, Reason::kH2ResetFlood); }
  void onStreamOpened() { ++streams_; }
  // Neither side reset it.
  void onStreamWhole() { giveBack(resets_, limits_.resets); }
  // A DATA or HEADERS frame was sent.
  void onContentSent() {
    ++content_sent_;
    giveBack(pings_, limits_.ping);
  }

 private:
  // When the bucket is full again, in nanoseconds of the monotonic clock (the "theoretical arrival time" of the GCRA,
  // ITU-T I.371): one number is a whole leaky bucket.
  struct Bucket {
    int64_t full_at = INT64_MIN;
  };

  Reason take(Bucket& bucket, const H2Budget& limit, Reason reason) const;
  void giveBack(Bucket& bucket, const H2Budget& limit) const;
  Reason onOther(const FrameHeader& frame);

  const H2Budgets& limits_;
  const base::MonotonicTime& now_;
  Bucket pings_;
  Bucket settings_;
  Bucket empty_;
  Bucket unknown_;
  Bucket resets_;
  uint64_t streams_ = 0;
  uint64_t content_sent_ = 0;
  uint64_t priorities_ = 0;
  uint64_t window_updates_ = 0;
  uint32_t continuations_ = 0;
};

}  // namespace weir::http::h2
