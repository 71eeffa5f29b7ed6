// HostState: what one worker keeps of one host. Made by WorkerCluster at the first pick of the host and owned by the
// ClusterShard; when the host has left the cluster, it stays until nothing refers to it: no request, connection, waiter
// or HostRef. HostRef: a hold on it. While one exists, the Host and all its text stay where they are. Both belong to
// one worker and are not thread-safe; a HostRef must not outlive the WorkerCluster.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include "source/event/dispatcher.h"
#include "source/upstream/host.h"

namespace weir::upstream {

class ClusterShard;

struct HostState : public event::Deletable {
  HostState(ClusterShard& cluster, std::shared_ptr<const Host> shared)
      : shard(cluster), host(std::move(shared)), counters(host->addCounters()) {}
  // Something that referred to it is gone.
  void released();

  ClusterShard& shard;
  const std::shared_ptr<const Host> host;
  HostCounters& counters;
  uint32_t references = 0;  // HostRefs
  bool removed = false;     // the cluster no longer has it: nothing new is begun
  bool touched = false;     // it will be looked at whether it can go
};

class HostRef {
 public:
  HostRef() = default;
  HostRef(std::nullptr_t) {}
  explicit HostRef(HostState& state) : state_(&state) { ++state.references; }
  HostRef(const HostRef& other) : state_(other.state_) {
    if (state_ != nullptr) ++state_->references;
  }
  HostRef(HostRef&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}
  HostRef& operator=(HostRef other) noexcept {
    std::swap(state_, other.state_);
    return *this;
  }
  ~HostRef() {
    if (state_ != nullptr && --state_->references == 0 && state_->removed) state_->released();
  }

  // Null when it refers to none.
  const Host* get() const { return state_ == nullptr ? nullptr : state_->host.get(); }
  const Host* operator->() const { return state_->host.get(); }
  const Host& operator*() const { return *state_->host; }
  HostState* state() const { return state_; }
  explicit operator bool() const { return state_ != nullptr; }
  friend bool operator==(const HostRef& ref, const Host* host) { return ref.get() == host; }
  friend bool operator==(const HostRef& ref, std::nullptr_t) { return ref.state_ == nullptr; }

 private:
  HostState* state_ = nullptr;
};

}  // namespace weir::upstream
