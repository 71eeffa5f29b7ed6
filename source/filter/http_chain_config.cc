#include "source/filter/http_chain_config.h"

#include <utility>

#include "source/base/check.h"

namespace weir::filter {

HttpChainConfig::HttpChainConfig(std::vector<Slot> slots) : slots_(std::move(slots)) {
  CHECK(slots_.size() <= kMaxSlots, "a chain was compiled with more filters than it has slots");
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

size_t HttpChainConfig::find(std::string_view name) const {
  for (size_t i = 0; i < slots_.size(); ++i) {
    if (slots_[i].name == name) return i;
  }
  return npos;
}

}  // namespace weir::filter
