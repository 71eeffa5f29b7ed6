// Codec: bytes to message parts and back on one connection, for the server and the client role alike. It has no
// socket and no timer: it reads from the connection's input buffer and appends to its output buffer, and tells its
// owner, which drives both. Made by the session of the connection, which owns it. Streams that it made must be
// released before it is destroyed.
#pragma once

#include <cstddef>
#include <cstdint>

#include "source/buffer/buffer.h"
#include "source/http/stream.h"

namespace weir::http {

enum class Role : uint8_t { kServer, kClient };

// What a codec tells the session that owns it. Called from inside onInput() and from inside calls on its streams;
// all but onStream only mark and queue.
class CodecOwner {
 public:
  // Server: a request has begun (its head is complete). Called from onInput() only.
  virtual void onStream(StreamPtr stream) = 0;
  // The output buffer has new bytes: flush in this turn.
  virtual void onOutput() = 0;
  // Bytes were taken from the input buffer outside onInput(): the connection may read on.
  virtual void onConsumed() = 0;
  // A stream has ended or gone, so that onInput() may have something to do again (the next pipelined request), the
  // connection may have become idle, or unusable.
  virtual void onStreamEnd() = 0;

 protected:
  ~CodecOwner() = default;
};

class Codec {
 public:
  virtual ~Codec() = default;

  // There is new input, or `end` of it, or a stream ended: goes on with what the buffers hold. Never blocks or
  // recurses. A protocol error makes the codec answer as far as it can (400, GOAWAY) and broken() true.
  virtual void onInput(bool end) = 0;
  // Called before output is written: what the codec held back in the hope of knowing more (the framing of a message of
  // which only the head was sent) is appended now.
  virtual void beforeFlush() = 0;
  // Output was written: streams that had no room are woken.
  virtual void onRoom() = 0;
  // The connection is gone: every stream receives Failed(reason) if its message is not complete.
  virtual void onConnectionLost(Reason reason) = 0;

  // Client: a stream for one request. Only while canOpen().
  virtual StreamPtr open() = 0;
  virtual bool canOpen() const = 0;
  // Streams that are not released yet.
  virtual size_t streams() const = 0;
  // Server: no new requests are taken after the current ones; responses say so (Connection: close, GOAWAY).
  virtual void drain() = 0;
  // Server, HTTP/1, no stream live: answers with the status of `reason` and finishes. For a head that did not arrive in
  // time, or that is not wanted. Does nothing where a stream is live: that is answered through the stream.
  virtual void refuse(Reason reason) = 0;
  // No stream is live and the connection may carry another: every message on it was framed and complete.
  virtual bool reusable() const = 0;
  // The connection must be closed once its output is written: an error, an end that the messages ask for, or drained.
  virtual bool finished() const = 0;
  // What the peer did wrong, if anything; goes to the counters.
  virtual Reason error() const = 0;
  // Server: a part of a request head has come, but not the whole. For the request header timeout.
  virtual bool headPending() const = 0;
  virtual Version version() const = 0;
};

}  // namespace weir::http
