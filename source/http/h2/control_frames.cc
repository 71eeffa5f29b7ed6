// The frames of FrameReader that carry no part of a message: RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE,
// PRIORITY.
#include <cstring>

#include "source/http/h2/frame_reader.h"

namespace weir::http::h2 {

void FrameReader::beginControl(uint32_t unit) {
  unit_ = static_cast<uint8_t>(unit);
  state_ = State::kControl;
}

bool FrameReader::takeControl() {
  if (left_ < unit_) {
    if (frame_.type == FrameType::kSettings) {
      wire_.settings_seen = true;
      wire_.writeSettingsAck();
      if (!wire_.held.empty()) wire_.owner.onOutput();
    }
    state_ = State::kSkip;
    return true;
  }
  if (!gather(unit_)) return false;
  left_ -= unit_;
  switch (frame_.type) {
    case FrameType::kRstStream:
      if (H2Stream* const stream = find()) stream->onClosed(static_cast<ErrorCode>(readBig(stash_.data(), 4)));
      break;
    case FrameType::kSettings:
      onSetting();
      return true;
    case FrameType::kPing:
      onPing();
      break;
    case FrameType::kGoaway:
      onGoaway();
      break;
    default:
      onWindow();
  }
  // What else GOAWAY holds is for people.
  state_ = State::kSkip;
  return true;
}

void FrameReader::beginReset() {
  if (frame_.length != 4) return fail(ErrorCode::kFrameSize);
  if (frame_.stream == 0 || wire_.isIdle(frame_.stream)) return fail(ErrorCode::kProtocol);
  beginControl(4);
}

// Says nothing since RFC 9113 5.3.2, and is counted by the budgets.
void FrameReader::beginPriority() {
  state_ = State::kSkip;
  if (frame_.stream == 0) return fail(ErrorCode::kProtocol);
  if (frame_.length == 5) return;
  H2Stream* const stream = find();
  if (stream == nullptr) return fail(ErrorCode::kFrameSize);
  stream->fault(broken(), ErrorCode::kFrameSize);
}

// --- SETTINGS

void FrameReader::beginSettings() {
  constexpr uint32_t kEntry = 6;
  if (frame_.stream != 0) return fail(ErrorCode::kProtocol);
  if (frame_.has(kAckFlag)) {
    if (frame_.length != 0) return fail(ErrorCode::kFrameSize);
    state_ = State::kSkip;
    return onSettingsAck();
  }
  if (frame_.length % kEntry != 0) return fail(ErrorCode::kFrameSize);
  beginControl(kEntry);
}

void FrameReader::onSettingsAck() {
  // weir says its settings once.
  if (wire_.settings_acked) return fail(ErrorCode::kProtocol);
  wire_.settings_acked = true;
  wire_.decoder.onAcknowledged();
  const int64_t by = int64_t{wire_.options.initial_stream_window} - wire_.own_stream_window;
  wire_.own_stream_window += by;
  if (by == 0) return;
  for (H2Stream* stream = wire_.first; stream != nullptr; stream = stream->next()) stream->onOwnWindow(by);
}

void FrameReader::onSetting() {
  const auto setting = static_cast<Setting>(readBig(stash_.data(), 2));
  const uint32_t value = readBig(stash_.data() + 2, 4);
  if (!applySetting(setting, value)) fail(ErrorCode::kProtocol);
}

// False when RFC 9113 6.5.2, RFC 8441 section 3 or RFC 9218 2.1 does not allow the value.
bool FrameReader::applySetting(Setting setting, uint32_t value) {
  constexpr uint32_t kLargestFrame = (1u << 24) - 1;
  switch (setting) {
    case Setting::kHeaderTableSize:
      wire_.encoder.setPeerLimit(value);
      return true;
    case Setting::kEnablePush:
      return value == 0 || (value == 1 && wire_.server());
    case Setting::kMaxConcurrentStreams:
      wire_.peer_max_streams = value;
      return true;
    case Setting::kInitialWindowSize:
      if (!setPeerWindow(value)) fail(ErrorCode::kFlowControl);
      return true;
    case Setting::kMaxFrameSize:
      return value >= kMaxFrameBytes && value <= kLargestFrame;
    case Setting::kEnableConnectProtocol:
      if (value > 1 || (wire_.peer_extended && value == 0)) return false;
      wire_.peer_extended = value == 1;
      return true;
    case Setting::kNoRfc7540Priorities:
      return value <= 1;
    default:
      return true;
  }
}

// False when it, or what it makes of the window of a stream, is more than a window can be (6.9.2).
bool FrameReader::setPeerWindow(uint32_t value) {
  if (value > kMaxWindow) return false;
  const int64_t by = int64_t{value} - wire_.peer_stream_window;
  wire_.peer_stream_window = value;
  if (by == 0) return true;
  for (H2Stream* stream = wire_.first; stream != nullptr; stream = stream->next()) {
    if (stream->id() != 0 && !stream->onWindow(by)) return false;
  }
  return true;
}

// --- PING, GOAWAY, WINDOW_UPDATE

void FrameReader::beginPing() {
  constexpr uint32_t kBytes = 8;
  if (frame_.stream != 0) return fail(ErrorCode::kProtocol);
  if (frame_.length != kBytes) return fail(ErrorCode::kFrameSize);
  beginControl(kBytes);
}

void FrameReader::onPing() {
  const std::string_view payload(stash_.data(), unit_);
  if (!frame_.has(kAckFlag)) return wire_.writePing(payload, true);
  if (payload == kKeepalivePing) wire_.pinging = false;
  if (payload == kDrainPing && wire_.drain == Wire::Drain::kAnnounced) wire_.drain_acknowledged = true;
}

void FrameReader::beginGoaway() {
  constexpr uint32_t kBytes = 8;
  if (frame_.stream != 0) return fail(ErrorCode::kProtocol);
  if (frame_.length < kBytes) return fail(ErrorCode::kFrameSize);
  beginControl(kBytes);
}

void FrameReader::onGoaway() {
  const uint32_t last = readBig(stash_.data(), 4) & kMaxStreamId;
  wire_.goaway_seen = true;
  if (wire_.server()) return;
  // It may become less, but never more (6.8).
  if (last > wire_.goaway_last) return fail(ErrorCode::kProtocol);
  wire_.goaway_last = last;
  H2Stream* stream = wire_.first;
  while (stream != nullptr) {
    H2Stream* const next = stream->next();
    if (stream->id() > last && wire_.streams.find(stream->id()) == stream) {
      stream->onClosed(ErrorCode::kRefusedStream);
    }
    stream = next;
  }
  if (!wire_.held.empty()) wire_.owner.onOutput();
}

void FrameReader::beginWindow() {
  if (frame_.length != 4) return fail(ErrorCode::kFrameSize);
  if (frame_.stream != 0 && wire_.isIdle(frame_.stream)) return fail(ErrorCode::kProtocol);
  beginControl(4);
}

void FrameReader::onWindow() {
  const int64_t by = readBig(stash_.data(), 4) & kMaxWindow;
  // RFC 9113 6.9 makes it an error of the stream where it names one; no honest peer sends it at all.
  if (by == 0) return fail(ErrorCode::kProtocol);
  if (frame_.stream == 0) {
    if (wire_.send_window + by > kMaxWindow) return fail(ErrorCode::kFlowControl);
    wire_.send_window += by;
    wire_.stuck = false;
    return;
  }
  H2Stream* const stream = find();
  if (stream != nullptr && !stream->onWindow(by)) stream->fault(broken(), ErrorCode::kFlowControl);
}

}  // namespace weir::http::h2
