// frame = length (24) type (8) flags (8) reserved (1) stream (31) payload          (RFC 9113 section 4.1)
#include "source/http/h2/frame_meter.h"

#include <algorithm>

#include "source/http/h2/preface.h"

namespace weir::http::h2 {

FrameMeter::FrameMeter(Budgets& budgets, bool preface)
    : budgets_(budgets), preface_left_(preface ? static_cast<uint8_t>(kPreface.size()) : 0) {}

Reason FrameMeter::feed(std::string_view bytes) {
  const size_t skipped = std::min<size_t>(preface_left_, bytes.size());
  preface_left_ = static_cast<uint8_t>(preface_left_ - skipped);
  bytes.remove_prefix(skipped);
  while (!bytes.empty()) {
    if (payload_left_ > 0) {
      const size_t n = std::min<size_t>(payload_left_, bytes.size());
      payload_left_ -= static_cast<uint32_t>(n);
      bytes.remove_prefix(n);
    } else {
      const size_t n = std::min<size_t>(kHeaderBytes - have_, bytes.size());
      std::copy_n(bytes.begin(), n, header_.begin() + have_);
      have_ += static_cast<uint32_t>(n);
      bytes.remove_prefix(n);
      if (have_ < kHeaderBytes) break;
      have_ = 0;
      if (const Reason reason = frameBegins(); reason != Reason::kNone) return reason;
    }
    if (payload_left_ == 0 && head_closes_) head_open_ = head_closes_ = false;
  }
  return Reason::kNone;
}

Reason FrameMeter::frameBegins() {
  FrameHeader frame;
  frame.length = static_cast<uint32_t>(header_[0] << 16 | header_[1] << 8 | header_[2]);
  frame.type = static_cast<FrameType>(header_[3]);
  frame.flags = header_[4];
  frame.stream = static_cast<uint32_t>((header_[5] & 0x7f) << 24 | header_[6] << 16 | header_[7] << 8 | header_[8]);
  payload_left_ = frame.length;
  if (frame.type == FrameType::kHeaders || frame.type == FrameType::kContinuation) {
    head_open_ = true;
    head_closes_ = frame.has(kEndHeadersFlag);
  }
  return budgets_.onFrame(frame);
}

}  // namespace weir::http::h2
