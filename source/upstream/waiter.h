// Waiter: one call of openStream() that has not been answered. Made from the WaiterPool of a WorkerCluster, so that a
// steady load allocates none; stands in a WaiterList of a pool until it is answered or cancelled. One worker.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "source/base/ticket.h"
#include "source/upstream/receivers.h"

namespace weir::upstream {

class ConnectionPool;
class WaiterList;
class WaiterPool;

class Waiter final : public base::Operation {
 public:
  explicit Waiter(WaiterPool& home) : home_(home) {}
  StreamReceiver& receiver() const { return *receiver_; }
  bool pending() const { return pending_; }

 private:
  friend class WaiterList;
  friend class WaiterPool;
  friend class ConnectionPool;
  void onCancelled() override;

  WaiterPool& home_;
  StreamReceiver* receiver_ = nullptr;
  ConnectionPool* pool_ = nullptr;  // null when no host was found
  WaiterList* list_ = nullptr;
  Waiter* next_ = nullptr;
  Waiter* previous_ = nullptr;
  bool pending_ = false;  // holds a permit to wait
};

// First come, first out; a waiter can leave from anywhere. Does not own them.
class WaiterList {
 public:
  WaiterList() = default;
  WaiterList(const WaiterList&) = delete;
  WaiterList& operator=(const WaiterList&) = delete;

  bool empty() const { return first_ == nullptr; }
  size_t size() const { return size_; }
  Waiter* first() const { return first_; }
  void pushBack(Waiter& waiter);
  // Takes the waiter out of the list that it is in, if any.
  static void remove(Waiter& waiter);

 private:
  Waiter* first_ = nullptr;
  Waiter* last_ = nullptr;
  size_t size_ = 0;
};

// Owns all waiters of a cluster on a worker, those in use included; keeps as many as were ever needed at once.
class WaiterPool {
 public:
  Waiter& take(StreamReceiver& receiver, ConnectionPool* pool);
  void give(Waiter& waiter);

 private:
  std::vector<std::unique_ptr<Waiter>> all_;
  std::vector<Waiter*> free_;
};

}  // namespace weir::upstream
