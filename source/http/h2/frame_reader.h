// FrameReader: reads what comes on an HTTP/2 connection (RFC 9113), frame by frame, and hands it to the streams and the
// Wire. Owned by the codec. Takes all input at once, however it is cut; of a frame that is not whole it keeps its
// header, or a part of a header section that says nothing yet. DATA is moved to its stream as it comes.
//
// Errors of the connection are noted with the Wire, and nothing is read after one; those of a stream reset it.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "source/http/h2/frame.h"
#include "source/http/h2/h2_stream.h"
#include "source/http/h2/wire.h"

namespace weir::http::h2 {

class FrameReader {
 public:
  explicit FrameReader(Wire& wire);
  ~FrameReader() { dropRest(); }
  FrameReader(const FrameReader&) = delete;
  FrameReader& operator=(const FrameReader&) = delete;

  void read();
  // The connection preface or a header section has begun and is not complete.
  bool headPending() const { return state_ == State::kPreface || section_open_; }

 private:
  enum class State : uint8_t {
    kPreface,
    kHeader,
    kPrefix,    // of the payload of DATA or HEADERS: the length of the padding, a priority
    kData,      // `left_` bytes
    kFragment,  // `left_` bytes of a header section
    kControl,   // pieces of `unit_` bytes, `left_` in all
    kSkip,      // `left_` bytes that say nothing
  };

  // Each takes what it can; false: more input is needed.
  bool step();
  bool takePreface();
  bool gather(size_t bytes);
  bool takeData();
  bool takeFragment();
  bool takeControl();
  bool skip();

  void beginFrame();
  void beginContent();
  void onPrefix();
  void beginData();
  void beginSection();
  void beginRequest();
  void beginAnswer();
  void beginContinuation();
  void beginReset();
  void beginSettings();
  void beginPing();
  void beginGoaway();
  void beginWindow();
  void beginPriority();
  void beginControl(uint32_t unit);
  void endFrame();

  bool decode(std::string_view& bytes);
  void refuseSection(Reason reason);
  void endSection();
  void startRequest();
  void keepRest(std::string_view rest);
  void dropRest();

  void onSetting();
  bool applySetting(Setting setting, uint32_t value);
  bool setPeerWindow(uint32_t value);
  void onSettingsAck();
  void onPing();
  void onGoaway();
  void onWindow();
  void fail(ErrorCode code) { wire_.noteFault(Reason::kH2Protocol, code); }
  H2Stream* find() const { return wire_.streams.find(frame_.stream); }
  Reason broken() const { return wire_.server() ? Reason::kClientGone : Reason::kUpstreamProtocol; }

  Wire& wire_;
  // A part of a header section that is not a whole representation.
  char* rest_ = nullptr;
  uint32_t rest_size_ = 0;
  uint32_t rest_capacity_ = 0;
  FrameHeader frame_;
  uint32_t left_ = 0;
  uint32_t padding_ = 0;
  uint32_t section_stream_ = 0;
  std::array<char, kFrameHeaderBytes> stash_;
  uint8_t have_ = 0;  // bytes of stash_, or of the preface
  uint8_t unit_ = 0;
  State state_;
  bool section_open_ = false;
  bool section_ends_ = false;     // the stream, too
  bool section_ignored_ = false;  // is decoded for the sake of the table alone
};

}  // namespace weir::http::h2
