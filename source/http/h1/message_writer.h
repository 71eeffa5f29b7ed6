// MessageWriter: writes one message, whose framing it decides (law 17). As a message has no flag for its end, a head
// without content_length is left open: if End comes next the message is empty, else it is chunked (or, for a client of
// HTTP/1.0, delimited by the end of the connection). Embedded in a stream; reset() before each message.
//
//   kStart --head--> kOpen --data or commit()--> kChunked | kUntilClose --end--> kDone
//                      |----end--> kDone
//          --head with length--> kLength --end--> kDone      without body--> kNoBody --end--> kDone
//          --head that opens or asks for a tunnel--> kTunnel | kWaiting
//
// What would break the framing (more or fewer bytes than the head promised, a field that is not valid) makes broken()
// true: nothing more is written and the connection must be closed.
#pragma once

#include <cstdint>

#include "source/buffer/buffer.h"
#include "source/http/part.h"

namespace weir::http::h1 {

class FieldWriter;

class MessageWriter {
 public:
  // What a response depends on besides its own head.
  struct ResponseContext {
    Version peer = Version::kHttp11;
    bool to_head = false;
    bool to_connect = false;
    // The peer asked for this upgrade, and 101 may answer it.
    bool upgrade_asked = false;
    // Say that the connection closes after it; say that it stays (HTTP/1.0 wants to hear it).
    bool close = false;
  };

  explicit MessageWriter(buffer::Buffer& out) : out_(out) {}

  void reset() { state_ = State::kStart; }
  void request(const Head& head);
  // A final head or 101.
  void response(const Head& head, const ResponseContext& context);
  // 1xx but 101.
  void interim(const Head& head);
  void data(buffer::Buffer data);
  void end(const HeaderMap* trailers);
  // Client: the response said whether the upgrade or the tunnel that the request asked for is open.
  void openTunnel();
  // Writes the framing of an open head: no End will come before the next flush.
  void commit();

  bool started() const { return state_ != State::kStart; }
  bool done() const { return state_ == State::kDone; }
  bool broken() const { return state_ == State::kBroken; }
  bool isTunnel() const { return state_ == State::kTunnel; }
  // The end of the connection is the end of the message: it cannot be used again.
  bool untilClose() const { return until_close_; }

 private:
  enum class State : uint8_t {
    kStart,
    kOpen,
    kLength,
    kChunked,
    kUntilClose,
    kNoBody,
    kWaiting,
    kTunnel,
    kDone,
    kBroken,
  };

  void statusLine(FieldWriter& writer, uint16_t status);
  void connectionField(FieldWriter& writer);
  void finishHead(FieldWriter& writer, State next);
  void closeHead(State next);

  buffer::Buffer& out_;
  State state_ = State::kStart;
  bool is_request_ = false;
  bool peer_http_10_ = false;
  bool close_ = false;
  bool until_close_ = false;
  // An empty message of this kind still states its length.
  bool length_when_empty_ = false;
  uint64_t left_ = 0;
};

}  // namespace weir::http::h1
