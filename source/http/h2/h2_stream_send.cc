// The sending half of H2Stream.
#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <utility>

#include "source/base/check.h"
#include "source/http/h2/h2_stream.h"

namespace weir::http::h2 {
namespace {

ssize_t dataWanted(nghttp2_session* session, int32_t id, uint8_t*, size_t max, uint32_t* flags, nghttp2_data_source*,
                   void*) {
  auto* const stream = static_cast<H2Stream*>(nghttp2_session_get_stream_user_data(session, id));
  return stream == nullptr ? ssize_t{NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE} : stream->onDataWanted(max, flags);
}

}  // namespace

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
  wire_.held.push_back(this);
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
  if (submitted_ || held_ != nullptr || !wire_.mayUseSession()) return;
  const std::optional<Fields> fields = responseFields(head, head.status, *arena_);
  if (!fields) return breakOwn();
  const int error =
      nghttp2_submit_headers(wire_.session, NGHTTP2_FLAG_NONE, id_, nullptr, fields->data(), fields->size(), nullptr);
  if (error != 0) return;
  ++unsent_heads_;
  wire_.owner.onOutput();
}

void H2Stream::sendData(buffer::Buffer data) {
  if (data.empty() || no_body_out_) return;
  if (left_) {
    if (data.size() > *left_) return breakOwn();
    *left_ -= data.size();
  }
  if (!submitted_ && held_ == nullptr) return breakOwn();
  wire_.addQueued(data.size());
  queue_.append(std::move(data));
  commit();
  resume();
}

void H2Stream::sendEnd(const HeaderMap* trailers) {
  if ((!submitted_ && held_ == nullptr) || left_.value_or(0) > 0) return breakOwn();
  if (trailers != nullptr && !trailers->empty() && !no_body_out_) {
    tail_fields_ = trailerFields(*trailers, tail_);
    if (!tail_fields_) return breakOwn();
    if (tail_fields_->empty()) tail_fields_.reset();
  }
  out_ = Out::kEnded;
  commit();
  resume();
}

// Hands the head to the library. One that asks for a tunnel waits until the peer has said whether it knows those.
void H2Stream::commit() {
  if (held_ == nullptr || !wire_.mayUseSession()) return;
  if (!wire_.server() && extended_) {
    if (!wire_.settings_seen) return;
    if (nghttp2_session_get_remote_settings(wire_.session, NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL) != 1) {
      unhold();
      out_ = Out::kDone;
      fail(Reason::kUpstreamNoTunnel);
      return wake();
    }
  }
  const Head& head = *held_;
  unhold();
  const bool ends = out_ == Out::kEnded && queue_.empty() && !tail_fields_ && tunnel_ == Tunnel::kNo;
  if (!(wire_.server() ? commitResponse(head, ends) : commitRequest(head, ends))) return breakOwn();
  submitted_ = true;
  ++unsent_heads_;
  wire_.owner.onOutput();
}

bool H2Stream::commitRequest(const Head& head, bool ends) {
  const std::optional<Fields> fields = requestFields(head, *arena_);
  if (!fields) return false;
  nghttp2_data_provider provider{{.ptr = nullptr}, dataWanted};
  const int32_t id =
      nghttp2_submit_request(wire_.session, nullptr, fields->data(), fields->size(), ends ? nullptr : &provider, this);
  if (id < 0) return false;
  id_ = id;
  return true;
}

bool H2Stream::commitResponse(const Head& head, bool ends) {
  const std::optional<Fields> fields = responseFields(head, wireStatus(head), *arena_);
  if (!fields) return false;
  nghttp2_data_provider provider{{.ptr = nullptr}, dataWanted};
  return nghttp2_submit_response(wire_.session, id_, fields->data(), fields->size(), ends ? nullptr : &provider) == 0;
}

// The answer to an extended CONNECT is 200 where HTTP/1 has 101. Any other success would be taken for a tunnel that
// there is not.
uint16_t H2Stream::wireStatus(const Head& head) const {
  if (!extended_ || head.status / 100 > 2) return head.status;
  return head.status == 101 ? 200 : 502;
}

// Data and the end are taken from the queue when the library asks; it does so again after this.
void H2Stream::resume() {
  if (!deferred_ || closed_ || !wire_.mayUseSession()) return;
  deferred_ = false;
  nghttp2_session_resume_data(wire_.session, id_);
  if (!wire_.in_library) wire_.announceOutput();
}

void H2Stream::dropQueued() {
  wire_.takeQueued(queue_.size());
  queue_.clear();
}

ssize_t H2Stream::onDataWanted(size_t max, uint32_t* flags) {
  // The output is full; the library is asked again when it is not.
  if (wire_.io.out.size() >= wire_.io.write_limit) return NGHTTP2_ERR_PAUSE;
  const bool waits = tunnel_ == Tunnel::kAsked && !wire_.server();
  const size_t bytes = waits ? 0 : std::min(max, queue_.size());
  const bool last = !waits && out_ == Out::kEnded && bytes == queue_.size();
  if (bytes == 0 && !last) {
    deferred_ = true;
    return NGHTTP2_ERR_DEFERRED;
  }
  *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
  if (last) {
    *flags |= NGHTTP2_DATA_FLAG_EOF;
    if (tail_fields_) {
      *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
      const int error = nghttp2_submit_trailer(wire_.session, id_, tail_fields_->data(), tail_fields_->size());
      if (error != 0) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
      ++unsent_heads_;
    }
  }
  return static_cast<ssize_t>(bytes);
}

void H2Stream::moveData(size_t bytes, buffer::Buffer& to) {
  const size_t half = wire_.options.stream_send_bytes / 2;
  const bool above = queue_.size() > half;
  to.moveFrom(queue_, bytes);
  wire_.takeQueued(bytes);
  wire_.budgets.onContentSent();
  if (out_ == Out::kOpen && (queue_.empty() || (above && queue_.size() <= half))) wake();
}

void H2Stream::onEndSent() {
  out_ = Out::kDone;
  if (live_ || peer_ended_) return;
  resetWith(NGHTTP2_NO_ERROR);
  destroy();
}

}  // namespace weir::http::h2
