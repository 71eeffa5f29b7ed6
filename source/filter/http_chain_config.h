// HttpChainConfig: the filters of a chain and which hooks they really have, compiled at load into one bit mask per
// hook, so that a part finds the next filter that looks at it with one instruction (law 14). Immutable, shared by
// workers, lives as long as the configuration.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "source/filter/filter_times.h"
#include "source/filter/http_filter.h"
#include "source/filter/http_filter_factory.h"

namespace weir::filter {

class HttpChainConfig {
 public:
  struct Slot {
    std::string name;  // keys the per-route configuration
    std::unique_ptr<HttpFilterFactory> factory;
    bool disabled = false;  // off unless a route switches it on
  };
  // In configured order, without the terminal filter. At most kMaxSlots, which whoever compiles the chain has checked.
  explicit HttpChainConfig(std::vector<Slot> slots);

  // At load, before it is used: puts a watch on the filters of the slots that are wanted (timed_filter.h), with
  // histograms http.PREFIX.filter.NAME.time_us where all are. The names that no slot has.
  std::vector<std::string> time(const FilterTimesWanted& wanted, stats::Registry& stats, std::string_view stat_prefix);

  static constexpr size_t kMaxSlots = 64;
  size_t size() const { return slots_.size(); }
  const Slot& slot(size_t i) const { return slots_[i]; }
  // The slot of that filter name, or npos.
  size_t find(std::string_view name) const;
  static constexpr size_t npos = static_cast<size_t>(-1);
  HookMask hooks(size_t i) const { return hooks_[i]; }

  // The filters that have that one hook (HookMask::kX), a bit each, in the order in which they are called: bit i is
  // slot i for requests and for kComplete, and slot size() - 1 - i for responses.
  uint64_t having(uint16_t hook) const { return having_[__builtin_ctz(hook)]; }

 private:
  void noteHooks();

  std::vector<Slot> slots_;
  std::vector<HookMask> hooks_;
  std::array<uint64_t, 9> having_{};
};

}  // namespace weir::filter
