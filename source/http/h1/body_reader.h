// BodyReader: what comes behind a head, pulled as parts: Data as far as the input buffer has it, then End, or Failed.
// Embedded in a stream; one of the begin functions is called for each head, then next() until done(). Never holds
// bytes: what is not pulled stays in the input buffer, so that the connection stops reading (law 6).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "source/base/arena.h"
#include "source/buffer/buffer.h"
#include "source/http/h1/chunked.h"
#include "source/http/h1/options.h"
#include "source/http/part.h"

namespace weir::http::h1 {

class BodyReader {
 public:
  // What a broken body is called.
  struct Reasons {
    Reason truncated;
    Reason bad;
  };
  // End of the input: not yet; the peer closed its side; the connection broke.
  enum class Input : uint8_t { kOpen, kEnded, kLost };

  BodyReader(const H1Options& options, Reasons reasons) : options_(options), reasons_(reasons) {}

  void beginLength(uint64_t bytes) {
    begin(bytes > 0 ? Mode::kLength : Mode::kEmpty);
    left_ = bytes;
  }
  void beginChunked() {
    begin(Mode::kChunked);
    chunks_.start();
  }
  void beginUntilClose() { begin(Mode::kUntilClose); }
  // Nothing is read until openTunnel() or refuseTunnel().
  void beginWaiting() { begin(Mode::kWaiting); }
  void openTunnel() { begin(Mode::kTunnel); }
  void refuseTunnel() { begin(Mode::kEmpty); }

  // The next part, if there is one now. Not after done().
  std::optional<Part> next(buffer::Buffer& in, Input input, base::Arena& arena);

  // Nobody looks at the bytes of this body: how many are still to come is written there, which outlives the reader.
  void tellUnseen(uint64_t* unseen);

  // End or Failed was given out.
  bool done() const { return mode_ == Mode::kDone || mode_ == Mode::kFailed; }
  bool failed() const { return mode_ == Mode::kFailed; }
  bool isTunnel() const { return mode_ == Mode::kTunnel; }
  // The end of the message was seen where the framing says it is, though End may not have been pulled yet.
  bool complete() const { return mode_ == Mode::kEmpty || mode_ == Mode::kDone; }
  // Bytes of the body that are still to be read; nothing when the framing does not tell beforehand.
  std::optional<uint64_t> left() const;

 private:
  enum class Mode : uint8_t { kEmpty, kLength, kChunked, kUntilClose, kWaiting, kTunnel, kBad, kDone, kFailed };

  void begin(Mode mode) {
    mode_ = mode;
    trailers_ = nullptr;
    unseen_ = nullptr;
  }
  std::optional<Part> nextChunked(buffer::Buffer& in, Input input, base::Arena& arena);
  std::optional<Part> atEndOfInput(buffer::BlockPool& pool, Input input);
  Part fail(buffer::BlockPool& pool, Reason reason);
  Part end(buffer::BlockPool& pool);

  const H1Options& options_;
  Reasons reasons_;
  Mode mode_ = Mode::kEmpty;
  uint64_t left_ = 0;
  uint64_t* unseen_ = nullptr;
  HeaderMap* trailers_ = nullptr;
  ChunkReader chunks_;
};

}  // namespace weir::http::h1
