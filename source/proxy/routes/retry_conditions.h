// The words of retry_on and of the headers x-envoy-retry-on and x-envoy-retry-grpc-on. Pure functions, used at load by
// the compiler of routes and on workers for the headers.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace weir::proxy {

// The bit (RetryOn) of one condition; 0 for those that ask for nothing of a proxy without HTTP/3; none for no
// condition at all.
std::optional<uint32_t> retryCondition(std::string_view word);
// All that a list separated by commas names; words that are no condition are left out.
uint32_t retryConditions(std::string_view list);
// Calls fn(word) for each item of a list that is separated by commas, without the spaces around it.
template <typename Fn>
void forEachListItem(std::string_view list, Fn&& fn) {
  while (!list.empty()) {
    const size_t comma = list.find(',');
    std::string_view item = list.substr(0, comma);
    list = comma == std::string_view::npos ? std::string_view() : list.substr(comma + 1);
    while (!item.empty() && (item.front() == ' ' || item.front() == '\t')) item.remove_prefix(1);
    while (!item.empty() && (item.back() == ' ' || item.back() == '\t')) item.remove_suffix(1);
    if (!item.empty()) fn(item);
  }
}

}  // namespace weir::proxy
