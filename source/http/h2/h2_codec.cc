#include "source/http/h2/h2_codec.h"

#include <nghttp2/nghttp2.h>

#include <algorithm>

#include "source/base/check.h"
#include "source/http/h2/callbacks.h"
#include "source/http/h2/h2_stream.h"

namespace weir::http::h2 {
namespace {

// What GOAWAY says about the reason.
uint32_t codeOf(Reason reason) {
  switch (reason) {
    case Reason::kH2Protocol:
      return NGHTTP2_PROTOCOL_ERROR;
    case Reason::kRequestHeaderTimeout:
      return NGHTTP2_NO_ERROR;
    default:
      return NGHTTP2_ENHANCE_YOUR_CALM;
  }
}

constexpr auto kNever = [] { return false; };

}  // namespace

H2Codec::H2Codec(Role role, const H2Io& io, const H2Options& options, CodecOwner& owner)
    : wire_(role, io, options, owner), meter_(wire_.budgets, role == Role::kServer) {
  wire_.session = makeSession(wire_);
  CHECK(wire_.session != nullptr, "there is memory for a session");
  // A client's preface stands in the frame that all sessions share, so it goes out before another session writes.
  if (!wire_.server()) wire_.writeFrames(SIZE_MAX, kNever);
}

H2Codec::~H2Codec() {
  CHECK(streams() == 0, "streams are released before their codec");
  if (wire_.lost == Reason::kNone) wire_.lost = Reason::kClientGone;
  wire_.finished = true;
  endStreams();
  nghttp2_session_del(wire_.session);
}

void H2Codec::onInput(bool end) {
  if (!wire_.finished) read();
  if (wire_.finished) wire_.io.in.clear();
  if (!end || wire_.input_ended || wire_.finished) return;
  wire_.input_ended = true;
  // Requests that came whole are still answered; a client has nobody left to hear.
  if (wire_.server() && !meter_.headPending()) {
    for (H2Stream* stream = wire_.first; stream != nullptr; stream = stream->next()) stream->onInputEnded();
  } else {
    onConnectionLost(wire_.server() ? Reason::kClientGone : Reason::kUpstreamReset);
  }
}

void H2Codec::read() {
  buffer::Buffer& in = wire_.io.in;
  Reason charged = Reason::kNone;
  in.forEachPiece([&](std::string_view piece) {
    charged = meter_.feed(piece);
    return charged == Reason::kNone;
  });
  if (charged != Reason::kNone) return fail(charged);
  bool paused = false;
  while (!in.empty() || paused) {
    const std::string_view piece = in.front();
    wire_.found = {};
    wire_.in_library = true;
    const ssize_t n =
        nghttp2_session_mem_recv(wire_.session, reinterpret_cast<const uint8_t*>(piece.data()), piece.size());
    wire_.in_library = false;
    if (n < 0) return fail(n == NGHTTP2_ERR_TOO_MANY_CONTINUATIONS ? Reason::kH2Continuations : Reason::kH2Protocol);
    paused = wire_.found.size > 0;
    moveFoundData(static_cast<size_t>(n));
    const size_t waiting = nghttp2_session_get_outbound_queue_size(wire_.session);
    if (waiting > wire_.options.budgets.outbound_frames) wire_.noteFault(Reason::kH2OutboundFlood);
    if (wire_.fault != Reason::kNone) return fail(wire_.fault);
    if (n == 0 && !paused) break;
  }
  if (wire_.drain_acknowledged) lastGoaway();
  wire_.announceOutput();
}

// Of the front piece of the input, `processed` bytes are done with, and what was found among them goes to its stream.
void H2Codec::moveFoundData(size_t processed) {
  buffer::Buffer& in = wire_.io.in;
  const FoundData found = wire_.found;
  if (found.size == 0) {
    in.drain(processed);
    return;
  }
  const size_t offset = static_cast<size_t>(found.data - in.front().data());
  in.drain(offset);
  if (found.stream != nullptr) {
    found.stream->onDataFound(found.size);
  } else {
    in.drain(found.size);
  }
  in.drain(processed - offset - found.size);
}

void H2Codec::beforeFlush() {
  if (wire_.finished) return;
  for (size_t i = wire_.held.size(); i > 0; --i) {
    if (i <= wire_.held.size()) wire_.held[i - 1]->commit();
  }
  wire_.writeFrames(wire_.io.write_limit, kNever);
  if (wire_.fault != Reason::kNone) fail(wire_.fault);
}

void H2Codec::onRoom() {
  wire_.announceOutput();
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

void H2Codec::fail(Reason reason) {
  if (wire_.finished) return;
  if (wire_.error == Reason::kNone) wire_.error = reason;
  // Does nothing where the library has already written why it ended.
  nghttp2_session_terminate_session(wire_.session, codeOf(reason));
  wire_.writeFrames(SIZE_MAX, kNever);
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
  if (nghttp2_session_check_request_allowed(wire_.session) == 0) return 0;
  size_t most = wire_.options.max_concurrent_streams;
  if (wire_.settings_seen) {
    most = std::min<size_t>(
        most, nghttp2_session_get_remote_settings(wire_.session, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS));
  }
  return most > wire_.open ? most - wire_.open : 0;
}

void H2Codec::dropUnsent() {
  H2Stream* stream = wire_.first;
  while (stream != nullptr) {
    H2Stream* const next = stream->next();
    if (stream->released()) stream->drop();
    stream = next;
  }
  wire_.announceOutput();
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
  if (any) wire_.announceOutput();
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
  nghttp2_submit_shutdown_notice(wire_.session);
  wire_.owner.onOutput();
}

void H2Codec::lastGoaway() {
  if (wire_.drain == Wire::Drain::kLast) return;
  wire_.drain = Wire::Drain::kLast;
  nghttp2_submit_goaway(wire_.session, NGHTTP2_FLAG_NONE, nghttp2_session_get_last_proc_stream_id(wire_.session),
                        NGHTTP2_NO_ERROR, nullptr, 0);
  wire_.owner.onOutput();
  wire_.owner.onStreamEnd();
}

void H2Codec::ping() {
  if (wire_.finished || wire_.pinging) return;
  wire_.pinging = true;
  nghttp2_submit_ping(wire_.session, NGHTTP2_FLAG_NONE, reinterpret_cast<const uint8_t*>(kKeepalivePing.data()));
  wire_.owner.onOutput();
}

void H2Codec::refuse(Reason reason) {
  if (wire_.server() && streams() == 0) fail(reason);
}

bool H2Codec::finished() const {
  if (wire_.finished) return true;
  if (wire_.first != nullptr) return false;
  if (wire_.server()) return wire_.drain == Wire::Drain::kLast || wire_.goaway_seen || wire_.input_ended;
  return wire_.goaway_seen || wire_.drain != Wire::Drain::kNo ||
         nghttp2_session_check_request_allowed(wire_.session) == 0;
}

}  // namespace weir::http::h2
