// The sending half of H2Stream.
#include <algorithm>
#include <utility>

#include "source/base/check.h"
#include "source/http/h2/h2_stream.h"
#include "source/http/h2/header_sender.h"

namespace weir::http::h2 {

size_t H2Stream::room() const {
  // Nobody reads what is sent: it may go on until the user has seen why.
  if (out_ != Out::kOpen || closed_) return live_ ? wire_.options.stream_send_bytes : 0;
  return wire_.sendRoom(queue_.size());
}

void H2Stream::send(Part part) {
  if (!live_ || out_ != Out::kOpen || closed_ || wire_.lost != Reason::kNone) return;
  switch (part.kind()) {
    case Part::Kind::kHead:
      sendHead(part.head());
      break;
    case Part::Kind::kData:
      sendData(std::move(part.data()));
      break;
    case Part::Kind::kEnd:
      sendEnd(part.trailers());
      break;
    case Part::Kind::kFailed:
      return reset(part.reason());
  }
}

void H2Stream::sendHead(Head& head) {
  if (wire_.server() && head.isInterim()) return sendInterim(head);
  if (submitted_ || held_ != nullptr) return breakOwn();
  held_ = &head;
  enter(Queue::kHeld);
  if (!wire_.server()) {
    is_head_ = head.isHead();
    extended_ = !head.upgrade.empty();
    upgrade_ = head.upgrade;
    if (extended_ || head.isConnect())
      tunnel_ = Tunnel::kAsked;
    else
      left_ = head.content_length;
  } else if (tunnel_ == Tunnel::kAsked) {
    settleTunnel(extended_ ? head.status == 101 : head.status / 100 == 2);
    wake();
  } else if (head.status == 101) {
    return breakOwn();
  }
  if (wire_.server() && tunnel_ != Tunnel::kOpen) {
    no_body_out_ = is_head_ || head.status == 204 || head.status == 304;
    left_ = no_body_out_ ? std::nullopt : head.content_length;
  }
  wire_.owner.onOutput();
}

void H2Stream::sendInterim(const Head& head) {
  if (submitted_ || held_ != nullptr || !mayWrite()) return;
  const auto section = encodeResponse(head, head.status, wire_.encoder, wire_.io.memory);
  if (!section) return breakOwn();
  wire_.writeHeaders(id_, *section, false);
}

void H2Stream::sendData(buffer::Buffer data) {
  if (data.empty() || no_body_out_) return;
  if (left_) {
    if (data.size() > *left_) return breakOwn();
    *left_ -= data.size();
  }
  if (!submitted_ && held_ == nullptr) return breakOwn();
  wire_.queued += data.size();
  queue_.append(std::move(data));
  commit();
  resume();
}

void H2Stream::sendEnd(const HeaderMap* trailers) {
  if ((!submitted_ && held_ == nullptr) || left_.value_or(0) > 0) return breakOwn();
  if (trailers != nullptr && !trailers->empty() && !no_body_out_) {
    const auto checked = checkedTrailers(*trailers, tail_);
    if (!checked) return breakOwn();
    tail_fields_ = *checked;
  }
  out_ = Out::kEnded;
  commit();
  resume();
}

// Whether the peer can take a request now. One that asks for a tunnel waits until the peer has said whether it knows
// those, and one that is too many waits for another to be over.
bool H2Stream::mayCommit() {
  if (wire_.goaway_seen || wire_.next_id > kMaxStreamId) {
    onNotSent();
    return false;
  }
  if (!wire_.settings_seen) return !extended_;
  if (extended_ && !wire_.peer_extended) {
    enter(Queue::kNone);
    held_ = nullptr;
    out_ = Out::kDone;
    fail(Reason::kUpstreamNoTunnel);
    wake();
    return false;
  }
  return wire_.streams.size() < wire_.peer_max_streams;
}

bool H2Stream::commit() {
  if (held_ == nullptr || !mayWrite()) return true;
  if (!wire_.server() && !mayCommit()) {
    const bool waits = held_ != nullptr;
    enter(Queue::kNone);
    if (waits) enter(Queue::kHeld);
    return !waits;
  }
  const Head& head = *held_;
  held_ = nullptr;
  enter(Queue::kNone);
  const bool ends = out_ == Out::kEnded && queue_.empty() && tail_fields_ == nullptr && tunnel_ == Tunnel::kNo;
  if (!writeHead(head, ends)) {
    breakOwn();
    return true;
  }
  submitted_ = true;
  if (ends) {
    onEndSent();
  } else {
    resume();
  }
  return true;
}

bool H2Stream::writeHead(const Head& head, bool ends) {
  SessionMemory& memory = wire_.io.memory;
  const auto section = wire_.server() ? encodeResponse(head, wireStatus(head), wire_.encoder, memory)
                                      : encodeRequest(head, wire_.encoder, memory);
  if (!section) return false;
  if (!wire_.server()) {
    id_ = std::exchange(wire_.next_id, wire_.next_id + 2);
    send_window_ = wire_.peer_stream_window;
    receive_window_ = wire_.own_stream_window;
    wire_.streams.insert(*this);
  }
  wire_.writeHeaders(id_, *section, ends);
  return true;
}

void H2Stream::onNotSent() {
  if (closed_) return;
  unprocessed_ = !reset_;
  onClosed(ErrorCode::kRefusedStream);
}

// The answer to an extended CONNECT is 200 where HTTP/1 has 101. Any other success would be taken for a tunnel that
// there is not.
uint16_t H2Stream::wireStatus(const Head& head) const {
  if (!extended_ || head.status / 100 > 2) return head.status;
  return head.status == 101 ? 200 : 502;
}

// There may be something to write.
void H2Stream::resume() {
  if (!submitted_ || closed_ || out_ == Out::kDone || !mayWrite()) return;
  if (tunnel_ == Tunnel::kAsked && !wire_.server()) return;
  const bool can = queue_.empty() ? out_ == Out::kEnded : send_window_ > 0;
  if (!can || queue_in_ == Queue::kReady) return;
  enter(Queue::kReady);
  wire_.stuck = false;
  wire_.owner.onOutput();
}

void H2Stream::dropQueued() {
  wire_.queued -= queue_.size();
  queue_.clear();
}

bool H2Stream::onWindow(int64_t by) {
  if (send_window_ + by > kMaxWindow) return false;
  send_window_ += by;
  resume();
  return true;
}

bool H2Stream::writeSome() {
  const int64_t windows = std::min(send_window_, wire_.send_window);
  size_t bytes = std::min<size_t>(queue_.size(), kMaxFrameBytes);
  if (bytes > 0 && windows <= 0) {
    // Its own window wakes it again; for the connection's it waits with the others.
    enter(Queue::kNone);
    if (send_window_ > 0) enter(Queue::kReady);
    return send_window_ > 0;
  }
  if (bytes > 0) bytes = std::min(bytes, static_cast<size_t>(windows));
  const bool last = out_ == Out::kEnded && bytes == queue_.size();
  const bool above = queue_.size() > wire_.options.stream_send_bytes / 2;
  enter(Queue::kNone);
  if (bytes > 0 || (last && tail_fields_ == nullptr)) {
    wire_.writeData(id_, queue_, bytes, last && tail_fields_ == nullptr);
    send_window_ -= static_cast<int64_t>(bytes);
    wire_.queued -= bytes;
  }
  if (last) {
    if (tail_fields_ != nullptr) writeTrailers();
    onEndSent();
    return false;
  }
  const bool half_empty = above && queue_.size() <= wire_.options.stream_send_bytes / 2;
  if (out_ == Out::kOpen && (queue_.empty() || half_empty)) wake();
  if (queue_.empty() || send_window_ <= 0) return false;
  enter(Queue::kReady);
  return true;
}

void H2Stream::writeTrailers() {
  wire_.writeHeaders(id_, encodeTail(*tail_fields_, wire_.encoder, wire_.io.memory), true);
}

void H2Stream::onEndSent() {
  out_ = Out::kDone;
  end_sent_ = true;
  if (peer_ended_) return onClosed(ErrorCode::kNoError);
  if (live_) return;
  resetWith(ErrorCode::kNoError);
  destroy();
}

}  // namespace weir::http::h2
