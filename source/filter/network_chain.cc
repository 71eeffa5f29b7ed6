#include "source/filter/network_chain.h"

#include <algorithm>
#include <utility>

#include "source/base/check.h"
#include "source/filter/network_chain_place.h"

namespace weir::filter {

NetworkChain::NetworkChain(std::vector<std::unique_ptr<NetworkFilter>> filters, net::Connection& connection,
                           const net::WorkerContext& worker, SideCaller& side_calls, net::Session& terminal)
    : Wakeable(worker.dispatcher),
      connection_(connection),
      worker_(worker),
      side_calls_(side_calls),
      terminal_(terminal),
      held_(worker.blocks),
      current_(worker.blocks) {
  places_.reserve(filters.size());
  for (auto& filter : filters) {
    places_.push_back(std::make_unique<Place>(*this, std::move(filter)));
    looks_at_output_ = looks_at_output_ || places_.back()->looks;
  }
  if (looks_at_output_) connection_.setOutputFilter(*this);
}

NetworkChain::~NetworkChain() = default;

// What the terminal session left of earlier input stands in front of the new bytes, and has passed already.
void NetworkChain::onInput(buffer::Buffer& input, bool end) {
  const size_t fresh =
      std::min<uint64_t>(connection_.bytesRead() - std::exchange(seen_, connection_.bytesRead()), input.size());
  buffer::Buffer passed(worker_.blocks);
  passed.moveFrom(input, input.size() - fresh);
  held_.append(std::move(input));
  input.append(std::move(passed));
  end_held_ = end_held_ || end;
  drive();
}

void NetworkChain::onRoom() {
  if (stage_ == Stage::kReading) terminal_.onRoom();
}

void NetworkChain::onClose(net::CloseReason reason) {
  stage_ = Stage::kClosed;
  for (const auto& place : places_) place->filter->onClose(reason);
  drop();
  terminal_.onClose(reason);
}

// Nothing is sent any more, so nothing is kept.
void NetworkChain::drop() {
  for (const auto& place : places_) {
    place->shown.clear();
    place->waiting.clear();
    place->own.clear();
  }
}

void NetworkChain::resume(NetworkVerdict verdict) {
  CHECK(verdict != NetworkVerdict::kWait, "a network filter answered its own wait with another");
  if (stage_ == Stage::kClosed) return;
  CHECK(waiting_ && !answer_, "a network filter resumed that was not waiting");
  answer_ = verdict;
  wake();
}

void NetworkChain::drive() {
  CHECK(!driving_, "a network chain was driven from inside one of its hooks");
  driving_ = true;
  while (stage_ != Stage::kClosed) {
    std::optional<NetworkVerdict> verdict;
    if (waiting_) {
      if (!answer_) break;
      waiting_ = false;
      verdict = std::exchange(answer_, std::nullopt);
    } else {
      if (stage_ == Stage::kReading && !moving_ && !takeHeld()) break;
      verdict = callNext();
    }
    if (!verdict) {
      deliver();
    } else if (*verdict == NetworkVerdict::kWait) {
      waiting_ = true;
    } else if (*verdict == NetworkVerdict::kClose) {
      stage_ = Stage::kClosed;
      connection_.close(net::CloseReason::kLocalReset);
    }
  }
  driving_ = false;
  if (stage_ != Stage::kClosed) connection_.pauseReading(waiting_);
}

std::optional<NetworkVerdict> NetworkChain::callNext() {
  if (next_ == places_.size()) return std::nullopt;
  NetworkFilter& filter = *places_[next_++]->filter;
  return stage_ == Stage::kOpening ? filter.onOpen() : filter.onRead(current_, end_);
}

bool NetworkChain::takeHeld() {
  if (held_.empty() && (!end_held_ || end_)) return false;
  current_ = std::move(held_);
  end_ = end_held_;
  next_ = 0;
  moving_ = true;
  return true;
}

void NetworkChain::deliver() {
  next_ = 0;
  if (stage_ == Stage::kOpening) {
    stage_ = Stage::kReading;
    terminal_.onOpen();
    return;
  }
  moving_ = false;
  connection_.input().append(std::move(current_));
  terminal_.onInput(connection_.input(), end_);
}

}  // namespace weir::filter
