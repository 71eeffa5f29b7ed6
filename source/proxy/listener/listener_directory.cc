#include "source/proxy/listener/listener_directory.h"

#include "absl/strings/str_cat.h"

namespace weir::proxy {
namespace {

std::string anyIpv4(uint16_t port) { return absl::StrCat("0.0.0.0:", port); }
std::string anyIpv6(uint16_t port) { return absl::StrCat("[::]:", port); }
std::string anyOfBoth(uint16_t port) { return absl::StrCat("both:", port); }

}  // namespace

void ListenerDirectory::add(const net::Address& address, bool both_families, ActiveListener& listener) {
  by_address_.try_emplace(address.text(), &listener);
  if (both_families && address.isWildcard()) by_address_.try_emplace(anyOfBoth(address.port()), &listener);
}

ActiveListener* ListenerDirectory::find(const net::Address& destination) const {
  const auto at = [this](const std::string& key) -> ActiveListener* {
    const auto found = by_address_.find(key);
    return found == by_address_.end() ? nullptr : found->second;
  };
  if (ActiveListener* const exact = at(destination.text())) return exact;
  if (!destination.isIp()) return nullptr;
  if (destination.family() == net::Address::Family::kIpv6) return at(anyIpv6(destination.port()));
  ActiveListener* const any = at(anyIpv4(destination.port()));
  return any != nullptr ? any : at(anyOfBoth(destination.port()));
}

}  // namespace weir::proxy
