#include "source/filter/http_chain_config.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "source/base/check.h"
#include "source/filter/timed_filter.h"

namespace weir::filter {

HttpChainConfig::HttpChainConfig(std::vector<Slot> slots) : slots_(std::move(slots)) {
  CHECK(slots_.size() <= kMaxSlots, "a chain was compiled with more filters than it has slots");
  noteHooks();
}

void HttpChainConfig::noteHooks() {
  hooks_.clear();
  having_ = {};
  constexpr uint16_t kResponse =
      HookMask::kResponseHead | HookMask::kResponseData | HookMask::kResponseEnd | HookMask::kResponseWhole;
  hooks_.reserve(slots_.size());
  for (size_t i = 0; i < slots_.size(); ++i) {
    const HookMask hooks = slots_[i].factory->hooks();
    hooks_.push_back(hooks);
    for (size_t hook = 0; hook < having_.size(); ++hook) {
      const auto bit = static_cast<uint16_t>(1u << hook);
      const size_t place = (bit & kResponse) != 0 ? slots_.size() - 1 - i : i;
      if (hooks.has(bit)) having_[hook] |= uint64_t{1} << place;
    }
  }
}

std::vector<std::string> HttpChainConfig::time(const FilterTimesWanted& wanted, stats::Registry& stats,
                                               std::string_view stat_prefix) {
  std::vector<std::string> unknown;
  for (const std::string& name : wanted.names) {
    if (find(name) == npos) unknown.push_back(name);
  }
  for (Slot& slot : slots_) {
    if (!wanted.has(slot.name)) continue;
    std::optional<stats::HistogramId> histogram;
    if (wanted.all) {
      histogram = stats.histogram({"http", stat_prefix, absl::StrCat("filter.", slot.name, ".time_us")});
    }
    slot.factory = timedFactory(std::move(slot.factory), slot.name, histogram);
  }
  noteHooks();
  return unknown;
}

size_t HttpChainConfig::find(std::string_view name) const {
  for (size_t i = 0; i < slots_.size(); ++i) {
    if (slots_[i].name == name) return i;
  }
  return npos;
}

}  // namespace weir::filter
