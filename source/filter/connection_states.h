// ConnectionStates: what filters keep for as long as a downstream connection lives, each under a key of its own: the
// address of its configuration. A member of the connection manager, reached through StreamInfo; one worker. Few are
// ever kept, so that they are simply looked through.
#pragma once

#include <memory>
#include <utility>
#include <vector>

namespace weir::filter {

class ConnectionState {
 public:
  virtual ~ConnectionState() = default;
};

class ConnectionStates {
 public:
  // Null when nothing is kept under that key.
  ConnectionState* find(const void* key) const {
    for (const auto& [kept, state] : states_) {
      if (kept == key) return state.get();
    }
    return nullptr;
  }
  // The key must not be taken.
  void keep(const void* key, std::unique_ptr<ConnectionState> state) { states_.emplace_back(key, std::move(state)); }

 private:
  std::vector<std::pair<const void*, std::unique_ptr<ConnectionState>>> states_;
};

}  // namespace weir::filter
