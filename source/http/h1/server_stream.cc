#include "source/http/h1/server_stream.h"

#include <span>
#include <utility>

#include "source/base/check.h"
#include "source/http/h1/field_writer.h"
#include "source/http/status_text.h"

namespace weir::http::h1 {

ServerStream::ServerStream(Wire& wire)
    : wire_(wire),
      head_arena_(wire.io.chunks),
      reader_(wire.options, {Reason::kClientGone, Reason::kBadChunk}),
      writer_(wire.io.out) {}

void ServerStream::wake() {
  if (live() && owner_ != nullptr) owner_->wakeStream();
}

bool ServerStream::headPending() const {
  return !live() && !wire_.finished && (phase_ == Phase::kDiscarding || !wire_.io.in.empty());
}

void ServerStream::onInput() {
  if (live()) {
    if (!reader_.done()) wake();
    return;
  }
  if (phase_ == Phase::kDiscarding) discard();
  if (phase_ == Phase::kIdle && !wire_.finished) nextRequest();
  // Nothing is read any more on a connection that is about to close.
  if (wire_.finished && !live()) wire_.io.in.clear();
}

void ServerStream::onRoom() {
  if (std::exchange(waits_for_room_, false)) wake();
}

void ServerStream::onConnectionLost() {
  if (!reader_.done()) wake();
}

// The rest of a request whose exchange is over. Its length is known and within the limit: else the connection closes.
void ServerStream::discard() {
  while (!reader_.done()) {
    const std::optional<Part> part = reader_.next(wire_.io.in, wire_.input, head_arena_);
    if (!part) return;
  }
  phase_ = Phase::kIdle;
  if (reader_.failed()) wire_.finished = true;
}

void ServerStream::nextRequest() {
  buffer::Buffer& in = wire_.io.in;
  if (in.empty()) {
    if (!wire_.open() || wire_.draining) wire_.finished = true;
    return;
  }
  const HeadScanner::Result found = scanner_.scan(in, Section::kRequestHead, wire_.options.limits);
  if (found.error != Reason::kNone) return refuse(found.error);
  if (found.bytes == 0) {
    if (!wire_.open()) wire_.fail(Reason::kClientGone);
    return;
  }
  scanner_.reset();
  const size_t size = found.bytes - found.skip;
  const std::span<char> text(head_arena_.allocateChars(size), size);
  in.copyOut(found.skip, text);
  in.drain(found.bytes);
  head_text_ = std::string_view(text.data(), size);
  head_ = head_arena_.make<Head>(head_arena_);
  HeadFacts facts;
  const Reason error = parseRequestHead(text, wire_.options, *head_, facts);
  if (error != Reason::kNone) return refuse(error);
  begin(facts);
  wire_.owner.onStream(StreamPtr(this));
}

void ServerStream::begin(const HeadFacts& facts) {
  phase_ = Phase::kLive;
  keep_alive_ = facts.keep_alive;
  awaits_continue_ = head_->expects_continue;
  context_ = {};
  context_.peer = head_->version;
  context_.to_head = head_->isHead();
  context_.to_connect = head_->isConnect();
  context_.upgrade_asked = !head_->upgrade.empty();
  writer_.reset();
  if (facts.chunked) {
    reader_.beginChunked();
  } else if (context_.upgrade_asked || context_.to_connect) {
    reader_.beginWaiting();
  } else {
    reader_.beginLength(head_->content_length.value_or(0));
  }
}

void ServerStream::refuse(Reason reason) {
  CHECK(!live(), "a live request is answered through its stream");
  if (wire_.finished) return;
  wire_.fail(reason);
  head_ = nullptr;
  head_arena_.reset();
  const ReasonInfo& info = reasonInfo(reason);
  const uint16_t status = info.status != 0 ? info.status : 400;
  {
    FieldWriter writer(wire_.io.out);
    writer.text("HTTP/1.1 ");
    writer.number(status);
    writer.text(" ");
    writer.text(statusText(status));
    writer.text("\r\ncontent-type: text/plain\r\ncontent-length: ");
    writer.number(info.name.size() + 1);
    writer.text("\r\nconnection: close\r\n\r\n");
    writer.text(info.name);
    writer.text("\n");
  }
  wire_.owner.onOutput();
}

void ServerStream::setOwner(StreamOwner& owner, base::Arena& arena) {
  owner_ = &owner;
  arena_ = &arena;
}

std::optional<Part> ServerStream::receive() {
  CHECK(arena_ != nullptr, "a stream has an owner before the first receive()");
  buffer::Buffer& in = wire_.io.in;
  if (!live()) return std::nullopt;
  if (head_ != nullptr) {
    Head& head = moveHead(*head_, head_text_, *arena_);
    head_ = nullptr;
    head_arena_.reset();
    given_ = &head;
    return Part::makeHead(head, in.pool());
  }
  if (reader_.done()) return std::nullopt;
  // Whoever took the head has taken the upgrade out of it: nothing waits for a tunnel.
  if (context_.upgrade_asked && given_->upgrade.empty()) {
    context_.upgrade_asked = false;
    reader_.refuseTunnel();
  }
  const size_t before = in.size();
  std::optional<Part> part = reader_.next(in, wire_.input, *arena_);
  if (in.size() != before) wire_.owner.onConsumed();
  if (!reader_.failed()) return part;
  if (wire_.lost != Reason::kNone) return Part::makeFailed(wire_.lost, in.pool());
  if (wire_.error == Reason::kNone) wire_.error = part->reason();
  return part;
}

// Asked when the final head is written. Later changes of mind close the connection without having said so.
bool ServerStream::mustClose() const {
  if (wire_.draining || !keep_alive_ || reader_.failed() || context_.to_connect) return true;
  if (reader_.complete()) return !wire_.open() && wire_.io.in.empty();
  const std::optional<uint64_t> left = reader_.left();
  return awaits_continue_ || !left || *left > wire_.options.limits.discard_bytes;
}

void ServerStream::sendHead(const Head& head) {
  if (head.isInterim()) {
    // HTTP/1.0 knows no interim responses.
    if (context_.peer == Version::kHttp10) return;
    if (head.status == 100) awaits_continue_ = false;
    return writer_.interim(head);
  }
  const bool tunnel = context_.upgrade_asked || context_.to_connect;
  const bool opens = head.status == 101 || (context_.to_connect && head.status / 100 == 2);
  if (tunnel && !opens && !reader_.done()) reader_.refuseTunnel();
  context_.close = mustClose();
  writer_.response(head, context_);
  if (writer_.isTunnel() && !reader_.done()) reader_.openTunnel();
  if (tunnel) wake();
}

void ServerStream::send(Part part) {
  if (!live() || writer_.done() || writer_.broken() || wire_.lost != Reason::kNone) return;
  switch (part.kind()) {
    case Part::Kind::kHead:
      sendHead(part.head());
      break;
    case Part::Kind::kData:
      writer_.data(std::move(part.data()));
      break;
    case Part::Kind::kEnd:
      // One half of a tunnel cannot be closed alone: its end is the end of the connection.
      if (writer_.isTunnel()) wire_.finished = true;
      writer_.end(part.trailers());
      break;
    case Part::Kind::kFailed:
      return reset(part.reason());
  }
  if (writer_.broken()) wire_.finished = true;
  wire_.owner.onOutput();
}

void ServerStream::reset(Reason) {
  if (!live()) return;
  wire_.finished = true;
  wire_.owner.onStreamEnd();
}

void ServerStream::release() {
  const bool keep = writer_.done() && !wire_.finished && !context_.close && !writer_.untilClose() && !reader_.failed();
  if (!keep) wire_.finished = true;
  phase_ = reader_.complete() || !keep ? Phase::kIdle : Phase::kDiscarding;
  owner_ = nullptr;
  arena_ = nullptr;
  head_ = nullptr;
  head_arena_.reset();
  wire_.owner.onStreamEnd();
}

}  // namespace weir::http::h1
