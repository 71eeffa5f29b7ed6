// FilterExchange: one exchange through a real HttpChain, between two fake streams, on the world's worker. It is what
// the connection manager's exchange is to the chain: it drives it from its wakes only. The test scripts both peers and
// runs the simulation; nothing happens inside the calls here.
#pragma once

#include <initializer_list>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "source/event/wakeable.h"
#include "source/filter/connection_states.h"
#include "source/filter/http_chain.h"
#include "test/harness/filter/fake_stream.h"
#include "test/harness/filter/filter_world.h"

namespace weir::harness {

using Fields = std::initializer_list<std::pair<std::string_view, std::string_view>>;

class FilterExchange final : private filter::ChainOwner, private http::StreamOwner, private event::Wakeable {
 public:
  // All must outlive it. `route` may be null.
  FilterExchange(FilterWorld& world, const filter::HttpChainConfig& config, const filter::RouteInfo* route);
  // Completes the chain as the connection manager does.
  ~FilterExchange();

  FilterWorld& world;
  base::Arena arena;
  filter::StreamInfo info;
  filter::ConnectionStates connection;  // a test may share another's through info
  FakeStream client;                    // the downstream stream
  FakeStream upstream;                  // the terminal stream, once it is open
  filter::HttpChain chain;
  // Replaces the route, from the next time that one is chosen.
  const filter::RouteInfo* route;
  int routes_chosen = 0;
  bool terminal_open = false;
  bool terminal_dropped = false;

  // Parts of the request and of the response, as their peers send them.
  http::Head& request(std::string_view method, std::string_view path, Fields fields = {});
  http::Head& response(uint16_t status, Fields fields = {});
  http::HeaderMap* trailers(Fields fields);
  // A request or response that has a head and an end.
  void get(std::string_view path, Fields fields = {});
  void answer(uint16_t status, Fields fields = {});

  // Drives the chain again, as a timer or a stream would make the connection manager do.
  void wakeChain() override { wake(); }
  // As the connection manager's timeouts do.
  void replyOrReset(http::Reason reason);
  // Runs what can run now, without moving the clock.
  void settle() { world.simulation.runUntilIdle(absl::ZeroDuration()); }

  filter::HttpChain::State state() const { return state_; }
  bool complete() const { return state_ == filter::HttpChain::State::kComplete; }
  bool reset() const { return state_ == filter::HttpChain::State::kReset; }
  uint16_t status() const { return client.head() == nullptr ? 0 : client.head()->status; }

 private:
  void chooseRoute(http::Head& request) override;
  http::Stream& openTerminal(http::Head& request) override;
  void dropTerminal(http::Reason reason) override;
  filter::SideCaller& sideCaller() override { return world.side_calls; }
  void onResponseHead(http::Head&) override {}
  void wakeStream() override { wake(); }
  void onWake() override;

  filter::HttpChain::State state_ = filter::HttpChain::State::kRunning;
};

}  // namespace weir::harness
