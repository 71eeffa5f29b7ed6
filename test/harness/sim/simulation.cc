#include "test/harness/sim/simulation.h"

#include <algorithm>
#include <utility>

#include "source/base/check.h"

namespace weir::harness {
namespace {

constexpr uint64_t kMaxStepsAtOneInstant = 10'000'000;

}  // namespace

Simulation::Simulation(uint64_t seed) : random_(seed) {}

Simulation::~Simulation() {
  // Actions may hold the last reference to what uses a poller.
  actions_ = {};
}

event::Dispatcher& Simulation::addDispatcher() {
  workers_.push_back(std::make_unique<Worker>(clock_));
  return workers_.back()->dispatcher;
}

SimPoller& Simulation::poller(const event::Dispatcher& dispatcher) {
  const auto found = std::find_if(workers_.begin(), workers_.end(),
                                  [&](const std::unique_ptr<Worker>& w) { return &w->dispatcher == &dispatcher; });
  CHECK(found != workers_.end(), "the dispatcher must come from this simulation");
  return (*found)->poller;
}

void Simulation::schedule(absl::Duration after, std::function<void()> action) {
  actions_.push({now() + std::max(after, absl::ZeroDuration()), next_order_++, std::move(action)});
}

bool Simulation::step(base::MonotonicTime until) {
  CHECK(++steps_at_instant_ < kMaxStepsAtOneInstant, "something works forever without letting time pass");
  if (turnWorkers()) return true;
  const std::optional<base::MonotonicTime> next = nextInstant();
  if (!next.has_value() || *next > until) return false;
  moveClock(*next);
  if (!actions_.empty() && actions_.top().at <= now()) {
    std::function<void()> fn = actions_.top().fn;
    actions_.pop();
    fn();
  }
  return true;
}

bool Simulation::runUntilIdle(absl::Duration max) {
  const base::MonotonicTime until = now() + max;
  while (step(until)) {
  }
  return !nextInstant().has_value();
}

void Simulation::runFor(absl::Duration period) {
  const base::MonotonicTime until = now() + period;
  while (step(until)) {
  }
  moveClock(until);
}

bool Simulation::runUntil(const std::function<bool()>& done, absl::Duration max) {
  const base::MonotonicTime until = now() + max;
  while (!done()) {
    if (step(until)) continue;
    moveClock(until);
    return done();
  }
  return true;
}

bool Simulation::turnWorkers() {
  bool any = false;
  for (size_t i = 0; i < workers_.size(); ++i) {
    Worker& worker = *workers_[i];
    if (!worker.poller.hasReady() && !worker.dispatcher.hasWork()) continue;
    worker.dispatcher.turn(false);
    any = true;
  }
  return any;
}

void Simulation::moveClock(base::MonotonicTime to) {
  if (to <= now()) return;
  clock_.moveTo(to);
  steps_at_instant_ = 0;
  // Every worker sees the new time, so that what a test starts from outside counts from now.
  for (size_t i = 0; i < workers_.size(); ++i) workers_[i]->dispatcher.turn(false);
}

std::optional<base::MonotonicTime> Simulation::nextInstant() const {
  std::optional<base::MonotonicTime> next;
  if (!actions_.empty()) next = actions_.top().at;
  for (const std::unique_ptr<Worker>& worker : workers_) {
    const std::optional<base::MonotonicTime> deadline = worker->dispatcher.nextDeadline();
    if (deadline.has_value() && (!next.has_value() || *deadline < *next)) next = deadline;
  }
  return next;
}

}  // namespace weir::harness
