// HttpFilter: sees the parts of one exchange on their way through the chain. One object per exchange, made by its
// HttpFilterFactory in the exchange's arena and destroyed with it; never shared, one worker.
//
// Order of calls, per direction: onXHead, then onXData any number of times, then onXEnd; onXHead is called again for
// each informational response head before the final one. Request hooks run from the first filter to the last,
// response hooks from the last to the first. A filter that answered Collect is called once more, with onX, when the
// whole message is there, instead of onXData and onXEnd. onComplete is called exactly once, last.
//
// A hook never runs while another hook is on the stack, and nothing that a hook asks for happens inside it (laws 2
// and 4). A hook that is not overridden costs nothing: the chain leaves it out when it is compiled.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>
#include <utility>

#include "source/buffer/buffer.h"
#include "source/event/dispatcher.h"
#include "source/filter/stream_info.h"
#include "source/http/head.h"
#include "source/http/reason.h"

namespace weir::filter {

class SideCaller;  // source/filter/side_call.h

// An answer that a filter gives instead of letting the request go on. Only filters further out see it. Made in the
// arena of the exchange.
struct LocalReply {
  http::Reason reason = http::Reason::kFilterReply;
  uint16_t status = 500;
  std::string_view body;       // arena or static; sent as text/plain unless `head` has a content-type
  http::Head* head = nullptr;  // further response fields (arena), or null
};

// Two words, so that a hook's answer comes back in registers.
class Verdict {
 public:
  enum class Kind : uint8_t { kNext, kWait, kCollect, kReply };

  // Go on with the next filter.
  static Verdict next() { return Verdict(Kind::kNext); }
  // Answer later, once, through FilterHost::answer(). Later parts of this direction wait behind it.
  static Verdict wait() { return Verdict(Kind::kWait); }
  // From a head hook only: call onRequest/onResponse with the whole message, of at most `max_bytes` of body; above it
  // the chain answers 413 (request) or 500 (response). The head goes on to the next filter after that.
  static Verdict collect(size_t max_bytes) {
    Verdict verdict(Kind::kCollect);
    verdict.max_bytes_ = max_bytes;
    return verdict;
  }
  // The same, but a longer message is no error: the hook is called when `max_bytes` are there, with Message::whole
  // false, and what follows passes onXData and onXEnd.
  static Verdict collectUpTo(size_t max_bytes) {
    Verdict verdict = collect(max_bytes);
    verdict.partial_ = true;
    return verdict;
  }
  // Answer now. In a response hook it replaces a response whose head was not sent yet, else it resets the stream.
  static Verdict reply(LocalReply& reply) {
    Verdict verdict(Kind::kReply);
    verdict.reply_ = &reply;
    return verdict;
  }

  Kind kind() const { return kind_; }
  // Of kCollect.
  size_t maxBytes() const { return max_bytes_; }
  bool partial() const { return partial_; }
  // Of kReply.
  LocalReply& localReply() const { return *reply_; }

 private:
  explicit Verdict(Kind kind) : kind_(kind), max_bytes_(0) {}
  Kind kind_;
  bool partial_ = false;
  union {
    size_t max_bytes_;
    LocalReply* reply_;
  };
};

enum class Direction : uint8_t { kRequest, kResponse };

// The end of a message. Trailers may be edited, set (arena) and taken away. Bytes that a filter puts into `tail` go on
// as Data before the end, to the next filter on; not in a Collect hook, which has the whole body instead.
struct End {
  explicit End(buffer::BlockPool& pool) : tail(pool) {}
  http::HeaderMap* trailers = nullptr;
  buffer::Buffer tail;
};

// A whole message, after Collect.
struct Message {
  http::Head& head;
  buffer::Buffer& body;
  End& end;  // empty while the message is not whole
  bool whole = true;
};

// Configuration of a filter on a route, virtual host or route table; made at load, immutable, shared by workers. Each
// filter derives its own and casts back what it made itself.
class RouteFilterConfig {
 public:
  virtual ~RouteFilterConfig() = default;
};

// What a filter may ask of the chain it stands in. Valid as long as the filter.
class FilterHost {
 public:
  // The late answer to a Wait of that direction; any Verdict but Wait. Takes effect later in the turn.
  virtual void answer(Direction direction, Verdict verdict) = 0;
  virtual const StreamInfo& info() const = 0;
  virtual StreamInfo& mutableInfo() = 0;
  virtual base::Arena& arena() = 0;
  virtual event::Dispatcher& dispatcher() = 0;
  // This filter's configuration for the route that was chosen, the most specific one, or null.
  virtual const RouteFilterConfig* routeConfig() const = 0;
  // All of them, from the least specific (route table) to the most specific; returns how many were filled.
  virtual size_t routeConfigs(const RouteFilterConfig** out, size_t capacity) const = 0;
  // Requests of the filter's own to a cluster: include source/filter/side_call.h.
  virtual SideCaller& sideCaller() = 0;
  // The request was edited so that another route may match: choose again before the next filter runs.
  virtual void rerouteRequest() = 0;

