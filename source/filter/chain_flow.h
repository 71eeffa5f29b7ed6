// ChainFlow: one direction of an HttpChain: takes the parts of one message, one at a time, through the hooks of the
// filters, and says what has to happen next. It knows no streams. A member of the chain; one worker; allocates
// nothing.
//
// The chain calls advance() again and again and does what it answers; every answer but kPull and kWait must be acted
// on before the next call:
//
//   kPull       nothing is on its way: put the next part in, if there is one and if it may be taken
//   kWait       a filter has answered Wait and nothing later
//   kPaused     pause() was called from the hook of the filter at place(), which has handed the part on
//   kCollecting a filter wants the whole message now; its body is pulled from here on
//   kHead, kData, kEnd  the part has passed the last filter: take it. What stays in data() is offered again
//   kReply      a filter answered by itself: reply(), place()
//   kTooLarge   the body is larger than the filter at place() takes
//
// `places` count in the order of calls: place 0 is the first filter for requests and the last one for responses.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "source/buffer/buffer.h"
#include "source/filter/http_chain_config.h"
#include "source/filter/http_filter.h"
#include "source/http/head.h"

namespace weir::filter {

class ChainFlow {
 public:
  enum class Step : uint8_t { kPull, kWait, kPaused, kCollecting, kHead, kData, kEnd, kReply, kTooLarge };

  ChainFlow(Direction direction, const HttpChainConfig& config, buffer::BlockPool& pool)
      : config_(config), direction_(direction), data_(pool), end_(pool), collected_(pool) {}

  // `filters` by slot; null where a filter is off. `active` has a bit per place.
  Step advance(HttpFilter* const* filters, uint64_t active);

  void putHead(http::Head& head, size_t place = 0);
  void putData(buffer::Buffer data, size_t place = 0);
  void putEnd(http::HeaderMap* trailers, size_t place = 0);

  // After kHead, kData, kEnd.
  http::Head& takeHead();
  buffer::Buffer& data() { return data_; }
  http::HeaderMap* takeEnd();

  LocalReply& reply() const { return verdict_.localReply(); }
  // The filter that the last kReply, kTooLarge, kWait or kCollecting was about.
  size_t place() const { return place_; }
  // The filter that holds the message up: size of the chain when none does.
  size_t holder() const;
  // The first filter that was not shown the head that is on its way; 0 when none is.
  size_t unseen() const;
  bool collecting() const { return collector_ != kNone; }
  // Nothing is on its way and no filter holds anything up: advance() would say kPull, and no filter collects. Parts
  // that no filter looks at need not come here.
  bool idle() const { return head_ == nullptr && !has_data_ && !has_end_ && !waiting_; }

  // The head that is on its way, or null.
  http::Head* head() const { return head_; }
  // advance() returns before the next hook runs.
  void pause() { paused_ = true; }

  // The late answer of the filter at `place` to its Wait. Ignored if what it waited for was dropped since.
  void answer(size_t place, Verdict verdict);
  // Forgets everything that is on its way.
  void drop();

 private:
  enum class Stage : uint8_t { kHead, kData, kEnd, kWhole };
  static constexpr size_t kNone = static_cast<size_t>(-1);

  size_t& stagePlace();
  uint16_t stageHook() const;
  // Calls the hooks of the stage, one by one, as long as they say "next" and nothing more: then the part has passed the
  // last filter before its goal, and false. True: verdict_ says what one of them wants.
  bool callHooks(HttpFilter* const* filters, uint64_t active);
  Verdict call(HttpFilter& filter);
  Verdict callWhole(HttpFilter& filter);
  std::optional<Step> arrive(HttpFilter* const* filters, uint64_t active);
  // Calls the filter that collects with what is there.
  std::optional<Step> showCollected(HttpFilter* const* filters, uint64_t active);
  std::optional<Step> apply();
  std::optional<Step> startCollect();
  void releaseWhole();
  void releaseTail();
  HttpFilter& at(HttpFilter* const* filters, size_t place) const {
    return *filters[direction_ == Direction::kRequest ? place : config_.size() - 1 - place];
  }

  const HttpChainConfig& config_;
  Direction direction_;
  Stage stage_ = Stage::kHead;
  bool has_data_ = false;
  bool has_end_ = false;
  bool waiting_ = false;
  Verdict verdict_ = Verdict::next();  // the last one that a hook gave, or the late answer to it
  bool answered_ = false;
  bool paused_ = false;
  size_t place_ = 0;
  size_t collector_ = kNone;
  size_t collect_limit_ = 0;
  bool collect_part_ = false;  // the limit is enough
  // What is on its way, and the place of the next filter that it goes to.
  http::Head* head_ = nullptr;
  size_t head_place_ = 0;
  buffer::Buffer data_;
  size_t data_place_ = 0;
  End end_;
  size_t end_place_ = 0;
  buffer::Buffer collected_;
  uint64_t abandoned_ = 0;  // filters whose Wait was dropped before they answered
};

}  // namespace weir::filter
