// The part of the Connection that reads: as much as a turn allows, into blocks or, where nobody looks, into a pipe.
#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <span>

#include "source/net/connection.h"

namespace weir::net {
namespace {

constexpr size_t kReadPerTurn = 64 * 1024;
constexpr size_t kMaxReadBlocks = 4;
// Passing bytes on inside the kernel takes one call more, and a pipe: fewer are not worth it.
constexpr uint64_t kWorthAPipe = 16 * 1024;
constexpr size_t kInKernelPerTurn = 1024 * 1024;

}  // namespace

bool Connection::mayRead() const {
  if (close_wanted_ || input_ended_) return false;
  if (state_ == State::kClosing) return true;
  return state_ == State::kOpen && !paused_ && input_.size() < read_limit_ && !pipeWaits();
}

// What is behind bytes in the kernel goes the same way once they are taken; read now, it would be copied.
bool Connection::pipeWaits() const { return unseen_ >= kWorthAPipe && input_.startsInKernel(); }

void Connection::readAndDeliver() {
  size_t budget = kReadPerTurn;
  while (readable_ && budget > 0 && mayRead()) {
    if (state_ == State::kClosing) {
      discardInput(budget);
      continue;
    }
    const uint64_t before = bytes_read_;
    const Next next = fill(budget);
    if (next == Next::kEnd) input_ended_ = true;
    if (next == Next::kEnd && !output_failed_) {
      session_->onInput(input_, true);
    } else if (bytes_read_ != before) {
      session_->onInput(input_, false);
    }
    if (next != Next::kNothing && next != Next::kMore) afterEnd(next);
  }
  if (output_failed_ && !close_wanted_ && !readable_) finish(CloseReason::kRemoteReset);
  if (readable_ && mayRead()) {
    continue_reading_ = true;
    WriteWake::wake();
  }
  if (unverified_ && !readable_ && !verify_scheduled_) scheduleTimer();
}

// Reads until the socket is empty, the limit is reached or the budget is used up.
Connection::Next Connection::fill(size_t& budget) {
  size_t got = 0;
  while (budget > 0 && input_.size() < read_limit_) {
    if (mayFillInKernel()) {
      if (const std::optional<Next> next = fillInKernel(budget)) return *next;
    }
    size_t asked = 0;
    const IoResult result = readBlocks(budget, asked);
    switch (result.state) {
      case IoResult::State::kOk:
        break;
      case IoResult::State::kWouldBlock:
        readable_ = false;
        unverified_ = false;
        return Next::kNothing;
      case IoResult::State::kEnd:
        readable_ = false;
        return Next::kEnd;
      case IoResult::State::kFailed:
        readable_ = false;
        error_ = static_cast<int16_t>(result.error);
        return Next::kFailed;
    }
    bytes_read_ += result.bytes;
    if (unseen_ != 0) unseen_ -= std::min<uint64_t>(unseen_, result.bytes);
    last_activity_ = dispatcher_.now();
    budget -= std::min(budget, result.bytes);
    got += result.bytes;
    if (result.bytes == asked) {
      if (bulk_) {
        // Whoever looks at what came with the beginning of a message says whether the rest of it can stay in the
        // kernel, as that of the last one did.
        bulk_ = false;
        budget = 0;
        return Next::kMore;
      }
      read_blocks_ = static_cast<uint8_t>(std::min<size_t>(read_blocks_ * 2, kMaxReadBlocks));
      continue;
    }
    // The end of a message that was a little too large for one block does not make the next one smaller.
    if (got <= buffer::Block::kBytes) read_blocks_ = 1;
    if (to_the_end_) continue;
    readable_ = false;  // what comes after this read is a new edge
    return Next::kNothing;
  }
  return Next::kMore;
}

IoResult Connection::readBlocks(size_t budget, size_t& asked) {
  IoResult result;
  if (read_blocks_ == 1 && input_.empty()) {
    const iovec block = input_.reserveBlock();
    asked = block.iov_len;
    result = socket_->read(std::span<const iovec>(&block, 1));
  } else {
    std::array<iovec, kMaxReadBlocks> into;
    const size_t want = std::min(size_t{read_blocks_} * buffer::Block::kBytes, budget);
    const size_t pieces = input_.reserve(want, into);
    asked = 0;
    for (size_t i = 0; i < pieces; ++i) asked += into[i].iov_len;
    result = socket_->read(std::span<const iovec>(into.data(), pieces));
  }
  input_.commit(result.state == IoResult::State::kOk ? result.bytes : 0);
  return result;
}

// What was read before must be gone: a pipe is only asked for when it is known that it will be passed on.
bool Connection::mayFillInKernel() const {
  return unseen_ >= kWorthAPipe && input_.empty() && state_ == State::kOpen && socket_->forwardsInKernel();
}

// None when there is no pipe: the bytes are read like any others.
std::optional<Connection::Next> Connection::fillInKernel(size_t& budget) {
  const size_t most = std::min<uint64_t>({unseen_, kInKernelPerTurn, read_limit_});
  const IoResult result = socket_->readInKernel(input_, most);
  switch (result.state) {
    case IoResult::State::kOk:
      bytes_read_ += result.bytes;
      unseen_ -= result.bytes;
      bulk_ = true;
      read_blocks_ = 1;
      last_activity_ = dispatcher_.now();
      budget -= std::min(budget, result.bytes / (kInKernelPerTurn / kReadPerTurn));
      return Next::kMore;  // there may be more, however little came
    case IoResult::State::kWouldBlock:
      readable_ = false;
      unverified_ = false;
      return Next::kNothing;
    case IoResult::State::kEnd:
      readable_ = false;
      return Next::kEnd;
    case IoResult::State::kFailed:
      break;
  }
  unseen_ = 0;
  if (result.error == EMFILE || result.error == EINVAL) return std::nullopt;
  readable_ = false;
  error_ = static_cast<int16_t>(result.error);
  return Next::kFailed;
}

void Connection::afterEnd(Next outcome) {
  if (close_wanted_) return;
  if (outcome == Next::kFailed || output_failed_) {
    finish(CloseReason::kRemoteReset);
    return;
  }
  if (output_state_ == Output::kFinished)
    finish(state_ == State::kClosing ? CloseReason::kLocal : CloseReason::kRemote);
}

// The session is done with this connection; the peer may still send, and must be able to, until it has read all.
void Connection::discardInput(size_t& budget) {
  input_.clear();
  const Next next = fill(budget);
  input_.clear();
  if (next == Next::kEnd) {
    input_ended_ = true;
    linger_wanted_ = false;
    if (output_state_ == Output::kFinished) finish(CloseReason::kLocal);
  } else if (next == Next::kFailed) {
    finish(CloseReason::kRemoteReset);
  }
}

}  // namespace weir::net
