// Head, data and end may all be on their way at once, when a collected message is released or a local reply begins.
// They are served in this order, so that nothing overtakes:
//
//   head  unless a filter collects, which then holds it
//   data  as far as the collecting filter, if there is one, which swallows it
//   end   the same; at the collecting filter it completes the message
#include "source/filter/chain_flow.h"

#include <algorithm>
#include <utility>

#include "source/base/check.h"

namespace weir::filter {

ChainFlow::Step ChainFlow::advance(HttpFilter* const* filters, uint64_t active) {
  for (;;) {
    if (waiting_) {
      if (!answered_) return Step::kWait;
      waiting_ = answered_ = false;
    } else {
      if (head_ != nullptr && !collecting()) {
        stage_ = Stage::kHead;
      } else if (has_data_) {
        stage_ = Stage::kData;
      } else if (has_end_) {
        stage_ = Stage::kEnd;
      } else {
        return Step::kPull;
      }
      if (!callHooks(filters, active)) {
        const std::optional<Step> step = arrive(filters, active);
        if (step) return *step;
        if (stage_ != Stage::kWhole) continue;
      }
    }
    if (const std::optional<Step> step = apply()) return *step;
  }
}

// In the one loop that calls it, where the stage is known to stay as it is.
__attribute__((always_inline)) inline Verdict ChainFlow::call(HttpFilter& filter) {
  const bool request = direction_ == Direction::kRequest;
  switch (stage_) {
    case Stage::kHead:
      return request ? filter.onRequestHead(*head_) : filter.onResponseHead(*head_);
    case Stage::kData:
      return request ? filter.onRequestData(data_) : filter.onResponseData(data_);
    case Stage::kEnd:
    case Stage::kWhole:
      break;
  }
  return request ? filter.onRequestEnd(end_) : filter.onResponseEnd(end_);
}

bool ChainFlow::callHooks(HttpFilter* const* filters, uint64_t active) {
  size_t& place = stagePlace();
  const size_t goal = stage_ == Stage::kHead || !collecting() ? config_.size() : collector_;
  const uint64_t looking = config_.having(stageHook()) & active;
  while (place < goal) {
    const uint64_t ahead = looking >> place << place;
    if (ahead == 0 || static_cast<size_t>(__builtin_ctzll(ahead)) >= goal) break;
    place_ = static_cast<size_t>(__builtin_ctzll(ahead));
    place = place_ + 1;
    const Verdict verdict = call(at(filters, place_));
    const bool more = paused_ || (stage_ == Stage::kEnd && !end_.tail.empty());
    if (verdict.kind() == Verdict::Kind::kNext && !more) continue;
    verdict_ = verdict;
    return true;
  }
  place = std::max(place, goal);
  return false;
}

// A part is where it should go: the far end, or the filter that collects.
std::optional<ChainFlow::Step> ChainFlow::arrive(HttpFilter* const* filters, uint64_t active) {
  if (stage_ == Stage::kHead) return Step::kHead;
  if (stage_ == Stage::kData && collecting()) {
    has_data_ = false;
    collected_.append(std::move(data_));
    if (collected_.size() < collect_limit_ || (!collect_part_ && collected_.size() == collect_limit_)) {
      return std::nullopt;
    }
    if (collect_part_) return showCollected(filters, active);
    place_ = collector_;
    return Step::kTooLarge;
  }
  if (stage_ == Stage::kData) {
    has_data_ = !data_.empty();
    if (has_data_) return Step::kData;
    return std::nullopt;
  }
  if (!collecting()) return Step::kEnd;
  return showCollected(filters, active);
}

std::optional<ChainFlow::Step> ChainFlow::showCollected(HttpFilter* const* filters, uint64_t active) {
  stage_ = Stage::kWhole;
  place_ = collector_;
  const bool looks = ((config_.having(stageHook()) & active) >> place_ & 1) != 0;
  verdict_ = looks ? callWhole(at(filters, place_)) : Verdict::next();
  return std::nullopt;
}

Verdict ChainFlow::callWhole(HttpFilter& filter) {
  Message message{*head_, collected_, end_, has_end_};
  return direction_ == Direction::kRequest ? filter.onRequest(message) : filter.onResponse(message);
}

std::optional<ChainFlow::Step> ChainFlow::apply() {
  switch (verdict_.kind()) {
    case Verdict::Kind::kNext:
      if (stage_ == Stage::kWhole) releaseWhole();
      if (stage_ == Stage::kEnd && !end_.tail.empty()) releaseTail();
      if (!std::exchange(paused_, false)) return std::nullopt;
      return Step::kPaused;
    case Verdict::Kind::kWait:
      waiting_ = true;
      return Step::kWait;
    case Verdict::Kind::kReply:
      return Step::kReply;
    case Verdict::Kind::kCollect:
      return startCollect();
  }
  return std::nullopt;
}

std::optional<ChainFlow::Step> ChainFlow::startCollect() {
  CHECK(stage_ == Stage::kHead, "a filter answered Collect to something other than a head");
  // There is nothing to collect behind an informational head; the filter is asked again with the final one.
  if (head_->isInterim()) return std::nullopt;
  collector_ = place_;
  collect_limit_ = verdict_.maxBytes();
  collect_part_ = verdict_.partial();
  // What a request declares is what comes. A response to HEAD declares what does not.
  if (!collect_part_ && head_->isRequest() && head_->content_length.value_or(0) > collect_limit_) {
    return Step::kTooLarge;
  }
  return Step::kCollecting;
}

void ChainFlow::releaseWhole() {
  const size_t next = std::exchange(collector_, kNone) + 1;
  head_place_ = data_place_ = end_place_ = next;
  data_ = std::move(collected_);
  has_data_ = !data_.empty();
}

// What the filter wants to say before the end goes on from there, and the end behind it.
void ChainFlow::releaseTail() {
  data_ = std::move(end_.tail);
  has_data_ = true;
  data_place_ = place_ + 1;
}

void ChainFlow::putHead(http::Head& head, size_t place) {
  CHECK(head_ == nullptr && !has_data_ && !has_end_, "a head came before the last part was gone");
  head_ = &head;
  head_place_ = place;
}

void ChainFlow::putData(buffer::Buffer data, size_t place) {
  CHECK(!has_data_ && !has_end_, "data came before the last part was gone");
  data_ = std::move(data);
  has_data_ = true;
  data_place_ = place;
}

void ChainFlow::putEnd(http::HeaderMap* trailers, size_t place) {
  CHECK(!has_end_, "a message ended twice");
  end_.trailers = trailers;
  has_end_ = true;
  end_place_ = place;
}

http::Head& ChainFlow::takeHead() { return *std::exchange(head_, nullptr); }

http::HeaderMap* ChainFlow::takeEnd() {
  has_end_ = false;
  return std::exchange(end_.trailers, nullptr);
}

size_t ChainFlow::holder() const {
  if (waiting_) return place_;
  if (collecting()) return collector_;
  return head_ != nullptr ? head_place_ : config_.size();
}

size_t ChainFlow::unseen() const {
  if (head_ == nullptr) return 0;
  return collecting() ? collector_ + 1 : head_place_;
}

void ChainFlow::answer(size_t place, Verdict verdict) {
  if (const uint64_t bit = uint64_t{1} << place; (abandoned_ & bit) != 0) {
    abandoned_ &= ~bit;
    return;
  }
  CHECK(waiting_ && place_ == place, "a filter answered that was not waiting");
  CHECK(!answered_, "a filter answered twice");
  CHECK(verdict.kind() != Verdict::Kind::kWait, "a filter answered Wait to its own Wait");
  verdict_ = verdict;
  answered_ = true;
}

void ChainFlow::drop() {
  if (waiting_ && !answered_) abandoned_ |= uint64_t{1} << place_;
  waiting_ = answered_ = paused_ = has_data_ = has_end_ = false;
  head_ = nullptr;
  end_.trailers = nullptr;
  end_.tail.clear();
  data_.clear();
  collected_.clear();
  collector_ = kNone;
}

size_t& ChainFlow::stagePlace() {
  switch (stage_) {
    case Stage::kHead:
      return head_place_;
    case Stage::kData:
      return data_place_;
    case Stage::kEnd:
    case Stage::kWhole:
      break;
  }
  return end_place_;
}

uint16_t ChainFlow::stageHook() const {
  const unsigned shift = static_cast<unsigned>(stage_) + (direction_ == Direction::kRequest ? 0 : 4);
  static_assert(HookMask::kRequestHead == 1 && HookMask::kRequestWhole == 1 << 3);
  static_assert(HookMask::kResponseHead == 1 << 4 && HookMask::kResponseWhole == 1 << 7);
  return static_cast<uint16_t>(1u << shift);
}

}  // namespace weir::filter
