// Per-filter times: what is timed, what is not, and that a chain without a watch is the chain that it was.
#include "source/filter/timed_filter.h"

#include <string>

#include "source/filter/http_chain.h"
#include "source/filter/substitution_format.h"
#include "test/filter/chain_fixture.h"

namespace weir::filter {
namespace {

class TimedFilterTest : public ChainFixture {
 protected:
  TimedFilterTest() { probes_ = {{.name = "a"}, {.name = "b"}, {.name = "c"}}; }

  // Opens an exchange through the probes, those of `wanted` with a watch.
  harness::FilterExchange& openTimed(const FilterTimesWanted& wanted) {
    exchange_.reset();
    std::vector<HttpChainConfig::Slot> slots;
    for (harness::Probe& probe : probes_) {
      probe.log = &log_;
      slots.push_back({probe.name, std::make_unique<harness::ProbeFactory>(probe), false});
    }
    config_ = std::make_unique<HttpChainConfig>(std::move(slots));
    unknown_ = config_->time(wanted, world_.stats, "web");
    exchange_ = std::make_unique<harness::FilterExchange>(world_, *config_, &route_);
    return *exchange_;
  }
  std::string line(std::string_view format) {
    const auto parsed = SubstitutionFormat::parse(format, false);
    EXPECT_TRUE(parsed.ok()) << parsed.status();
    std::string out;
    if (parsed.ok()) (*parsed)->append(exchange_->info, out);
    return out;
  }
  // Runs one exchange to its end.
  void runOne() {
    exchange_->get("/");
    run();
    exchange_->answer(200);
    run();
    exchange_->chain.complete();
  }

  std::vector<std::string> unknown_;
};

TEST_F(TimedFilterTest, AWaitIsTheTimeOfTheFilterThatAskedForIt) {
  probes_[0].waitAt(HookMask::kRequestHead);
  probes_[0].waitAt(HookMask::kResponseEnd);
  probes_[2].waitAt(HookMask::kResponseHead);
  openTimed({.all = false, .names = {"a", "b"}});
  runOne();
  EXPECT_EQ(line("%FILTER_DURATION(a)% %FILTER_DURATION(b)% %FILTER_DURATION(c)%"), "2000 0 -");
}

TEST_F(TimedFilterTest, TimeInsideHooksCounts) {
  for (const uint16_t hook : {HookMask::kRequestHead, HookMask::kResponseHead}) {
    probes_[1].on.emplace(hook, [this](harness::ProbeFilter&) {
      world_.simulation.clock().moveTo(world_.simulation.now() + absl::Microseconds(7));
      return Verdict::next();
    });
  }
  openTimed({.all = true, .names = {}});
  runOne();
  EXPECT_EQ(line("%FILTER_DURATION(a)% %FILTER_DURATION(b)% %FILTER_DURATION(c)%"), "0 14 0");
}

TEST_F(TimedFilterTest, AWaitThatNobodyAnsweredEndsWithTheExchange) {
  probes_[1].on.emplace(HookMask::kRequestHead, [](harness::ProbeFilter& filter) {
    return filter.later(Direction::kRequest, absl::Seconds(10), Verdict::next());
  });
  openTimed({.all = false, .names = {"b"}});
  exchange_->get("/");
  run(absl::Milliseconds(250));
  exchange_->chain.complete();
  EXPECT_EQ(line("%FILTER_DURATION(b)%"), "250000");
}

TEST_F(TimedFilterTest, TheSameCallsComeInTheSameOrder) {
  probes_[0].waitEverywhere();
  probes_[1].collectAt(HookMask::kRequestHead, 100);
  probes_[2].replyAt(HookMask::kResponseHead, "no");
  openTimed({});
  runOne();
  const std::string plain = calls();
  exchange_.reset();
  calls();
  openTimed({.all = true, .names = {}});
  runOne();
  EXPECT_EQ(calls(), plain);
}

TEST_F(TimedFilterTest, WhatNobodyAsksForIsNotTouched) {
  openTimed({});
  const HttpFilterFactory* const before = config_->slot(0).factory.get();
  EXPECT_EQ(config_->time({.all = false, .names = {"b", "nobody"}}, world_.stats, "web"),
            std::vector<std::string>{"nobody"});
  EXPECT_EQ(config_->slot(0).factory.get(), before);
  EXPECT_NE(dynamic_cast<const harness::ProbeFactory*>(config_->slot(0).factory.get()), nullptr);
  EXPECT_EQ(dynamic_cast<const harness::ProbeFactory*>(config_->slot(1).factory.get()), nullptr);
  runOne();
  EXPECT_EQ(exchange_->info.filter_times->name, "b");
  EXPECT_EQ(exchange_->info.filter_times->next, nullptr);
}

TEST_F(TimedFilterTest, ChainsWithoutAWatchKeepNoTimes) {
  openTimed({});
  runOne();
  EXPECT_EQ(exchange_->info.filter_times, nullptr);
  EXPECT_EQ(line("%FILTER_DURATION(a)%"), "-");
}

TEST_F(TimedFilterTest, HistogramsAreOfAllFiltersOrNone) {
  openTimed({.all = false, .names = {"a"}});
  runOne();
  EXPECT_FALSE(exchange_->info.filter_times->histogram.has_value());
  openTimed({.all = true, .names = {}});
  runOne();
  const auto has = [this](std::string_view name) {
    for (const stats::Sample& sample : world_.stats.read({})) {
      if (sample.text == name) return true;
    }
    return false;
  };
  EXPECT_TRUE(has("http.web.filter.a.time_us") && has("http.web.filter.c.time_us"));
}

TEST(FilterDurationTest, NeedsTheNameOfAFilter) {
  for (const std::string_view format : {"%FILTER_DURATION%", "%FILTER_DURATION()%"}) {
    EXPECT_FALSE(SubstitutionFormat::parse(format, false).ok()) << format;
  }
}

}  // namespace
}  // namespace weir::filter
