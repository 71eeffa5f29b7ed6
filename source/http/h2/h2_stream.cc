#include "source/http/h2/h2_stream.h"

#include <algorithm>
#include <new>
#include <utility>

#include "source/base/check.h"

namespace weir::http::h2 {
namespace {

// What a reset by weir itself says. INTERNAL_ERROR: the request was taken up and cannot be answered.
ErrorCode codeOf(Reason reason, bool server) {
  switch (reason) {
    case Reason::kRequestTimeout:
    case Reason::kStreamIdleTimeout:
    case Reason::kMaxStreamDuration:
      return ErrorCode::kCancel;
    default:
      return server ? ErrorCode::kInternal : ErrorCode::kCancel;
  }
}

}  // namespace

H2Stream& H2Stream::make(Wire& wire, uint32_t id) {
  static_assert(alignof(H2Stream) <= 8);
  void* const memory = wire.io.memory.allocate(sizeof(H2Stream));
  CHECK(memory != nullptr, "there is memory for a stream");
  return *new (memory) H2Stream(wire, id);
}

H2Stream::H2Stream(Wire& wire, uint32_t id)
    : wire_(wire),
      id_(id),
      body_(wire.io.in.pool()),
      queue_(wire.io.in.pool()),
      tail_(wire.io.chunks),
      send_window_(wire.peer_stream_window),
      receive_window_(wire.own_stream_window) {
  next_ = wire.first;
  if (next_ != nullptr) next_->previous_ = this;
  wire.first = this;
  ++wire.live;
  ++wire.open;
  wire.budgets.onStreamOpened();
  if (id_ != 0) wire.streams.insert(*this);
}

H2Stream::~H2Stream() = default;

void H2Stream::destroy() {
  dropQueued();
  dropReceived();
  (previous_ != nullptr ? previous_->next_ : wire_.first) = next_;
  if (next_ != nullptr) next_->previous_ = previous_;
  detach();
  if (lingers_) --wire_.unsent;
  if (!reset_) wire_.budgets.onStreamWhole();
  SessionMemory& memory = wire_.io.memory;
  this->~H2Stream();
  memory.release(this);
}

// On the wire there is nothing more of it.
void H2Stream::detach() {
  enter(Queue::kNone);
  held_ = nullptr;
  if (closed_) return;
  closed_ = true;
  --wire_.open;
  if (id_ != 0) wire_.streams.erase(*this);
  // A head that had to wait for a stream to be over may go.
  if (!wire_.held.empty()) wire_.owner.onOutput();
}

void H2Stream::enter(Queue queue) {
  if (queue == queue_in_) return;
  if (queue_in_ != Queue::kNone) (queue_in_ == Queue::kHeld ? wire_.held : wire_.ready).remove(*this);
  if (queue != Queue::kNone) (queue == Queue::kHeld ? wire_.held : wire_.ready).pushBack(*this);
  queue_in_ = queue;
}

void H2Stream::setOwner(StreamOwner& owner, base::Arena& arena) {
  owner_ = &owner;
  arena_ = &arena;
}

void H2Stream::wake() {
  if (live_ && owner_ != nullptr) owner_->wakeStream();
}

void H2Stream::resetWith(ErrorCode code) {
  reset_ = true;
  out_ = Out::kDone;
  dropQueued();
  if (!closed_ && id_ != 0 && mayWrite()) wire_.writeReset(id_, code);
  detach();
}

void H2Stream::reset(Reason reason) {
  if (out_ == Out::kDone && in_ != In::kOpen) return;
  dropReceived();
  in_ = In::kDone;
  resetWith(codeOf(reason, wire_.server()));
  wire_.owner.onStreamEnd();
}

void H2Stream::drop() {
  if (!closed_) resetWith(ErrorCode::kCancel);
  destroy();
}

// What weir itself would send is not valid.
void H2Stream::breakOwn() {
  dropReceived();
  fail(wire_.server() ? Reason::kFilterFailed : Reason::kBadRequest);
  resetWith(ErrorCode::kInternal);
  wake();
}

// NO_ERROR: the response is out and the rest of the request is not wanted (RFC 9113 8.1).
ErrorCode H2Stream::codeOfRelease() const {
  if (!wire_.server()) return ErrorCode::kCancel;
  return out_ == Out::kDone ? ErrorCode::kNoError : ErrorCode::kInternal;
}

void H2Stream::release() {
  owner_ = nullptr;
  --wire_.live;
  dropReceived();
  // The text of the head goes with its arena.
  if (!closed_ && out_ == Out::kEnded && wire_.server()) commit();
  // Not before, or the end of what was just written would have destroyed it.
  live_ = false;
  arena_ = nullptr;
  CodecOwner& owner = wire_.owner;
  // The response is written as the windows allow; nothing is left to be done for anything else.
  lingers_ = wire_.server() && !closed_ && !reset_ && out_ == Out::kEnded && mayWrite();
  if (lingers_) {
    ++wire_.unsent;
  } else {
    if (!closed_ && !reset_) resetWith(codeOfRelease());
    destroy();
  }
  owner.onStreamEnd();
}

}  // namespace weir::http::h2
