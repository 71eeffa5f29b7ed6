// The receiving half of H2Stream.
#include <utility>

#include "source/base/check.h"
#include "source/http/h2/h2_stream.h"

namespace weir::http::h2 {

Reason H2Stream::lostReason() const {
  if (wire_.server()) return Reason::kClientGone;
  return has_head_ ? Reason::kUpstreamTruncated : Reason::kUpstreamReset;
}

void H2Stream::onHead(bool ends) {
  if (arena_ == nullptr) return;
  Head& head = *arena_->make<Head>(*arena_);
  wire_.receiver.copyTo(head);
  if (wire_.server()) {
    extended_ = !head.upgrade.empty();
    is_head_ = head.isHead();
    if (extended_ || head.isConnect()) tunnel_ = Tunnel::kAsked;
    has_head_ = true;
    expected_ = head.content_length;
  } else if (head.isInterim()) {
    if (++interim_heads_ > wire_.options.limits.interim_heads) return fault(Reason::kUpstreamProtocol);
    head.content_length.reset();
  } else {
    noteResponse(head);
    if (ends && !no_body_in_ && expected_.value_or(0) > 0) return fault(Reason::kUpstreamProtocol);
  }
  HeadNode** at = &heads_;
  while (*at != nullptr) at = &(*at)->next;
  *at = arena_->make<HeadNode>(HeadNode{&head, nullptr});
  if (ends) return onEnd();
  wake();
}

void H2Stream::noteResponse(Head& head) {
  has_head_ = true;
  if (tunnel_ == Tunnel::kAsked) {
    const bool opens = head.status / 100 == 2;
    if (opens && extended_) {
      head.status = 101;
      head.upgrade = upgrade_;
    }
    settleTunnel(opens);
    if (opens) return;
  }
  no_body_in_ = is_head_ || head.status == 204 || head.status == 304;
  if (!no_body_in_) expected_ = head.content_length;
}

// The final response to CONNECT. As long as it is not known, nothing of the tunnel passes in either direction.
void H2Stream::settleTunnel(bool opens) {
  tunnel_ = opens ? Tunnel::kOpen : Tunnel::kRefused;
  if (opens) return resume();
  if (wire_.server()) {
    dropReceived();
  } else {
    dropQueued();
    if (out_ == Out::kOpen) out_ = Out::kEnded;
    resume();
  }
}

void H2Stream::onTrailers() {
  if (arena_ == nullptr || in_ != In::kOpen) return;
  trailers_ = &wire_.receiver.copyTrailers(*arena_);
  onEnd();
}

// False when there are more or fewer than the head said.
bool H2Stream::countReceived(size_t bytes) {
  if (no_body_in_) return bytes == 0;
  if (!expected_) return true;
  if (bytes > *expected_) return false;
  *expected_ -= bytes;
  return true;
}

// The whole frame counts, with its padding (RFC 9113 6.9.1).
bool H2Stream::onDataFrame(uint32_t length) {
  if (length > receive_window_) {
    fault(wire_.server() ? Reason::kClientGone : Reason::kUpstreamProtocol, ErrorCode::kFlowControl);
    return false;
  }
  receive_window_ -= length;
  return true;
}

void H2Stream::onDataFound(size_t bytes) {
  buffer::Buffer& in = wire_.io.in;
  const bool wanted = live_ && in_ == In::kOpen && !discards();
  if (!wanted || !has_head_) {
    in.drain(bytes);
    credit(bytes);
    if (wanted) fault(Reason::kUpstreamProtocol);
    return;
  }
  if (!countReceived(bytes)) {
    in.drain(bytes);
    credit(bytes);
    return fault(wire_.server() ? Reason::kBadFraming : Reason::kUpstreamProtocol);
  }
  body_.moveFrom(in, bytes);
  wake();
}

void H2Stream::onEnd() {
  peer_ended_ = true;
  if (in_ == In::kOpen) finishReceiving();
  if (end_sent_ && !closed_) onClosed(ErrorCode::kNoError);
}

void H2Stream::finishReceiving() {
  if (!has_head_) return fault(Reason::kUpstreamProtocol);
  if (!discards() && expected_.value_or(0) > 0) {
    return fault(wire_.server() ? Reason::kBadFraming : Reason::kUpstreamProtocol);
  }
  in_ = In::kEnded;
  wake();
}

void H2Stream::fail(Reason reason) {
  if (in_ == In::kFailed || in_ == In::kDone) return;
  in_ = In::kFailed;
  failure_ = reason;
}

void H2Stream::fault(Reason reason, ErrorCode code) {
  dropReceived();
  fail(reason);
  resetWith(code);
  wake();
}

void H2Stream::onClosed(ErrorCode code) {
  detach();
  dropQueued();
  // A client that says NO_ERROR before it has its answer does not want it any more either.
  const bool unanswered = wire_.server() && out_ != Out::kDone;
  if (code != ErrorCode::kNoError || in_ == In::kOpen || unanswered) {
    const bool by_peer = !reset_;
    reset_ = true;
    if (by_peer && out_ != Out::kDone) lost_ = lostReason();
    if (by_peer && code == ErrorCode::kRefusedStream && !has_head_) unprocessed_ = true;
    if (in_ == In::kOpen) fail(wire_.lost != Reason::kNone ? wire_.lost : lostReason());
  }
  out_ = Out::kDone;
  if (!live_) return destroy();
  wake();
}

void H2Stream::onConnectionLost() {
  detach();
  reset_ = true;
  dropQueued();
  const bool own_reason = wire_.lost != Reason::kUpstreamReset && wire_.lost != Reason::kNone;
  const Reason reason = own_reason ? wire_.lost : lostReason();
  if (in_ == In::kOpen) fail(reason);
  if (wire_.server() && out_ != Out::kDone) lost_ = reason;
  out_ = Out::kDone;
  if (!live_) return destroy();
  wake();
}

void H2Stream::onInputEnded() {
  if (in_ != In::kOpen) return;
  fail(lostReason());
  wake();
}

std::optional<Part> H2Stream::receive() {
  CHECK(arena_ != nullptr, "a stream has an owner before the first receive()");
  buffer::BlockPool& pool = wire_.io.in.pool();
  if (heads_ != nullptr) {
    Head& head = *heads_->head;
    heads_ = heads_->next;
    return Part::makeHead(head, pool);
  }
  if (tunnel_ == Tunnel::kAsked && in_ != In::kFailed) return std::nullopt;
  if (!body_.empty()) {
    buffer::Buffer data(pool);
    data.append(std::move(body_));
    credit(data.size());
    return Part::makeData(std::move(data));
  }
  // Whoever refused the tunnel needs to hear no more of it.
  if (in_ == In::kEnded || (in_ == In::kOpen && discards())) {
    in_ = In::kDone;
    return Part::makeEnd(trailers_, pool);
  }
  if (in_ == In::kFailed) {
    in_ = In::kDone;
    return Part::makeFailed(failure_, pool);
  }
  return std::nullopt;
}

void H2Stream::credit(size_t bytes) {
  if (bytes == 0 || !mayWrite()) return;
  wire_.credit(bytes);
  // Where nothing more can come, only the connection's part of it is given back.
  if (closed_ || peer_ended_ || id_ == 0) return;
  owed_ += static_cast<int64_t>(bytes);
  if (2 * owed_ < int64_t{wire_.options.initial_stream_window}) return;
  wire_.writeWindow(id_, static_cast<uint32_t>(owed_));
  receive_window_ += owed_;
  owed_ = 0;
}

void H2Stream::dropReceived() {
  const size_t bytes = body_.size();
  body_.clear();
  credit(bytes);
}

}  // namespace weir::http::h2
