// HttpChain: the one function that drives the filters of an exchange (law 2). It pulls parts from one end, takes them
// through the hooks, and pushes them into the other end: requests from the downstream stream to the terminal stream
// (the router), responses back. Owned by the Exchange, which calls drive() from its wakes and nothing else; one worker.
//
// drive() moves as much as room() of the next end and the filters allow, then returns; it is never re-entered. It
// holds at most one part that waits behind a filter per direction, plus what a Collect asked for, up to its limit.
// A local reply starts at the next filter outward; the terminal is dropped.
//
// HttpChainConfig: the compiled list, made at load, immutable, shared by workers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "source/filter/http_filter.h"
#include "source/filter/http_filter_factory.h"
#include "source/http/stream.h"

namespace weir::filter {

class HttpChainConfig {
 public:
  struct Slot {
    std::string name;  // keys the per-route configuration
    std::unique_ptr<HttpFilterFactory> factory;
    bool disabled = false;  // off unless a route switches it on
  };
  // In configured order, without the terminal filter.
  explicit HttpChainConfig(std::vector<Slot> slots);

  static constexpr size_t kMaxSlots = 64;
  size_t size() const { return slots_.size(); }
  const Slot& slot(size_t i) const { return slots_[i]; }
  // The slot of that filter name, or npos.
  size_t find(std::string_view name) const;
  static constexpr size_t npos = static_cast<size_t>(-1);
  HookMask hooks(size_t i) const { return hooks_[i]; }

 private:
  std::vector<Slot> slots_;
  std::vector<HookMask> hooks_;
};

// What the exchange does for its chain. None of these may call the chain back.
class ChainOwner {
 public:
  // The request head has come, or a filter asked to choose again: fills info().route. Before any filter sees it.
  virtual void chooseRoute(http::Head& request) = 0;
  // The request head has passed the last filter: the stream that answers it. Called once; owned by the exchange.
  virtual http::Stream& openTerminal(http::Head& request) = 0;
  // A local reply, or a reset, takes over: the terminal is of no more use.
  virtual void dropTerminal(http::Reason reason) = 0;
  // The final or an informational response head is about to go downstream, local replies included: last edits.
  virtual void onResponseHead(http::Head& response) = 0;
  // Drive again later in this turn.
  virtual void wakeChain() = 0;

 protected:
  ~ChainOwner() = default;
};

class HttpChain {
 public:
  enum class State : uint8_t {
    kRunning,
    kComplete,  // both messages passed whole
    kReset,     // broke off; info().reason says why; the downstream stream must be reset
  };

  // All must outlive the chain. Filters are made at once, those that the route disables left out later.
  HttpChain(const HttpChainConfig& config, const net::WorkerContext& worker, base::Arena& arena, StreamInfo& info,
            http::Stream& downstream, ChainOwner& owner);
  ~HttpChain();

  State drive();
  // Ends the exchange with a local answer if the response head was not sent yet, else resets: timeouts, shutdown.
  // Takes effect in the next drive().
  void replyOrReset(http::Reason reason, std::string_view body);
  // Destroys filters after telling each onComplete, exactly once. Nothing may be driven after it.
  void complete();
  bool responseStarted() const;
  bool requestComplete() const;

 private:
  class Driver;
  std::unique_ptr<Driver> driver_;
};

}  // namespace weir::filter
