#include "source/http/h2/h2_stream.h"

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <new>
#include <utility>

#include "source/base/check.h"

namespace weir::http::h2 {
namespace {

// What a reset by weir itself says. INTERNAL_ERROR: the request was taken up and cannot be answered.
uint32_t codeOf(Reason reason, bool server) {
  switch (reason) {
    case Reason::kRequestTimeout:
    case Reason::kStreamIdleTimeout:
    case Reason::kMaxStreamDuration:
      return NGHTTP2_CANCEL;
    default:
      return server ? NGHTTP2_INTERNAL_ERROR : NGHTTP2_CANCEL;
  }
}

}  // namespace

H2Stream& H2Stream::make(Wire& wire, int32_t id) {
  static_assert(alignof(H2Stream) <= 8);
  void* const memory = wire.io.memory.allocate(sizeof(H2Stream));
  CHECK(memory != nullptr, "there is memory for a stream");
  return *new (memory) H2Stream(wire, id);
}

H2Stream::H2Stream(Wire& wire, int32_t id)
    : wire_(wire), id_(id), body_(wire.io.in.pool()), queue_(wire.io.in.pool()), tail_(wire.io.chunks) {
  next_ = wire.first;
  if (next_ != nullptr) next_->previous_ = this;
  wire.first = this;
  ++wire.live;
  ++wire.open;
  wire.budgets.onStreamOpened();
}

H2Stream::~H2Stream() = default;

void H2Stream::destroy() {
  unhold();
  dropQueued();
  dropReceived();
  (previous_ != nullptr ? previous_->next_ : wire_.first) = next_;
  if (next_ != nullptr) next_->previous_ = previous_;
  if (!closed_) {
    --wire_.open;
    if (id_ != 0 && wire_.session != nullptr) nghttp2_session_set_stream_user_data(wire_.session, id_, nullptr);
  }
  if (lingers_) --wire_.unsent;
  if (!reset_) wire_.budgets.onStreamWhole();
  SessionMemory& memory = wire_.io.memory;
  this->~H2Stream();
  memory.release(this);
}

void H2Stream::setOwner(StreamOwner& owner, base::Arena& arena) {
  owner_ = &owner;
  arena_ = &arena;
}

void H2Stream::wake() {
  if (live_ && owner_ != nullptr) owner_->wakeStream();
}

void H2Stream::resetWith(uint32_t code) {
  reset_ = true;
  out_ = Out::kDone;
  unhold();
  dropQueued();
  if (closed_ || id_ == 0 || !wire_.mayUseSession()) return;
  nghttp2_submit_rst_stream(wire_.session, NGHTTP2_FLAG_NONE, id_, code);
  if (!wire_.in_library) wire_.announceOutput();
}

void H2Stream::reset(Reason reason) {
  if (out_ == Out::kDone && in_ != In::kOpen) return;
  dropReceived();
  in_ = In::kDone;
  resetWith(codeOf(reason, wire_.server()));
  wire_.owner.onStreamEnd();
}

void H2Stream::drop() {
  if (!closed_) resetWith(NGHTTP2_CANCEL);
  destroy();
}

// What weir itself would send is not valid.
void H2Stream::breakOwn() {
  dropReceived();
  fail(wire_.server() ? Reason::kFilterFailed : Reason::kBadRequest);
  resetWith(NGHTTP2_INTERNAL_ERROR);
  wake();
}

void H2Stream::unhold() {
  if (std::exchange(held_, nullptr) == nullptr) return;
  const auto at = std::find(wire_.held.rbegin(), wire_.held.rend(), this);
  CHECK(at != wire_.held.rend(), "a held head is on the list");
  *at = wire_.held.back();
  wire_.held.pop_back();
}

// NO_ERROR: the response is out and the rest of the request is not wanted (RFC 9113 8.1).
uint32_t H2Stream::codeOfRelease() const {
  if (!wire_.server()) return NGHTTP2_CANCEL;
  return out_ == Out::kDone ? NGHTTP2_NO_ERROR : NGHTTP2_INTERNAL_ERROR;
}

void H2Stream::release() {
  owner_ = nullptr;
  --wire_.live;
  dropReceived();
  if (!closed_ && out_ == Out::kEnded && wire_.server()) {
    commit();
    // The text of the head goes with its arena.
    wire_.writeFrames(SIZE_MAX, [this] { return unsent_heads_ == 0; });
  }
  // Not before, or the end of what was just written would have destroyed it.
  live_ = false;
  arena_ = nullptr;
  CodecOwner& owner = wire_.owner;
  // The response is written as the windows allow; nothing is left to be done for anything else.
  lingers_ = wire_.server() && !closed_ && !reset_ && out_ == Out::kEnded && wire_.mayUseSession();
  if (lingers_) {
    ++wire_.unsent;
  } else {
    if (!closed_ && !reset_) resetWith(codeOfRelease());
    destroy();
  }
  owner.onStreamEnd();
}

}  // namespace weir::http::h2
