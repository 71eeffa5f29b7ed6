#include "source/proxy/routes/route.h"

#include "source/proxy/routes/route_table.h"

namespace weir::proxy {

namespace {

const FilterConfigs::Entry* entryOf(const FilterConfigs* configs, size_t slot) {
  return configs != nullptr && slot < configs->by_slot.size() ? &configs->by_slot[slot] : nullptr;
}

// The levels of a route, most specific first; the first is null when the route is no choice of another.
std::array<const FilterConfigs*, 4> levelsOf(const Route& route) {
  const Route& written = route.parent == nullptr ? route : *route.parent;
  return {route.parent == nullptr ? nullptr : &route.filters, &written.filters, &route.virtual_host->filters,
          &route.virtual_host->table->filters};
}

}  // namespace

std::string_view Route::routeName() const { return name; }
std::string_view Route::virtualHostName() const { return virtual_host->name; }

std::string_view Route::clusterName() const {
  const ForwardAction* forward = std::get_if<ForwardAction>(&action);
  return forward == nullptr ? std::string_view() : std::string_view(forward->cluster);
}

const filter::RouteFilterConfig* Route::filterConfig(size_t slot) const {
  for (const FilterConfigs* level : levelsOf(*this)) {
    const FilterConfigs::Entry* entry = entryOf(level, slot);
    if (entry != nullptr && entry->config != nullptr) return entry->config.get();
  }
  return nullptr;
}

const filter::RateLimitRules* Route::rateLimits() const {
  const Route& written = parent == nullptr ? *this : *parent;
  return written.rate_limits != nullptr ? written.rate_limits.get() : virtual_host->rate_limits.get();
}

const filter::RateLimitRules* Route::virtualHostRateLimits() const { return virtual_host->rate_limits.get(); }

const base::Metadata* Route::metadata() const { return (parent == nullptr ? *this : *parent).notes.get(); }
const base::Metadata* Route::virtualHostMetadata() const { return virtual_host->notes.get(); }

std::optional<bool> Route::filterDisabled(size_t slot) const {
  for (const FilterConfigs* level : levelsOf(*this)) {
    const FilterConfigs::Entry* entry = entryOf(level, slot);
    if (entry == nullptr) continue;
    if (entry->disabled.has_value()) return entry->disabled;
    // A configuration for the route switches on a filter that is disabled in the chain.
    if (entry->config != nullptr) return false;
  }
  return std::nullopt;
}

size_t Route::filterConfigs(size_t slot, const filter::RouteFilterConfig** out, size_t capacity) const {
  const auto levels = levelsOf(*this);
  size_t count = 0;
  for (auto level = levels.rbegin(); level != levels.rend(); ++level) {
    const FilterConfigs::Entry* entry = entryOf(*level, slot);
    if (entry != nullptr && entry->config != nullptr && count < capacity) out[count++] = entry->config.get();
  }
  return count;
}

}  // namespace weir::proxy
