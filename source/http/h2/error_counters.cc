#include "source/http/h2/error_counters.h"

namespace weir::http::h2 {
namespace {

struct Kind {
  Reason reason;
  std::string_view metric;
};

constexpr std::array kNames = {
    Kind{Reason::kH2PingFlood, "inbound_ping_flood"},
    Kind{Reason::kH2SettingsFlood, "inbound_settings_flood"},
    Kind{Reason::kH2PriorityFlood, "inbound_priority_frames_flood"},
    Kind{Reason::kH2WindowUpdateFlood, "inbound_window_update_frames_flood"},
    Kind{Reason::kH2EmptyFrames, "inbound_empty_frames_flood"},
    Kind{Reason::kH2Continuations, "inbound_continuations_flood"},
    Kind{Reason::kH2UnknownFrames, "inbound_unknown_frames_flood"},
    Kind{Reason::kH2ResetFlood, "inbound_reset_flood"},
    Kind{Reason::kH2OutboundFlood, "outbound_control_flood"},
};

}  // namespace

ErrorCounters ErrorCounters::make(absl::FunctionRef<stats::CounterId(std::string_view metric)> counter) {
  static_assert(kNames.size() == kKinds);
  ErrorCounters counters;
  counters.protocol_error_ = counter("protocol_error");
  for (size_t i = 0; i < kKinds; ++i) counters.kinds_[i] = counter(kNames[i].metric);
  return counters;
}

stats::CounterId ErrorCounters::of(Reason error) const {
  for (size_t i = 0; i < kKinds; ++i) {
    if (kNames[i].reason == error) return kinds_[i];
  }
  return protocol_error_;
}

}  // namespace weir::http::h2
