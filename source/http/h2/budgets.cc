// Where the numbers come from:
//   RST_STREAM      500 streams is Envoy's count for premature resets, of which more than half must be resets: hence
//   one
//                   comes back for each stream that ends whole; 33 per second is nghttp2's rate (CVE-2023-44487)
//   WINDOW_UPDATE   5 + 2 * (streams + 10 * data frames sent), Envoy's published formula
//   PRIORITY        100 * (1 + streams), Envoy's
//   CONTINUATION    8 for a header section, nghttp2's (CVE-2024-28182): more than 130 KiB of encoded header
//   PING            a keepalive a second is rare; gRPC measures the path with a PING for each turn of data that it
//   gets,
//                   so the data sent pays for them. Apache Traffic Server takes 60 a minute.
//   SETTINGS        Apache Traffic Server takes 14 a minute; gRPC raises its window in up to ten steps
#include "source/http/h2/budgets.h"

#include <algorithm>

namespace weir::http::h2 {
namespace {

constexpr int64_t kSecond = 1'000'000'000;

int64_t interval(const H2Budget& limit) { return kSecond / std::max<uint32_t>(limit.per_second, 1); }

}  // namespace

Reason Budgets::take(Bucket& bucket, const H2Budget& limit, Reason reason) const {
  const int64_t now = now_.nanoseconds;
  bucket.full_at = std::max(bucket.full_at, now) + interval(limit);
  return bucket.full_at - now > interval(limit) * static_cast<int64_t>(limit.burst) ? reason : Reason::kNone;
}

void Budgets::giveBack(Bucket& bucket, const H2Budget& limit) const {
  if (bucket.full_at > now_.nanoseconds) bucket.full_at -= interval(limit);
}

Reason Budgets::onFrame(const FrameHeader& frame) {
  switch (frame.type) {
    case FrameType::kData:
      if (frame.length > 0 || frame.has(kEndStreamFlag)) return Reason::kNone;
      return take(empty_, limits_.empty, Reason::kH2EmptyFrames);
    case FrameType::kHeaders:
      continuations_ = 0;
      return Reason::kNone;
    case FrameType::kContinuation:
      if (++continuations_ > limits_.continuations) return Reason::kH2Continuations;
      if (frame.length > 0 || frame.has(kEndHeadersFlag)) return Reason::kNone;
      return take(empty_, limits_.empty, Reason::kH2EmptyFrames);
    default:
      return onOther(frame);
  }
}

Reason Budgets::onOther(const FrameHeader& frame) {
  switch (frame.type) {
    case FrameType::kPriority:
    case FrameType::kPriorityUpdate:
      return ++priorities_ > limits_.priority_per_stream * (1 + streams_) ? Reason::kH2PriorityFlood : Reason::kNone;
    case FrameType::kRstStream:
      return take(resets_, limits_.resets, Reason::kH2ResetFlood);
    case FrameType::kSettings:
      return take(settings_, limits_.settings, Reason::kH2SettingsFlood);
    case FrameType::kPing:
      return take(pings_, limits_.ping, Reason::kH2PingFlood);
    case FrameType::kWindowUpdate: {
      const uint64_t explained = streams_ + limits_.window_update_per_data * content_sent_;
      return ++window_updates_ > limits_.window_update_base + 2 * explained ? Reason::kH2WindowUpdateFlood
                                                                            : Reason::kNone;
    }
    case FrameType::kPushPromise:
      // A client says in its preface that it takes none, and sends none.
      return Reason::kH2Protocol;
    case FrameType::kGoaway:
      return Reason::kNone;
    default:
      return take(unknown_, limits_.unknown, Reason::kH2UnknownFrames);
  }
}

}  // namespace weir::http::h2
