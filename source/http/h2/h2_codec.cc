#include "source/http/h2/h2_codec.h"

#include <algorithm>

#include "source/base/check.h"
#include "source/http/h2/h2_stream.h"

namespace weir::http::h2 {

H2Codec::H2Codec(Role role, const H2Io& io, const H2Options& options, CodecOwner& owner)
    : wire_(role, io, options, owner), reader_(wire_) {
  wire_.writeHello();
}

H2Codec::~H2Codec() {
  CHECK(streams() == 0, "streams are released before their codec");
  if (wire_.lost == Reason::kNone) wire_.lost = Reason::kClientGone;
  wire_.finished = true;
  endStreams();
}

void H2Codec::announceOutput() {
  if (!wire_.finished && (!wire_.io.out.empty() || wire_.dataPending())) wire_.owner.onOutput();
}

void H2Codec::onInput(bool end) {
  if (!wire_.finished) {
    reader_.read();
    if (wire_.fault != Reason::kNone) fail(wire_.fault, wire_.fault_code);
    if (wire_.drain_acknowledged) lastGoaway();
    announceOutput();
  }
  if (wire_.finished) wire_.io.in.clear();
  if (!end || wire_.input_ended || wire_.finished) return;
  wire_.input_ended = true;
  // Requests that came whole are still answered; a client has nobody left to hear.
  if (wire_.server() && !reader_.headPending()) {
    for (H2Stream* stream = wire_.first; stream != nullptr; stream = stream->next()) stream->onInputEnded();
  } else {
    onConnectionLost(wire_.server() ? Reason::kClientGone : Reason::kUpstreamReset);
  }
}

void H2Codec::beforeFlush() {
  if (wire_.finished) return;
  // Each is asked once: a head that may not go yet goes to the end of the list.
  H2Stream* stop = nullptr;
  while (H2Stream* const stream = wire_.held.first()) {
    if (stream == stop) break;
    if (stream->commit()) continue;
    if (stop == nullptr) stop = stream;
  }
  wire_.writeDrainPing();
  wire_.writeReady();
  if (wire_.fault != Reason::kNone) fail(wire_.fault, wire_.fault_code);
}

void H2Codec::onRoom() {
  wire_.onWritten();
  if (wire_.dataPending()) announceOutput();
  if (!wire_.squeezed || wire_.queued > wire_.options.connection_send_bytes / 2) return;
  wire_.squeezed = false;
  for (H2Stream* stream = wire_.first; stream != nullptr; stream = stream->next()) stream->onRoom();
}

void H2Codec::onConnectionLost(Reason reason) {
  if (wire_.lost != Reason::kNone) return;
  wire_.lost = reason;
  wire_.finished = true;
  endStreams();
}

void H2Codec::endStreams() {
  H2Stream* stream = wire_.first;
  while (stream != nullptr) {
    H2Stream* const next = stream->next();
    stream->onConnectionLost();
    stream = next;
  }
}

void H2Codec::fail(Reason reason, ErrorCode code) {
  if (wire_.finished) return;
  if (wire_.error == Reason::kNone) wire_.error = reason;
  wire_.writeGoaway(wire_.last_processed, code);
  wire_.io.in.clear();
  wire_.owner.onOutput();
  onConnectionLost(wire_.server() ? Reason::kClientGone : Reason::kUpstreamProtocol);
  wire_.owner.onStreamEnd();
}

StreamPtr H2Codec::open() {
  CHECK(canOpen(), "open() only while canOpen()");
  return StreamPtr(&H2Stream::make(wire_, 0));
}

size_t H2Codec::availableStreams() const {
  if (wire_.server() || wire_.finished || wire_.goaway_seen || wire_.drain != Wire::Drain::kNo) return 0;
  if (wire_.next_id > kMaxStreamId) return 0;
  size_t most = wire_.options.max_concurrent_streams;
  if (wire_.settings_seen) most = std::min<size_t>(most, wire_.peer_max_streams);
  return most > wire_.open ? most - wire_.open : 0;
}

void H2Codec::dropUnsent() {
  H2Stream* stream = wire_.first;
  while (stream != nullptr) {
    H2Stream* const next = stream->next();
    if (stream->released()) stream->drop();
    stream = next;
  }
  announceOutput();
}

bool H2Codec::dropOverdue() {
  bool any = false;
  H2Stream* stream = wire_.first;
  while (stream != nullptr) {
    H2Stream* const next = stream->next();
    if (stream->released() && stream->overdue()) {
      any = true;
      stream->drop();
    }
    stream = next;
  }
  if (any) announceOutput();
  return any;
}

void H2Codec::drain() {
  if (wire_.finished || wire_.drain == Wire::Drain::kLast) return;
  if (!wire_.server()) {
    wire_.drain = Wire::Drain::kLast;
    return;
  }
  if (wire_.drain == Wire::Drain::kAnnounced) return lastGoaway();
  // What is on its way was sent before the client could know: it is let in until the client has answered.
  wire_.drain = Wire::Drain::kAnnounced;
  wire_.writeGoaway(kMaxStreamId, ErrorCode::kNoError);
  // Behind it and not before, so that the answer says that the client has seen it.
  wire_.drain_ping_due = true;
}

void H2Codec::lastGoaway() {
  if (wire_.finished || wire_.drain == Wire::Drain::kLast) return;
  wire_.drain = Wire::Drain::kLast;
  wire_.drain_ping_due = false;
  wire_.goaway_last = wire_.last_processed;
  wire_.writeGoaway(wire_.goaway_last, ErrorCode::kNoError);
  wire_.owner.onStreamEnd();
}

void H2Codec::ping() {
  if (wire_.finished || wire_.pinging) return;
  wire_.pinging = true;
  wire_.writePing(kKeepalivePing, false);
}

// A head that does not come in time is no fault of the frames that were sent.
void H2Codec::refuse(Reason reason) {
  if (!wire_.server() || streams() > 0) return;
  const bool late = reason == Reason::kRequestHeaderTimeout;
  fail(reason, late ? ErrorCode::kNoError : ErrorCode::kEnhanceYourCalm);
}

bool H2Codec::finished() const {
  if (wire_.finished) return true;
  if (wire_.first != nullptr) return false;
  if (wire_.server()) return wire_.drain == Wire::Drain::kLast || wire_.goaway_seen || wire_.input_ended;
  return wire_.goaway_seen || wire_.drain != Wire::Drain::kNo || wire_.next_id > kMaxStreamId;
}

}  // namespace weir::http::h2
