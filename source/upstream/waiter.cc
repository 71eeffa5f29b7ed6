#include "source/upstream/waiter.h"

#include <utility>

namespace weir::upstream {

bool Waiter::startWaiting() {
  ClusterShard& shard = home_.shard_;
  if (!shard.takePending(priority_)) return false;
  waiting_ = true;
  shard.worker.stats.add(shard.stats().rq_pending_total);
  shard.worker.stats.gaugeAdd(shard.stats().rq_pending_active, 1);
  return true;
}

bool Waiter::startRetry() {
  retrying_ = home_.shard_.takeRetry(priority_);
  return retrying_;
}

RetryLease Waiter::handOverRetry() {
  return std::exchange(retrying_, false) ? RetryLease(home_.shard_, priority_) : RetryLease();
}

void Waiter::stopWaiting() {
  if (!waiting_) return;
  waiting_ = false;
  home_.shard_.givePending(priority_);
  home_.shard_.worker.stats.gaugeAdd(home_.shard_.stats().rq_pending_active, -1);
}

void Waiter::onCancelled() {
  ClusterShard& shard = home_.shard_;
  shard.worker.stats.add(shard.stats().rq_cancelled);
  if (host_.has_value()) shard.end(*host_);
  home_.give(*this);
}

void WaiterList::pushBack(Waiter& waiter) {
  remove(waiter);
  waiter.list_ = this;
  waiter.next_ = nullptr;
  waiter.previous_ = last_;
  (last_ != nullptr ? last_->next_ : first_) = &waiter;
  last_ = &waiter;
  ++size_;
}

void WaiterList::remove(Waiter& waiter) {
  WaiterList* const list = waiter.list_;
  if (list == nullptr) return;
  (waiter.previous_ != nullptr ? waiter.previous_->next_ : list->first_) = waiter.next_;
  (waiter.next_ != nullptr ? waiter.next_->previous_ : list->last_) = waiter.previous_;
  waiter.list_ = nullptr;
  waiter.next_ = waiter.previous_ = nullptr;
  --list->size_;
}

Waiter& WaiterPool::take(StreamReceiver& receiver, std::optional<uint32_t> host, const PickContext& context) {
  if (free_.empty()) {
    all_.push_back(std::make_unique<Waiter>(*this));
    free_.reserve(all_.size());  // so that give() never allocates
    free_.push_back(all_.back().get());
  }
  Waiter& waiter = *free_.back();
  free_.pop_back();
  waiter.receiver_ = &receiver;
  waiter.host_ = host;
  waiter.priority_ = context.priority;
  waiter.resend_ = context.resend;
  return waiter;
}

void WaiterPool::give(Waiter& waiter) {
  waiter.settle();
  waiter.stopWaiting();
  waiter.handOverRetry().release();
  WaiterList::remove(waiter);
  free_.push_back(&waiter);
}

}  // namespace weir::upstream
