// Waiter: one call of openStream() that has not been answered. Made from the WaiterPool of a WorkerCluster, so that a
// steady load allocates none; stands in a WaiterList until it is answered or its ticket is destroyed. One worker.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "source/base/clock.h"
#include "source/base/ticket.h"
#include "source/http/reason.h"
#include "source/upstream/cluster_shard.h"
#include "source/upstream/receivers.h"

namespace weir::upstream {

class WaiterList;
class WaiterPool;

class Waiter final : public base::Operation {
 public:
  explicit Waiter(WaiterPool& home) : home_(home) {}
  StreamReceiver& receiver() const { return *receiver_; }
  // The slot of the host it waits for; none when there was no host to pick.
  std::optional<uint32_t> host() const { return host_; }

  // Takes a permit to wait for a connection; false when the limit is used up. It is given back when the waiter is.
  bool startWaiting();
  // Takes a permit of the limit of retries; false when it is used up. Given back with the waiter, unless it was handed
  // on with the stream that answers it.
  bool startRetry();
  // The permit, if it holds one.
  RetryLease handOverRetry();
  bool resend() const { return resend_; }
  // How long it may wait for a connection, once it waits for one.
  base::MonotonicTime deadline() const { return deadline_; }
  void setDeadline(base::MonotonicTime deadline) { deadline_ = deadline; }
  // What it is told if there is no connection to wait for at all.
  http::Reason refusal() const { return refusal_; }
  void refuse(http::Reason refusal) { refusal_ = refusal; }

 private:
  friend class WaiterList;
  friend class WaiterPool;
  void onCancelled() override;
  void stopWaiting();

  WaiterPool& home_;
  StreamReceiver* receiver_ = nullptr;
  std::optional<uint32_t> host_;
  Priority priority_ = Priority::kDefault;
  bool waiting_ = false;   // holds a permit
  bool resend_ = false;    // the request was sent before
  bool retrying_ = false;  // holds a permit for that
  base::MonotonicTime deadline_;
  http::Reason refusal_ = http::Reason::kNone;
  WaiterList* list_ = nullptr;
  Waiter* next_ = nullptr;
  Waiter* previous_ = nullptr;
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
  // Takes the waiter out of the list that it was in.
  void pushBack(Waiter& waiter);
  static void remove(Waiter& waiter);

 private:
  Waiter* first_ = nullptr;
  Waiter* last_ = nullptr;
  size_t size_ = 0;
};

// Owns all waiters of a cluster on a worker, those in use included; keeps as many as were ever needed at once.
class WaiterPool {
 public:
  // The shard must outlive it.
  explicit WaiterPool(ClusterShard& shard) : shard_(shard) {}
  Waiter& take(StreamReceiver& receiver, std::optional<uint32_t> host, const PickContext& context);
  // Ends it, answered or not: it leaves its list, and its ticket no longer cancels anything.
  void give(Waiter& waiter);
  // Waiters that were taken and not given back.
  size_t out() const { return all_.size() - free_.size(); }

 private:
  friend class Waiter;
  ClusterShard& shard_;
  std::vector<std::unique_ptr<Waiter>> all_;
  std::vector<Waiter*> free_;
};

}  // namespace weir::upstream
