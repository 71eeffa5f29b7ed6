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
  // Server: a request has begun (its head is complete). Called from onInput() only. The stream has its owner set before
  // this returns, or is gone.
  virtual void onStream(StreamPtr stream) = 0;
  // Server, HTTP/2: a request was refused before it became a stream; the others on the connection go on.
  virtual void onRefused(Reason) {}
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
  // Client: how many may be opened now; 0 unless canOpen().
  virtual size_t availableStreams() const = 0;
  // Streams that are not released yet.
  virtual size_t streams() const = 0;
  // Streams that were released while a part of what was sent on them still waits for the peer to open its window. The
  // connection is not finished before they are; a peer that lets them wait for too long is dealt with by dropUnsent(),
  // which resets them.
  virtual size_t unsentStreams() const = 0;
  virtual void dropUnsent() = 0;
  // Server: no new requests are taken after the current ones; responses say so (Connection: close). HTTP/2: GOAWAY is
  // sent in two steps, the second when the peer has seen the first, or by calling this again.
  virtual void drain() = 0;
  // HTTP/2: asks the peer for a sign of life; pingPending() until it comes. HTTP/1 has none and is never pending.
  virtual void ping() = 0;
  virtual bool pingPending() const = 0;
  // Server, no stream live: HTTP/1 answers with the status of `reason` and finishes. For a head that did not arrive
  // in time, or that is not wanted; HTTP/2 says GOAWAY. Does nothing where a stream is live: that is answered through
  // the stream.
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
