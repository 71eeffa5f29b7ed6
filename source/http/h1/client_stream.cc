#include "source/http/h1/client_stream.h"

#include <algorithm>
#include <span>
#include <utility>

#include "source/base/check.h"

namespace weir::http::h1 {
namespace {

bool equalsInAnyCase(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? c | 0x20 : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](char x, char y) { return lower(x) == lower(y); });
}

}  // namespace

ClientStream::ClientStream(Wire& wire)
    : wire_(wire),
      reader_(wire.options, {Reason::kUpstreamTruncated, Reason::kUpstreamProtocol}),
      writer_(wire.io.out),
      carried_(wire.io.carried) {}

void ClientStream::wake() {
  if (live_ && owner_ != nullptr) owner_->wakeStream();
}

StreamPtr ClientStream::open() {
  CHECK(!live_, "one stream at a time");
  live_ = true;
  has_head_ = failed_ = is_head_ = is_connect_ = unprocessed_ = false;
  keep_alive_ = true;
  interim_heads_ = 0;
  upgrade_ = {};
  scanner_.reset();
  writer_.reset();
  return StreamPtr(this);
}

void ClientStream::onInput() {
  if (live_) {
    wake();
    return;
  }
  // Whatever comes without having been asked for: the connection is not to be trusted with another request.
  if (!wire_.io.in.empty()) {
    wire_.fail(Reason::kUpstreamProtocol);
    wire_.io.in.clear();
  }
  if (!wire_.open()) wire_.finished = true;
}

void ClientStream::onRoom() {
  if (std::exchange(waits_for_room_, false)) wake();
}

void ClientStream::onConnectionLost() { wake(); }

void ClientStream::setOwner(StreamOwner& owner, base::Arena& arena) {
  owner_ = &owner;
  arena_ = &arena;
}

Part ClientStream::fail(Reason reason) {
  failed_ = true;
  wire_.finished = true;
  const bool wrong = reason == Reason::kUpstreamProtocol || reason == Reason::kUpstreamHeadersTooLarge;
  if (wrong && wire_.error == Reason::kNone) wire_.error = reason;
  return Part::makeFailed(reason, wire_.io.in.pool());
}

std::optional<Part> ClientStream::receive() {
  CHECK(arena_ != nullptr, "a stream has an owner before the first receive()");
  if (!live_ || failed_ || (has_head_ && reader_.done())) return std::nullopt;
  buffer::Buffer& in = wire_.io.in;
  const size_t before = in.size();
  std::optional<Part> part = has_head_ ? reader_.next(in, wire_.input, *arena_) : receiveHead();
  if (in.size() != before) wire_.owner.onConsumed();
  if (has_head_ && reader_.failed()) {
    const bool own_reason = wire_.lost != Reason::kNone && wire_.lost != Reason::kUpstreamReset;
    return fail(own_reason ? wire_.lost : part->reason());
  }
  return part;
}

// There is no whole head in the input.
std::optional<Part> ClientStream::beforeHead() {
  if (wire_.open()) return std::nullopt;
  const bool nothing_came = wire_.io.in.empty() && interim_heads_ == 0;
  const Reason lost = wire_.lost == Reason::kNone ? Reason::kUpstreamReset : wire_.lost;
  if (lost != Reason::kUpstreamReset) return fail(lost);
  unprocessed_ = nothing_came && carried_;
  return fail(nothing_came ? Reason::kUpstreamReset : Reason::kUpstreamTruncated);
}

std::optional<Part> ClientStream::receiveHead() {
  buffer::Buffer& in = wire_.io.in;
  // An answer to a request that was not sent answers something else.
  if (!writer_.started() && !in.empty()) return fail(Reason::kUpstreamProtocol);
  const HeadScanner::Result found = scanner_.scan(in, Section::kResponseHead, wire_.options.limits);
  if (found.error != Reason::kNone) return fail(responseReason(found.error));
  if (found.bytes == 0) return beforeHead();
  scanner_.reset();
  const std::span<char> text(arena_->allocateChars(found.bytes), found.bytes);
  in.copyOut(0, text);
  in.drain(found.bytes);
  Head& head = *arena_->make<Head>(*arena_);
  HeadFacts facts;
  const Reason error = parseResponseHead(text, wire_.options, head, facts);
  if (error != Reason::kNone) return fail(error);
  if (head.isInterim()) {
    if (++interim_heads_ > wire_.options.limits.interim_heads) return fail(Reason::kUpstreamProtocol);
    head.content_length.reset();
    return Part::makeHead(head, in.pool());
  }
  if (!beginBody(head, facts)) return fail(Reason::kUpstreamProtocol);
  has_head_ = true;
  return Part::makeHead(head, in.pool());
}

// False when the response cannot answer the request.
bool ClientStream::beginBody(const Head& head, const HeadFacts& facts) {
  keep_alive_ = facts.keep_alive;
  const bool switches = head.status == 101;
  // Only 101, asked for and with the protocol asked for, opens a tunnel.
  if (switches && (upgrade_.empty() || !equalsInAnyCase(upgrade_, head.upgrade))) return false;
  if (switches || (is_connect_ && head.status / 100 == 2)) {
    keep_alive_ = false;
    reader_.openTunnel();
    writer_.openTunnel();
    wake();
  } else if (is_head_ || head.status == 204 || head.status == 304) {
    reader_.beginLength(0);
  } else if (facts.chunked) {
    reader_.beginChunked();
  } else if (head.content_length) {
    reader_.beginLength(*head.content_length);
  } else {
    keep_alive_ = false;
    reader_.beginUntilClose();
  }
  return true;
}

void ClientStream::send(Part part) {
  if (!live_ || writer_.done() || writer_.broken() || wire_.lost != Reason::kNone) return;
  switch (part.kind()) {
    case Part::Kind::kHead:
      is_head_ = part.head().isHead();
      is_connect_ = part.head().isConnect();
      upgrade_ = part.head().upgrade;
      writer_.request(part.head());
      break;
    case Part::Kind::kData:
      writer_.data(std::move(part.data()));
      break;
    case Part::Kind::kEnd:
      // The end of its half of the connection: there is no other way to say it.
      if (writer_.isTunnel()) wire_.finished = true;
      writer_.end(part.trailers());
      break;
    case Part::Kind::kFailed:
      return reset(part.reason());
  }
  if (writer_.broken()) wire_.finished = true;
  wire_.owner.onOutput();
}

void ClientStream::leaveInKernel() {
  if (live_ && wire_.io.unseen != nullptr) reader_.tellUnseen(wire_.io.unseen);
}

void ClientStream::reset(Reason) {
  if (!live_) return;
  wire_.finished = true;
  failed_ = true;
  wire_.owner.onStreamEnd();
}

void ClientStream::release() {
  live_ = false;
  if (wire_.io.unseen != nullptr) *wire_.io.unseen = 0;
  owner_ = nullptr;
  arena_ = nullptr;
  upgrade_ = {};
  const bool complete = has_head_ && reader_.complete() && writer_.done();
  if (complete) carried_ = true;
  const bool untouched = !writer_.started() && !failed_;
  if (!untouched && !(complete && keep_alive_)) wire_.finished = true;
  // Bytes behind the response were not asked for.
  if (!wire_.io.in.empty()) {
    if (complete) wire_.fail(Reason::kUpstreamProtocol);
    wire_.finished = true;
  }
  if (!wire_.open()) wire_.finished = true;
  wire_.owner.onStreamEnd();
}

}  // namespace weir::http::h1
