// ListenerDirectory: the listeners of one worker by the addresses that the configuration gives them, for connections
// that one listener took and another is meant for. Made by the worker, which fills it before anything is accepted and
// owns it with the listeners; one thread.
#pragma once

#include <string>

#include "absl/container/flat_hash_map.h"
#include "source/net/address.h"

namespace weir::proxy {

class ActiveListener;

class ListenerDirectory {
 public:
  // The first of two listeners with the same address is found. `both_families`: of "::", that it stands for IPv4 too.
  void add(const net::Address& address, bool both_families, ActiveListener& listener);

  // The one with that address, or else the one with the port on every address. Null when there is none.
  ActiveListener* find(const net::Address& destination) const;

 private:
  absl::flat_hash_map<std::string, ActiveListener*> by_address_;
};

}  // namespace weir::proxy
