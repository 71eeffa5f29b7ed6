#include "source/net/preamble_socket.h"

#include <utility>

namespace weir::net {

PreambleSocket::PreambleSocket(std::unique_ptr<Socket> inner, std::string preamble)
    : inner_(std::move(inner)), rest_(std::move(preamble)) {}

void PreambleSocket::watch(event::ReadyHandler& handler) {
  handler_ = &handler;
  event::ReadyHandler& self = *this;
  inner_->watch(self);
}

// kOk: all of it is written.
IoResult PreambleSocket::push() {
  while (!rest_.empty()) {
    const iovec piece{rest_.data(), rest_.size()};
    const IoResult wrote = inner_->write({&piece, 1});
    if (wrote.state != IoResult::State::kOk) return wrote;
    rest_.erase(0, wrote.bytes);
  }
  std::string().swap(rest_);
  if (std::exchange(fin_wanted_, false)) inner_->shutdownWrite();
  return {};
}

// Before the result of the connect was asked for nothing is written, since that would take the result. What went wrong
// with writing is found again by whoever reads or writes next.
void PreambleSocket::onReady(event::Readiness ready) {
  if (ready.writable && connected_ && push().state == IoResult::State::kWouldBlock) ready.writable = false;
  if (ready.readable || ready.writable || ready.closed) handler_->onReady(ready);
}

absl::Status PreambleSocket::connectResult() {
  absl::Status status = inner_->connectResult();
  if (!status.ok()) return status;
  connected_ = true;
  push();
  return status;
}

IoResult PreambleSocket::write(std::span<const iovec> from) {
  const IoResult before = push();
  return before.state == IoResult::State::kOk ? inner_->write(from) : before;
}

void PreambleSocket::shutdownWrite() {
  fin_wanted_ = !rest_.empty();
  if (!fin_wanted_) inner_->shutdownWrite();
}

}  // namespace weir::net
