#include "source/net/peek_socket.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

namespace weir::net {
namespace {

constexpr size_t kMaxPieces = 16;

}  // namespace

PeekSocket::PeekSocket(event::Dispatcher& dispatcher, std::unique_ptr<Socket> inner)
    : Wakeable(dispatcher), inner_(std::move(inner)) {}

IoResult::State PeekSocket::peek(size_t limit) {
  std::array<char, 4096> block;
  bool fresh = false;
  while (peeked_.size() < limit) {
    const iovec into{block.data(), std::min(block.size(), limit - peeked_.size())};
    const IoResult got = inner_->read({&into, 1});
    if (got.state == IoResult::State::kOk) {
      peeked_.append(block.data(), got.bytes);
      fresh = true;
      continue;
    }
    // New bytes are looked at first; the end and errors are found again by the next who reads.
    return fresh ? IoResult::State::kOk : got.state;
  }
  return IoResult::State::kOk;
}

void PeekSocket::setAddresses(std::optional<Address> local, std::optional<Address> remote) {
  local_ = std::move(local);
  remote_ = std::move(remote);
}

void PeekSocket::watch(event::ReadyHandler& handler) {
  if (std::exchange(handler_, &handler) != nullptr) {
    wake();
    return;
  }
  event::ReadyHandler& self = *this;
  inner_->watch(self);
}

void PeekSocket::onReady(event::Readiness ready) {
  closed_ = closed_ || ready.closed;
  handler_->onReady(ready);
}

void PeekSocket::onWake() { handler_->onReady({.readable = true, .writable = true, .closed = closed_}); }

// A short read means that a new edge will come, so that what was peeked and what has come since make one read.
IoResult PeekSocket::read(std::span<const iovec> into) {
  if (peeked_.empty()) return inner_->read(into);
  std::array<iovec, kMaxPieces> rest;
  size_t pieces = 0;
  size_t copied = 0;
  for (const iovec& piece : into) {
    const size_t n = std::min(piece.iov_len, peeked_.size() - copied);
    std::memcpy(piece.iov_base, peeked_.data() + copied, n);
    copied += n;
    if (n < piece.iov_len && pieces < rest.size()) {
      rest[pieces++] = {static_cast<char*>(piece.iov_base) + n, piece.iov_len - n};
    }
  }
  peeked_.erase(0, copied);
  if (peeked_.empty()) std::string().swap(peeked_);
  if (pieces == 0) return {IoResult::State::kOk, copied, 0};
  const IoResult more = inner_->read(std::span<const iovec>(rest).first(pieces));
  if (more.state == IoResult::State::kOk) return {IoResult::State::kOk, copied + more.bytes, 0};
  // The end or the error, behind bytes that had to be given first.
  if (more.state != IoResult::State::kWouldBlock) {
    closed_ = true;
    wake();
  }
  return {IoResult::State::kOk, copied, 0};
}

}  // namespace weir::net
