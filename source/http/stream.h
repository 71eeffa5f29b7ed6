// Stream: one message exchange on a connection, seen from the side that uses it: parts of the peer's message are
// pulled out, parts of the own message pushed in as far as there is room (law 6). Made by a codec (a request that
// came in, a request to send) and by anything else that answers requests (the router, the admin handler). One worker.
//
// Rules for the user: set an owner before the first receive(); stop receiving after End or Failed; send parts in order
// and nothing after End; destroying the StreamPtr of an unfinished stream resets it. None of these calls calls the
// owner back: changes come later as wakes (law 4).
#pragma once

#include <cstddef>
#include <memory>
#include <optional>

#include "source/base/arena.h"
#include "source/http/part.h"

namespace weir::http {

// Who uses a stream. wakeStream() is told that receive() or room() may have changed; it only marks and queues.
class StreamOwner {
 public:
  virtual void wakeStream() = 0;

 protected:
  ~StreamOwner() = default;
};

class Stream {
 public:
  virtual ~Stream() = default;

  // Wakes go to `owner`; heads and trailers are made in `arena`. Both must outlive the stream or be replaced.
  virtual void setOwner(StreamOwner& owner, base::Arena& arena) = 0;
  // The next part of the peer's message, if there is one now. Taking Data gives its credit back to the peer.
  virtual std::optional<Part> receive() = 0;
  // Bytes of Data that may be sent now; 0: wait for a wake. Heads and End may always be sent.
  virtual size_t room() const = 0;
  virtual void send(Part part) = 0;
  // Whether Data that lies in the kernel can be sent without being read (see buffer::Buffer).
  virtual bool forwardsInKernel() const { return false; }
  // The user will send the Data that it receives on to such a stream without looking at it: where that saves work, it
  // stays in the kernel. Once, after the final head.
  virtual void leaveInKernel() {}
  // Gives the stream up; peers learn it as far as the protocol can say it. Nothing may be sent or received after it.
  virtual void reset(Reason reason) = 0;
  // The peer is gone (connection lost, stream reset by it): what is sent reaches nobody. Known at once, while
  // receive() still gives what came before it, then Failed. kNone while the peer is there.
  virtual Reason lost() const { return Reason::kNone; }
  // What the peer is known to have done with a stream that failed: true when it provably did not process the request
  // (nothing of the response came and the connection was reused and closed, REFUSED_STREAM, GOAWAY).
  virtual bool unprocessed() const { return false; }

 private:
  friend struct StreamDeleter;
  // Called by ~StreamPtr instead of delete: pooled or embedded streams take themselves back. Resets if unfinished.
  virtual void release() = 0;
};

struct StreamDeleter {
  void operator()(Stream* stream) const { stream->release(); }
};
using StreamPtr = std::unique_ptr<Stream, StreamDeleter>;

}  // namespace weir::http
