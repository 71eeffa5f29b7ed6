// HttpChain: the one function that drives the filters of an exchange (law 2). It pulls parts from one end, takes them
// through the hooks, and pushes them into the other end: requests from the downstream stream to the terminal stream
// (the router), responses back. A member of the Exchange, which calls drive() from its wakes and nothing else; one
// worker. Filters and all they need stand in the arena of the exchange: a chain allocates nothing by itself.
//
// drive() moves as much as room() of the next end and the filters allow, up to a bound, then returns; it is never
// re-entered. It holds at most one part that waits behind a filter per direction, plus what a Collect asked for, up to
// its limit. A part that no filter looks at, with nothing before it on its way, goes from one stream to the other as it
// was received. A local reply starts at the next filter outward; the terminal is dropped, and no more of the request is
// pulled.
//
//   request   downstream -> filter 0 .. n-1 -> terminal      response   terminal -> filter n-1 .. 0 -> downstream
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "source/filter/chain_flow.h"
#include "source/filter/http_chain_config.h"
#include "source/filter/http_filter.h"
#include "source/http/stream.h"
#include "source/net/worker_context.h"

namespace weir::filter {

// What the exchange does for its chain. None of these may call the chain back.
class ChainOwner {
 public:
  // The request head has come, or a filter asked to choose again: fills info().route. Before any filter sees it.
  virtual void chooseRoute(http::Head& request) = 0;
  // The request head has passed the last filter: the stream that answers it, with its owner set. Called once; owned
  // by the exchange. The chain then sends the head into it, and all that follows.
  virtual http::Stream& openTerminal(http::Head& request) = 0;
  // A local reply is about to be made: its last chance to be another one. The reason stays.
  virtual void onLocalReply(LocalReply&) {}
  // A local reply, or a reset, takes over: the terminal is of no more use.
  virtual void dropTerminal(http::Reason reason) = 0;
  // The final or an informational response head is about to go downstream, local replies included: last edits.
  virtual void onResponseHead(http::Head& response) = 0;
  virtual SideCaller& sideCaller() = 0;
  // Drive again later in this turn.
  virtual void wakeChain() = 0;

 protected:
  ~ChainOwner() = default;
};

class HttpChain {
 public:
  enum class State : uint8_t {
    kRunning,
    kComplete,  // the response has passed whole; for a tunnel, both halves have
    kReset,     // broke off; info().reason says why; the downstream stream must be reset
  };

  // All must outlive the chain. Filters are made when the request head has come and its route is chosen; those that
  // are off on that route are not made. The request comes from `source`; the response goes to `sink`, which is the same
  // stream unless the owner has put something in front of it.
  HttpChain(const HttpChainConfig& config, const net::WorkerContext& worker, base::Arena& arena, StreamInfo& info,
            http::Stream& source, http::Stream& sink, ChainOwner& owner);
  HttpChain(const HttpChainConfig& config, const net::WorkerContext& worker, base::Arena& arena, StreamInfo& info,
            http::Stream& downstream, ChainOwner& owner)
      : HttpChain(config, worker, arena, info, downstream, downstream, owner) {}
  HttpChain(const HttpChain&) = delete;
  HttpChain& operator=(const HttpChain&) = delete;

  State drive();
  // Ends the exchange with a local answer if the response head was not sent yet, else resets: timeouts, shutdown. The
  // status is that of the reason, an empty body its sentence. Takes effect in the next drive().
  void replyOrReset(http::Reason reason, std::string_view body);
  // Tells each filter onComplete, exactly once. Nothing may be driven after it; the arena destroys the filters.
  void complete();
  // The final response head went downstream.
  bool responseStarted() const { return response_started_; }
  // The end of the request was received.
  bool requestComplete() const { return request_pulled_; }

 private:
  class Host;

  void run();
  void makeFilters(size_t from);
  bool stepRequest();
  bool pullRequest();
  // Whether active filters look at such parts: those of the hooks (HookMask::kX) of one direction.
  bool lookAtRequest(uint16_t hook) const { return (config_.having(hook) & request_active_) != 0; }
  bool lookAtResponse(uint16_t hook) const { return (config_.having(hook) & response_active_) != 0; }
  void chooseRoute(http::Head& head, size_t from);
  void sendRequestHead(http::Part&& part);
  void takeRequestData(http::Part&& part, size_t room);
  bool sendRequestData();
  void sendRequestEnd(http::Part&& part);
  void sendContinue(http::Head& request);
  bool stepResponse();
  bool pullResponse();
  void sendResponseHead(http::Part&& part);
  void takeResponseData(http::Part&& part, size_t room);
  bool sendResponseData();
  void sendResponseEnd(http::Part&& part);
  // A local answer that is seen from that place of the response direction on; resets if it is too late for one.
  void reply(const LocalReply& reply, size_t place);
  void replyWith(http::Reason reason, std::string_view body, size_t place);
  // The place of the response direction next outward of a place of the request direction.
  size_t outwardOf(size_t request_place) const { return config_.size() - request_place; }
  void fail(http::Reason reason);
  void dropTerminal(http::Reason reason);
  void note(http::Reason reason);

  const HttpChainConfig& config_;
  const net::WorkerContext& worker_;
  base::Arena& arena_;
  StreamInfo& info_;
  http::Stream& source_;
  http::Stream& sink_;
  ChainOwner& owner_;
  http::Stream* terminal_ = nullptr;

  HttpFilter** filters_ = nullptr;  // by slot, in the arena; null where off
  uint64_t request_active_ = 0;     // by place
  uint64_t response_active_ = 0;
  ChainFlow request_;
  ChainFlow response_;

  State state_ = State::kRunning;
  bool driving_ = false;
  bool completed_ = false;
  bool request_pulled_ = false;    // its End was received
  bool request_finished_ = false;  // nothing more is to be done about it
  bool response_pulled_ = false;
  bool response_started_ = false;
  bool response_finished_ = false;
  bool tunnel_ = false;
  http::Reason pending_reason_ = http::Reason::kNone;  // of replyOrReset()
  std::string_view pending_body_;
};

}  // namespace weir::filter
