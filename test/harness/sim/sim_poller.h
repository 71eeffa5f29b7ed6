// SimPoller: the Poller of a simulated worker. It never waits; whoever simulates a descriptor marks edges on its
// Watch, and the next poll delivers them, in the order of the first mark, each handler once. Made by the Simulation.
#pragma once

#include <optional>
#include <vector>

#include "source/event/poller.h"

namespace weir::harness {

class SimPoller final : public event::Poller {
 public:
  // One registered descriptor. Destroying it takes back what was marked, also in the middle of a poll.
  class Watch {
   public:
    // Both must outlive it.
    Watch(SimPoller& poller, event::ReadyHandler& handler) : poller_(poller), handler_(&handler) {}
    ~Watch();
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;

    // Reports `edge` in the next poll, together with what is marked until then.
    void mark(event::Readiness edge);
    // What is marked and not delivered goes there too.
    void setHandler(event::ReadyHandler& handler) { handler_ = &handler; }

   private:
    friend class SimPoller;
    SimPoller& poller_;
    event::ReadyHandler* handler_;
    event::Readiness marked_;
    bool queued_ = false;
  };

  bool poll(std::optional<base::MonotonicTime> until, absl::FunctionRef<void()> awake) override;
  void interrupt() override {}  // it never waits

  bool hasReady() const { return !ready_.empty(); }

 private:
  std::vector<Watch*> ready_;
  std::vector<Watch*> delivering_;  // null where a watch has gone
};

}  // namespace weir::harness
