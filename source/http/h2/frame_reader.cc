// frame = length (24) type (8) flags (8) reserved (1) stream (31) payload          (RFC 9113 section 4.1)
// DATA, HEADERS and the header sections; the other frames are in control_frames.cc.
#include "source/http/h2/frame_reader.h"

#include <algorithm>
#include <bit>

#include "source/base/check.h"
#include "source/http/h2/preface.h"

namespace weir::http::h2 {
namespace {

constexpr uint32_t kPriorityBytes = 5;

}  // namespace

FrameReader::FrameReader(Wire& wire) : wire_(wire), state_(wire.server() ? State::kPreface : State::kHeader) {}

void FrameReader::read() {
  while (wire_.fault == Reason::kNone && !wire_.finished && step()) {
  }
}

bool FrameReader::step() {
  switch (state_) {
    case State::kPreface:
      return takePreface();
    case State::kHeader:
      if (!gather(kFrameHeaderBytes)) return false;
      beginFrame();
      return true;
    case State::kPrefix:
      if (!gather(unit_)) return false;
      onPrefix();
      return true;
    case State::kData:
      return takeData();
    case State::kFragment:
      return takeFragment();
    case State::kControl:
      return takeControl();
    case State::kSkip:
      return skip();
  }
  return false;
}

bool FrameReader::takePreface() {
  buffer::Buffer& in = wire_.io.in;
  while (have_ < kPreface.size()) {
    const std::string_view piece = in.front();
    if (piece.empty()) return false;
    const std::string_view expected = kPreface.substr(have_, piece.size());
    if (piece.substr(0, expected.size()) != expected) {
      fail(ErrorCode::kProtocol);
      return false;
    }
    have_ = static_cast<uint8_t>(have_ + expected.size());
    in.drain(expected.size());
  }
  have_ = 0;
  state_ = State::kHeader;
  return true;
}

bool FrameReader::gather(size_t bytes) {
  buffer::Buffer& in = wire_.io.in;
  const std::string_view piece = in.front();
  if (have_ == 0 && piece.size() >= bytes) {
    std::copy_n(piece.data(), bytes, stash_.data());
    in.drain(bytes);
    return true;
  }
  const size_t n = in.copyOut(0, std::span(stash_).subspan(have_, bytes - have_));
  in.drain(n);
  have_ = static_cast<uint8_t>(have_ + n);
  if (have_ < bytes) return false;
  have_ = 0;
  return true;
}

bool FrameReader::skip() {
  const size_t n = std::min<size_t>(wire_.io.in.size(), left_);
  wire_.io.in.drain(n);
  left_ -= static_cast<uint32_t>(n);
  if (left_ > 0) return false;
  endFrame();
  return true;
}

void FrameReader::beginFrame() {
  frame_ = readFrameHeader(stash_.data());
  const Reason charged = wire_.budgets.onFrame(frame_);
  if (charged == Reason::kH2Protocol) return fail(ErrorCode::kProtocol);
  if (charged != Reason::kNone) return wire_.noteBudget(charged);
  if (frame_.length > kMaxFrameBytes) return fail(ErrorCode::kFrameSize);
  const bool continues = frame_.type == FrameType::kContinuation && frame_.stream == section_stream_;
  if (section_open_ && !continues) return fail(ErrorCode::kProtocol);
  // The preface of either side ends in SETTINGS (3.4).
  const bool is_settings = frame_.type == FrameType::kSettings && !frame_.has(kAckFlag);
  if (!wire_.settings_seen && !is_settings) return fail(ErrorCode::kProtocol);
  left_ = frame_.length;
  padding_ = 0;
  switch (frame_.type) {
    case FrameType::kData:
    case FrameType::kHeaders:
      return beginContent();
    case FrameType::kContinuation:
      return beginContinuation();
    case FrameType::kRstStream:
      return beginReset();
    case FrameType::kSettings:
      return beginSettings();
    case FrameType::kPing:
      return beginPing();
    case FrameType::kGoaway:
      return beginGoaway();
    case FrameType::kWindowUpdate:
      return beginWindow();
    case FrameType::kPriority:
      return beginPriority();
    default:
      state_ = State::kSkip;
  }
}

// --- DATA and HEADERS

void FrameReader::beginContent() {
  if (frame_.stream == 0) return fail(ErrorCode::kProtocol);
  const bool prioritised = frame_.type == FrameType::kHeaders && frame_.has(kPriorityFlag);
  unit_ = static_cast<uint8_t>((frame_.has(kPaddedFlag) ? 1 : 0) + (prioritised ? kPriorityBytes : 0));
  if (unit_ > frame_.length) return fail(ErrorCode::kFrameSize);
  if (frame_.type == FrameType::kData) {
    beginData();
  } else {
    beginSection();
  }
  if (wire_.fault != Reason::kNone) return;
  if (unit_ > 0) {
    state_ = State::kPrefix;
  } else {
    state_ = frame_.type == FrameType::kData ? State::kData : State::kFragment;
  }
}

void FrameReader::onPrefix() {
  left_ -= unit_;
  if (frame_.has(kPaddedFlag)) padding_ = static_cast<unsigned char>(stash_[0]);
  // Padding may be all of a payload, but not more (6.1).
  if (padding_ > left_) return fail(ErrorCode::kProtocol);
  left_ -= padding_;
  if (frame_.type != FrameType::kData) {
    state_ = State::kFragment;
    return;
  }
  state_ = State::kData;
  // Padding counts as DATA, and is taken at once.
  if (H2Stream* const stream = find()) {
    stream->onPadding(padding_ + unit_);
  } else {
    wire_.credit(padding_ + unit_);
  }
}

void FrameReader::beginData() {
  if (wire_.isIdle(frame_.stream)) return fail(ErrorCode::kProtocol);
  if (frame_.length > wire_.receive_window) return fail(ErrorCode::kFlowControl);
  wire_.receive_window -= frame_.length;
  H2Stream* const stream = find();
  if (stream == nullptr || !stream->onDataFrame(frame_.length)) return;
  if (stream->peerEnded()) stream->fault(broken(), ErrorCode::kStreamClosed);
}

bool FrameReader::takeData() {
  buffer::Buffer& in = wire_.io.in;
  if (const size_t n = std::min<size_t>(in.size(), left_); n > 0) {
    left_ -= static_cast<uint32_t>(n);
    if (H2Stream* const stream = find()) {
      stream->onDataFound(n);
    } else {
      in.drain(n);
      wire_.credit(n);
    }
  }
  if (left_ > 0) return false;
  left_ = padding_;
  state_ = State::kSkip;
  return true;
}

void FrameReader::endFrame() {
  state_ = State::kHeader;
  if (frame_.type != FrameType::kData || !frame_.has(kEndStreamFlag)) return;
  if (H2Stream* const stream = find()) stream->onEnd();
}

// --- header sections

void FrameReader::beginSection() {
  section_stream_ = frame_.stream;
  section_ends_ = frame_.has(kEndStreamFlag);
  section_ignored_ = false;
  wire_.decoder.begin();
  H2Stream* const stream = find();
  if (stream == nullptr) {
    wire_.server() ? beginRequest() : beginAnswer();
  } else if (stream->peerEnded()) {
    stream->fault(broken(), ErrorCode::kStreamClosed);
    section_ignored_ = true;
  } else {
    wire_.receiver.begin(!wire_.server() && stream->awaitsHead() ? Section::kResponse : Section::kTrailers);
  }
  if (wire_.fault == Reason::kNone) section_open_ = true;
}

// On a stream that is not open.
void FrameReader::beginRequest() {
  if (frame_.stream % 2 == 0) return fail(ErrorCode::kProtocol);
  // Of a stream that is over, or that came after the last one that the client was told of.
  section_ignored_ = !wire_.isIdle(frame_.stream) || frame_.stream > wire_.goaway_last;
  wire_.last_seen = std::max(wire_.last_seen, frame_.stream);
  if (section_ignored_) return;
  if (wire_.streams.size() >= wire_.options.max_concurrent_streams) {
    // Whoever has confirmed the limit knows it (5.1.2).
    if (wire_.settings_acked) return fail(ErrorCode::kProtocol);
    wire_.writeReset(frame_.stream, ErrorCode::kRefusedStream);
    section_ignored_ = true;
    return;
  }
  wire_.last_processed = frame_.stream;
  wire_.receiver.begin(Section::kRequest);
}

// To a request that is over.
void FrameReader::beginAnswer() {
  if (wire_.isIdle(frame_.stream)) return fail(ErrorCode::kProtocol);
  section_ignored_ = true;
}

void FrameReader::beginContinuation() {
  if (!section_open_) return fail(ErrorCode::kProtocol);
  state_ = State::kFragment;
}

bool FrameReader::takeFragment() {
  buffer::Buffer& in = wire_.io.in;
  while (left_ > 0) {
    const std::string_view piece = in.front().substr(0, left_);
    if (piece.empty()) return false;
    left_ -= static_cast<uint32_t>(piece.size());
    std::string_view bytes = piece;
    if (rest_size_ > 0) {
      keepRest(piece);
      bytes = {rest_, rest_size_};
    }
    if (!decode(bytes)) {
      fail(ErrorCode::kCompression);
      return false;
    }
    if (rest_size_ > 0) {
      std::copy(bytes.begin(), bytes.end(), rest_);
      rest_size_ = static_cast<uint32_t>(bytes.size());
    } else if (!bytes.empty()) {
      keepRest(bytes);
    }
    in.drain(piece.size());
    if (wire_.fault != Reason::kNone) return false;
  }
  const bool whole = frame_.has(kEndHeadersFlag);
  left_ = padding_;
  state_ = State::kSkip;
  if (!whole) return true;
  if (rest_size_ > 0) {
    fail(ErrorCode::kCompression);
    return false;
  }
  endSection();
  return true;
}

// Takes the whole representations off the front; false when they are wrong.
bool FrameReader::decode(std::string_view& bytes) {
  HpackField field;
  while (!section_ignored_) {
    const HpackDecoder::Step step = wire_.decoder.next(bytes, wire_.receiver.text(), field);
    if (step != HpackDecoder::Step::kField) return step == HpackDecoder::Step::kMore;
    const Reason reason = wire_.receiver.add(field);
    if (reason != Reason::kNone) refuseSection(reason);
  }
  HpackText scrap(wire_.io.memory);
  for (;;) {
    const HpackDecoder::Step step = wire_.decoder.next(bytes, scrap, field);
    if (step != HpackDecoder::Step::kField) return step == HpackDecoder::Step::kMore;
  }
}

void FrameReader::keepRest(std::string_view rest) {
  const size_t needed = rest_size_ + rest.size();
  if (needed > rest_capacity_) {
    const size_t larger = std::bit_ceil(std::max<size_t>(needed, 256));
    auto* const memory = static_cast<char*>(wire_.io.memory.allocate(larger));
    CHECK(memory != nullptr, "there is memory for a part of a header section");
    std::copy_n(rest_, rest_size_, memory);
    wire_.io.memory.release(rest_);
    rest_ = memory;
    rest_capacity_ = static_cast<uint32_t>(larger);
  }
  std::copy(rest.begin(), rest.end(), rest_ + rest_size_);
  rest_size_ = static_cast<uint32_t>(needed);
}

void FrameReader::dropRest() {
  wire_.io.memory.release(rest_);
  rest_ = nullptr;
  rest_size_ = rest_capacity_ = 0;
}

// The stream is reset, and the rest of the section not looked at.
void FrameReader::refuseSection(Reason reason) {
  section_ignored_ = true;
  wire_.receiver.end();
  if (H2Stream* const stream = wire_.streams.find(section_stream_)) {
    stream->fault(wire_.server() ? reason : responseReason(reason));
  } else {
    wire_.writeReset(section_stream_, ErrorCode::kProtocol);
    if (wire_.server()) wire_.owner.onRefused(reason);
  }
}

void FrameReader::endSection() {
  section_open_ = false;
  dropRest();
  if (section_ignored_) return;
  if (const Reason reason = wire_.receiver.finish(section_ends_); reason != Reason::kNone) {
    return refuseSection(reason);
  }
  if (wire_.receiver.section() == Section::kRequest) {
    startRequest();
  } else if (H2Stream* const stream = wire_.streams.find(section_stream_)) {
    wire_.receiver.section() == Section::kTrailers ? stream->onTrailers() : stream->onHead(section_ends_);
  }
  wire_.receiver.end();
}

void FrameReader::startRequest() {
  wire_.owner.onStream(StreamPtr(&H2Stream::make(wire_, section_stream_)));
  // It may have been dropped at once.
  if (H2Stream* const kept = wire_.streams.find(section_stream_)) kept->onHead(section_ends_);
}

}  // namespace weir::http::h2
