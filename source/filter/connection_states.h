// ConnectionStates: what filters keep for as long as a downstream connection lives, each under a key of its own: the
// address of its configuration. A member of the connection manager, reached through StreamInfo; one worker. Few are
// ever kept, so that they are simply looked through.
#pragma once

#include <memory>
#include <utility>

namespace weir::filter {

class ConnectionState {
 public:
  virtual ~ConnectionState() = default;
};

class ConnectionStates {
 public:
  // Null when nothing is kept under that key.
  ConnectionState* find(const void* key) const {
    for (const Kept* kept = first_.get(); kept != nullptr; kept = kept->next.get()) {
      if (kept->key == key) return kept->state.get();
    }
    return nullptr;
  }
  bool empty() const { return first_ == nullptr; }
  // The key must not be taken.
  void keep(const void* key, std::unique_ptr<ConnectionState> state) {
    first_ = std::make_unique<Kept>(Kept{key, std::move(state), std::move(first_)});
  }

 private:
  // A list, as most connections keep nothing and it is one pointer then.
  struct Kept {
    const void* key;
    std::unique_ptr<ConnectionState> state;
    std::unique_ptr<Kept> next;
  };
  std::unique_ptr<Kept> first_;
};

}  // namespace weir::filter
