// Wire: what the codec of one connection and its stream share: the two buffers, the settings and how the connection
// fares. Owned by the codec, outlives the stream.
#pragma once

#include <cstddef>
#include <cstdint>

#include "source/base/arena.h"
#include "source/buffer/buffer.h"
#include "source/http/codec.h"
#include "source/http/h1/body_reader.h"
#include "source/http/h1/options.h"
#include "source/http/reason.h"

namespace weir::http::h1 {

// What a codec works on; all outlive it. Streams have room while `out` holds less than `write_limit` bytes. `unseen`,
// where the connection can leave bytes in the kernel, is told how many of those to come nobody looks at.
struct H1Io {
  buffer::Buffer& in;
  buffer::Buffer& out;
  size_t write_limit;
  base::ChunkPool& chunks;
  uint64_t* unseen = nullptr;
  bool carried = false;  // client: the connection has carried a whole exchange before this codec
};

struct Wire {
  H1Io io;
  const H1Options& options;
  CodecOwner& owner;
  BodyReader::Input input = BodyReader::Input::kOpen;
  Reason lost = Reason::kNone;   // why, when input is kLost
  Reason error = Reason::kNone;  // the first thing that the peer did wrong
  bool finished = false;
  bool draining = false;

  bool open() const { return input == BodyReader::Input::kOpen; }
  size_t room() const { return io.out.size() < io.write_limit ? io.write_limit - io.out.size() : 0; }
  // For whoever stops when there is none: that it did is noted, so that only then it is woken when there is some again.
  size_t roomFor(bool& asked_in_vain) const {
    const size_t bytes = room();
    asked_in_vain = asked_in_vain || bytes == 0;
    return bytes;
  }
  void fail(Reason reason) {
    if (error == Reason::kNone) error = reason;
    finished = true;
  }
};

}  // namespace weir::http::h1
