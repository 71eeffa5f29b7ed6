#include "source/http/h1/body_reader.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace weir::http::h1 {

std::optional<uint64_t> BodyReader::left() const {
  if (mode_ == Mode::kLength) return left_;
  if (complete()) return 0;
  return std::nullopt;
}

void BodyReader::tellUnseen(uint64_t* unseen) {
  if (mode_ == Mode::kLength || mode_ == Mode::kUntilClose) unseen_ = unseen;
}

Part BodyReader::fail(buffer::BlockPool& pool, Reason reason) {
  mode_ = Mode::kFailed;
  return Part::makeFailed(reason, pool);
}

Part BodyReader::end(buffer::BlockPool& pool) {
  mode_ = Mode::kDone;
  return Part::makeEnd(trailers_, pool);
}

// There is nothing left to read.
std::optional<Part> BodyReader::atEndOfInput(buffer::BlockPool& pool, Input input) {
  if (input == Input::kOpen) return std::nullopt;
  const bool end_of_input_ends_it = mode_ == Mode::kUntilClose || mode_ == Mode::kTunnel;
  if (input == Input::kEnded && end_of_input_ends_it) return end(pool);
  return fail(pool, reasons_.truncated);
}

std::optional<Part> BodyReader::nextChunked(buffer::Buffer& in, Input input, base::Arena& arena) {
  buffer::Buffer data(in.pool());
  const ChunkReader::Status status = chunks_.read(in, data, options_, arena);
  if (status == ChunkReader::Status::kBad) mode_ = Mode::kBad;
  if (status == ChunkReader::Status::kEnd) {
    mode_ = Mode::kEmpty;
    trailers_ = chunks_.trailers();
  }
  // Data goes first; what ended it is told by the next call.
  if (!data.empty()) return Part::makeData(std::move(data));
  if (status == ChunkReader::Status::kBad) return fail(in.pool(), reasons_.bad);
  if (status == ChunkReader::Status::kEnd) return end(in.pool());
  return atEndOfInput(in.pool(), input);
}

std::optional<Part> BodyReader::next(buffer::Buffer& in, Input input, base::Arena& arena) {
  buffer::BlockPool& pool = in.pool();
  switch (mode_) {
    case Mode::kEmpty:
      return end(pool);
    case Mode::kBad:
      return fail(pool, reasons_.bad);
    case Mode::kChunked:
      return nextChunked(in, input, arena);
    case Mode::kWaiting:
      // The peer is gone and will not see the tunnel; what it sent early does not count.
      return input == Input::kOpen ? std::nullopt : std::optional<Part>(fail(pool, reasons_.truncated));
    case Mode::kLength:
    case Mode::kUntilClose:
    case Mode::kTunnel: {
      if (in.empty()) return atEndOfInput(pool, input);
      size_t bytes = in.size();
      if (mode_ == Mode::kLength) {
        bytes = static_cast<size_t>(std::min<uint64_t>(left_, bytes));
        left_ -= bytes;
        if (left_ == 0) mode_ = Mode::kEmpty;
      }
      // All there was is taken, so that what is left is what comes next.
      if (unseen_ != nullptr) *unseen_ = mode_ == Mode::kUntilClose ? std::numeric_limits<uint64_t>::max() : left_;
      buffer::Buffer data(pool);
      data.moveFrom(in, bytes);
      return Part::makeData(std::move(data));
    }
    case Mode::kDone:
    case Mode::kFailed:
      break;
  }
  return std::nullopt;
}

}  // namespace weir::http::h1
