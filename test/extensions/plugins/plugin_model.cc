#include "test/extensions/plugins/plugin_model.h"

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "source/base/check.h"
#include "source/extensions/filters/http/plugin/plugin.h"
#include "source/extensions/plugins/catalogue.h"
#include "test/harness/filter/filter_exchange.h"
#include "test/harness/filter/probe_filter.h"

extern "C" const weir_plugin* weir_plugin_entry_chaos(const weir_host_api* host);

namespace weir::extensions::plugins {
namespace {

using harness::FilterExchange;
using http::Reason;

Setup chaosSetup() {
  Setup setup;
  setup.built_in = {{"chaos", weir_plugin_entry_chaos}};
  return setup;
}

class Model {
 public:
  explicit Model(std::span<const uint8_t> program) : program_(program), catalogue_(chaosSetup()) {
    const std::string hex = absl::BytesToHexString({reinterpret_cast<const char*>(program.data()), program.size()});
    std::vector<filter::HttpChainConfig::Slot> slots;
    slots.push_back(probe());
    slots.push_back({"chaos",
                     world_.makeFilter(plugin_filter::pluginType(catalogue_),
                                       absl::StrCat("name: 'chaos' max_body_bytes { value: 24 } quarantine { "
                                                    "max_failures { value: 6 } hold { nanos: 5000000 } } configuration "
                                                    "{ fields { key: 'program' value { string_value: '",
                                                    hex, "' } } }")),
                     false});
    slots.push_back(probe());
    config_ = std::make_unique<filter::HttpChainConfig>(std::move(slots));
  }

  void run() {
    for (int exchange = 0; exchange < 3; ++exchange) {
      FilterExchange& x = open();
      for (int i = 0; i < 24 && running(x); ++i) step(x);
    }
    for (auto& x : exchanges_) finish(*x);
    exchanges_.clear();
    world_.simulation.runFor(absl::Milliseconds(20));
  }

 private:
  filter::HttpChainConfig::Slot probe() {
    harness::Probe& made = probes_.emplace_back();
    made.name = "probe";
    if (next() % 4 == 0) made.waitAt(filter::HookMask::kResponseHead);
    return {"probe", std::make_unique<harness::ProbeFactory>(made), false};
  }

  FilterExchange& open() {
    exchanges_.push_back(std::make_unique<FilterExchange>(world_, *config_, nullptr));
    return *exchanges_.back();
  }
  static bool running(const FilterExchange& x) { return x.state() == filter::HttpChain::State::kRunning; }
  unsigned next() { return program_.empty() ? 0 : program_[at_++ % program_.size()]; }

  void step(FilterExchange& x) {
    const unsigned operation = next();
    switch (operation % 14) {
      case 0:
      case 1:
      case 2:
        return pushRequest(x);
      case 3:
        if (x.client.unreceived() == 0 && requests_[&x] == 1) x.client.pushEnd(), requests_[&x] = 2;
        return;
      case 4:
      case 5:
      case 6:
        return pushResponse(x);
      case 7:
        if (responses_[&x] == 1) x.upstream.pushEnd(x.trailers({{"x-trailer", "1"}})), responses_[&x] = 2;
        return;
      case 8:
        return x.client.setRoom(next());
      case 9:
        return world_.simulation.runFor(absl::Microseconds(next() * 50));
      case 10:
        return answerCall();
      case 11:
        if (operation % 4 == 0) x.replyOrReset(Reason::kRouteTimeout);
        return;
      case 12:
        if (operation % 8 == 0) x.client.setLost(Reason::kClientGone);
        return;
      default:
        if (operation % 8 == 0 && responses_[&x] == 1)
          responses_[&x] = 2, x.upstream.pushFailed(Reason::kUpstreamReset);
        return x.settle();
    }
  }

  void pushRequest(FilterExchange& x) {
    if (requests_[&x] == 0) {
      x.client.pushHead(x.request(next() % 2 == 0 ? "GET" : "POST", "/path", {{"x-a", "from the client"}}));
      requests_[&x] = 1;
    } else if (requests_[&x] == 1) {
      x.client.pushData(std::string(next() % 16 + 1, 'q'));
    }
  }

  void pushResponse(FilterExchange& x) {
    if (responses_[&x] == 0) {
      x.upstream.pushHead(x.response(200, {{"x-a", "from the upstream"}}));
      responses_[&x] = 1;
    } else if (responses_[&x] == 1) {
      x.upstream.pushData(std::string(next() % 16 + 1, 'r'));
    }
  }

  void answerCall() {
    const auto& calls = world_.side_calls.calls();
    for (size_t i = 0; i < calls.size(); ++i) {
      if (calls[i].over || calls[i].cancelled) continue;
      if (next() % 3 == 0) return world_.side_calls.fail(i, Reason::kRouteTimeout);
      return world_.side_calls.answer(i, 200, {{"x-side", "1"}}, "body");
    }
  }

  // Both peers say what is left to say; a filter that holds the exchange for ever loses its client.
  void finish(FilterExchange& x) {
    x.client.setRoom(SIZE_MAX);
    if (requests_[&x] == 0) pushRequest(x);
    if (requests_[&x] == 1) x.client.pushEnd();
    if (responses_[&x] == 0) pushResponse(x);
    if (responses_[&x] == 1) x.upstream.pushEnd();
    world_.simulation.runFor(absl::Milliseconds(50));
    if (running(x)) x.client.setLost(Reason::kClientGone);
    world_.simulation.runFor(absl::Milliseconds(50));
    CHECK(!running(x), "an exchange whose client is gone is still running");
    CHECK(!x.complete() || x.client.ended(), "an exchange completed without the end of a response");
  }

  const std::span<const uint8_t> program_;
  size_t at_ = 0;
  // The plugins outlive the world, which may hold streams of theirs.
  Catalogue catalogue_;
  harness::FilterWorld world_;
  std::deque<harness::Probe> probes_;
  std::unique_ptr<filter::HttpChainConfig> config_;
  std::vector<std::unique_ptr<FilterExchange>> exchanges_;
  std::map<const FilterExchange*, int> requests_;  // 1: the head was pushed; 2: the end was
  std::map<const FilterExchange*, int> responses_;
};

}  // namespace

void runPluginProgram(std::span<const uint8_t> program) { Model(program).run(); }

}  // namespace weir::extensions::plugins
