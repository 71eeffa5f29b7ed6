// Wire: what the codec of one connection and its stream share: the two buffers, the settings and how the connection
// fares. Owned by the codec, outlives the stream.
#pragma once

#include <cstddef>

#include "source/base/arena.h"
#include "source/buffer/buffer.h"
#include "source/http/codec.h"
#include "source/http/h1/body_reader.h"
#include "source/http/h1/options.h"
#include "source/http/reason.h"

namespace weir::http::h1 {

// What a codec works on; all outlive it. Streams have room while `out` holds less than `write_limit` bytes.
struct H1Io {
  buffer::Buffer& in;
  buffer::Buffer& out;
  size_t write_limit;
  base::ChunkPool& chunks;
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
  void fail(Reason reason) {
    if (error == Reason::kNone) error = reason;
    finished = true;
  }
};

}  // namespace weir::http::h1