 protected:
  ~FilterHost() = default;
};

class HttpFilter {
 public:
  virtual ~HttpFilter() = default;
  // Once, before all others.
  virtual void setHost(FilterHost& host) { host_ = &host; }

  virtual Verdict onRequestHead(http::Head&) { return Verdict::next(); }
  virtual Verdict onRequestData(buffer::Buffer&) { return Verdict::next(); }
  virtual Verdict onRequestEnd(End&) { return Verdict::next(); }
  virtual Verdict onRequest(Message&) { return Verdict::next(); }
  virtual Verdict onResponseHead(http::Head&) { return Verdict::next(); }
  virtual Verdict onResponseData(buffer::Buffer&) { return Verdict::next(); }
  virtual Verdict onResponseEnd(End&) { return Verdict::next(); }
  virtual Verdict onResponse(Message&) { return Verdict::next(); }
  virtual void onComplete(const StreamInfo&) {}

 protected:
  FilterHost& host() const { return *host_; }

 private:
  FilterHost* host_ = nullptr;
};

// Which hooks a filter class overrides, found out at compile time.
struct HookMask {
  static constexpr uint16_t kRequestHead = 1, kRequestData = 2, kRequestEnd = 4, kRequestWhole = 8;
  static constexpr uint16_t kResponseHead = 16, kResponseData = 32, kResponseEnd = 64, kResponseWhole = 128;
  static constexpr uint16_t kComplete = 256;
  uint16_t bits = 0;
  bool has(uint16_t hook) const { return (bits & hook) != 0; }
};

template <typename Filter>
constexpr HookMask hooksOf() {
  using H = http::Head;
  using B = buffer::Buffer;
  HookMask mask;
  const auto note = [&mask](bool inherited, uint16_t hook) {
    if (!inherited) mask.bits = static_cast<uint16_t>(mask.bits | hook);
  };
  note(std::is_same_v<decltype(&Filter::onRequestHead), Verdict (HttpFilter::*)(H&)>, HookMask::kRequestHead);
  note(std::is_same_v<decltype(&Filter::onRequestData), Verdict (HttpFilter::*)(B&)>, HookMask::kRequestData);
  note(std::is_same_v<decltype(&Filter::onRequestEnd), Verdict (HttpFilter::*)(End&)>, HookMask::kRequestEnd);
  note(std::is_same_v<decltype(&Filter::onRequest), Verdict (HttpFilter::*)(Message&)>, HookMask::kRequestWhole);
  note(std::is_same_v<decltype(&Filter::onResponseHead), Verdict (HttpFilter::*)(H&)>, HookMask::kResponseHead);
  note(std::is_same_v<decltype(&Filter::onResponseData), Verdict (HttpFilter::*)(B&)>, HookMask::kResponseData);
  note(std::is_same_v<decltype(&Filter::onResponseEnd), Verdict (HttpFilter::*)(End&)>, HookMask::kResponseEnd);
  note(std::is_same_v<decltype(&Filter::onResponse), Verdict (HttpFilter::*)(Message&)>, HookMask::kResponseWhole);
  note(std::is_same_v<decltype(&Filter::onComplete), void (HttpFilter::*)(const StreamInfo&)>, HookMask::kComplete);
  return mask;
}

}  // namespace weir::filter
