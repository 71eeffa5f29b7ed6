// ClusterHosts: the hosts of one cluster as they change at run time. Made by HostDirectory, which owns it, one for each
// cluster; main thread only. Discovery gives it lists, health checks and the operator give it flags and weights; at the
// end of the main thread's turn it makes one HostSet of all that has changed and publishes it, so that any number of
// changes cost one. Workers take the set over in a turn of their own, one after the other.
//
// Where the cluster says so, a host that discovery lists no more but whose active checks pass stays until one fails.
//
// A host is known again by its address and hostname, as long as connections to it go over the same transport. What else
// changes about it keeps its connections, counters and health; a host that is no longer in a list is drained by the
// workers, and its place is used again when no thread knows it any more.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "source/event/dispatcher.h"
#include "source/event/timer.h"
#include "source/event/wakeable.h"
#include "source/upstream/cluster.h"
#include "source/upstream/host_set.h"

namespace weir::upstream {

// Is told which hosts come and go. Main thread, from the dispatcher, before the set with the change is published; may
// set flags from inside.
class HostObserver {
 public:
  // Spans and hosts live as long as the call; a shared_ptr may be kept.
  virtual void onHostsChanged(std::span<const std::shared_ptr<const Host>> added,
                              std::span<const std::shared_ptr<const Host>> removed) = 0;

 protected:
  ~HostObserver() = default;
};

class ClusterHosts final : private event::Wakeable, private event::TimerHandler {
 public:
  using Publish = std::function<void(const std::shared_ptr<const HostSet>&)>;
  using MonitorFactory = std::function<std::unique_ptr<HostMonitor>(const Host&)>;

  // Begins with the cluster's initial hosts, which workers have from the cluster, and takes their entries from it.
  // `main` must outlive it.
  ClusterHosts(std::shared_ptr<const Cluster> cluster, event::Dispatcher& main, Publish publish);
  ~ClusterHosts() override;

  const Cluster& cluster() const { return *cluster_; }

  // The whole new list. An address and hostname that comes twice counts once.
  void update(const std::vector<HostSpec>& specs);
  // False when the host has left the cluster.
  bool setFlag(const Host& host, HealthFlag flag, bool on);
  // In place of what discovery says, until it is 0 again.
  bool setWeight(const Host& host, uint32_t weight);

  // The hosts in the order of the list.
  const std::vector<HostEntry>& entries() const { return entries_; }
  // Null when the host has left the cluster. Until the next update().
  const HostEntry* find(const Host& host) const;
  // Null when there is none with that address, written as in Host::text.
  const HostEntry* findByText(std::string_view text) const;

  // Must be removed before it is gone. Is not told of the hosts that there are.
  void observe(HostObserver& observer) { observers_.push_back(&observer); }
  void unobserve(HostObserver& observer) { std::erase(observers_, &observer); }
  // Every host has a monitor from now on. Before the workers start; once.
  void monitorWith(MonitorFactory factory);

  // What is known of the cluster that this proxy belongs to, for a cluster whose traffic is to stay in its locality.
  void setLocal(std::shared_ptr<const LocalCluster> local);
  // The same of this cluster, if it is that one: where the proxy stands is not in it.
  LocalCluster asLocal() const;

  // What was published last, at first the cluster's initial hosts.
  const std::shared_ptr<const HostSet>& current() const { return current_; }

 private:
  // A host by its slot or as it is written in a list.
  struct KeyHash {
    using is_transparent = void;
    const std::vector<const Host*>* hosts;
    size_t operator()(uint32_t slot) const;
    size_t operator()(const HostSpec& spec) const;
  };
  struct KeyEqual {
    using is_transparent = void;
    const std::vector<const Host*>* hosts;
    bool operator()(uint32_t a, uint32_t b) const { return a == b; }
    bool operator()(uint32_t slot, const HostSpec& spec) const;
    bool operator()(const HostSpec& spec, uint32_t slot) const { return (*this)(slot, spec); }
  };

  void onWake() override;
  void onTimer(event::Timer& timer) override;
  HostEntry* entryOf(const Host& host);
  HostEntry makeEntry(const HostSpec& spec, const TransportMatch* match);
  void remove(HostEntry& entry);
  // Whether it stays although it is not listed.
  bool outlasts(const HostEntry& entry) const;
  void removeFailed();
  void publish();
  // Gives up what no worker uses any more. Whether something is left.
  bool sweep();

  const std::shared_ptr<const Cluster> cluster_;
  event::Dispatcher& main_;
  const Publish publish_;
  struct Timers {
    Timers(event::Dispatcher& main, ClusterHosts& handler) : sweep(main, handler), growth(main, handler) {}
    event::Timer sweep;   // for what workers may still use
    event::Timer growth;  // of weights in slow start
  };
  std::unique_ptr<Timers> timers_;  // once something has changed
  std::vector<HostObserver*> observers_;
  MonitorFactory monitors_;
  std::vector<HostEntry> entries_;
  std::vector<const Host*> by_slot_;     // null: free
  std::vector<uint32_t> place_by_slot_;  // in entries_
  absl::flat_hash_set<uint32_t, KeyHash, KeyEqual> keys_;
  std::vector<uint32_t> free_slots_;
  std::vector<std::shared_ptr<const Host>> added_;
  std::vector<std::shared_ptr<const Host>> removed_;
  // Hosts and sets that workers may still use. They are destroyed here, so that no worker has to.
  std::vector<std::shared_ptr<const Host>> leaving_;
  std::vector<std::shared_ptr<const HostSet>> retired_;
  std::shared_ptr<const HostSet> current_;
  std::shared_ptr<const LocalCluster> local_;  // null: nothing is known
  bool changed_ = false;
  bool may_remove_ = false;  // the health of a host that is not listed has changed
};

}  // namespace weir::upstream
