// The half of NetworkChain that takes what is sent to the client through the filters, from the last to the first. Each
// has its own place to wait at:
//
//   terminal --> waiting, shown [filter n-1] --> ... --> waiting, shown [filter 0] --> socket
//                                own writes -^
#include <utility>

#include "source/base/check.h"
#include "source/filter/network_chain_place.h"

namespace weir::filter {

void NetworkChain::Place::resumeWrite(NetworkVerdict verdict) {
  CHECK(verdict != NetworkVerdict::kWait, "a network filter answered its own wait with another");
  if (chain_.stage_ == Stage::kClosed) return;
  CHECK(holds && !answer, "a network filter resumed output that it did not hold");
  answer = verdict;
  chain_.connection_.flush();
}

void NetworkChain::Place::write(std::string_view bytes) {
  if (chain_.stage_ == Stage::kClosed) return;
  (chain_.looks_at_output_ ? own : chain_.connection_.output()).append(bytes);
  chain_.connection_.flush();
}

void NetworkChain::onOutput(buffer::Buffer& fresh) {
  if (stage_ == Stage::kClosed) return;
  CHECK(!driving_, "output was written from inside a hook of a network filter");
  driving_ = true;
  buffer::Buffer passed(worker_.blocks);
  passed.append(std::move(fresh));
  for (size_t i = places_.size(); i-- > 0 && stage_ != Stage::kClosed;) {
    Place& place = *places_[i];
    if (place.looks) {
      place.waiting.append(std::move(passed));
      passed = std::move(place.own);  // what it wrote before it sees this comes first
      showOutput(place, passed);
    }
    passed.append(std::move(place.own));
  }
  // What was appended to the connection itself meanwhile is not looked at.
  passed.append(std::move(fresh));
  fresh = std::move(passed);
  driving_ = false;
}

void NetworkChain::showOutput(Place& place, buffer::Buffer& passed) {
  for (;;) {
    NetworkVerdict verdict = NetworkVerdict::kNext;
    if (place.holds) {
      if (!place.answer) return;
      place.holds = false;
      verdict = *std::exchange(place.answer, std::nullopt);
    } else {
      if (place.waiting.empty()) return;
      place.shown = std::move(place.waiting);
      place.shown.makeReadable();
      verdict = place.filter->onWrite(place.shown);
    }
    if (verdict == NetworkVerdict::kWait) {
      place.holds = true;
      return;
    }
    if (verdict == NetworkVerdict::kClose) {
      stage_ = Stage::kClosed;
      connection_.close(net::CloseReason::kLocalReset);
      return;
    }
    passed.append(std::move(place.shown));
  }
}

size_t NetworkChain::kept() const {
  size_t bytes = 0;
  for (const auto& place : places_) bytes += place->shown.size() + place->waiting.size() + place->own.size();
  return bytes;
}

}  // namespace weir::filter
