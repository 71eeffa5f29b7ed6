// Run: one measurement. It says when requests begin and keeps the times that they take. Clients (connections) tell it
// when they have room for a request; it gives them the time at which that request was due, which is before now when
// the system was late: so latency is corrected for coordinated omission by construction. One thread.
//
// Without a rate every client begins the next request as soon as it has room.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "bench/load/hdr_histogram.h"
#include "bench/load/plan.h"
#include "source/base/clock.h"
#include "source/event/dispatcher.h"
#include "source/event/libevent_poller.h"
#include "source/event/poller.h"

namespace weir::bench {

class Client {
 public:
  virtual ~Client() = default;
  // A request that was due at `due`. Only after Run::hasRoom(), once for each call of that.
  virtual void begin(base::MonotonicTime due) = 0;
};

class Run final : private event::ReadyHandler {
 public:
  Run(const Plan& plan, event::LibeventPoller& poller, event::Dispatcher& dispatcher, const base::Clock& clock);
  ~Run();

  // The clock of the schedule begins.
  void start();
  // `client` may begin a request.
  void hasRoom(Client& client);
  // What was begun for `due` has ended.
  void ended(base::MonotonicTime due, bool good);
  bool over() const { return over_; }
  // As JSON: counts, seconds, and latencies in nanoseconds; with a rate also the p99 of each kWindow of the schedule,
  // so that it can be told how long requests take while the machine does not stand still.
  std::string result() const;

 private:
  static constexpr absl::Duration kWindow = absl::Milliseconds(100);

  void onReady(event::Readiness ready) override;
  void give(Client& client, base::MonotonicTime due);
  void release();
  void arm();
  base::MonotonicTime now() const { return clock_.monotonic(); }

  const Plan& plan_;
  event::Dispatcher& dispatcher_;
  const base::Clock& clock_;
  int timer_fd_;
  std::unique_ptr<event::LibeventPoller::Watch> watch_;
  base::MonotonicTime begun_;
  base::MonotonicTime measured_from_;
  base::MonotonicTime measured_to_;
  base::MonotonicTime last_end_;
  uint64_t scheduled_ = 0;
  uint64_t outstanding_ = 0;  // due in the measured time, and not ended
  uint64_t good_ = 0;
  uint64_t failed_ = 0;
  std::deque<base::MonotonicTime> late_;  // due, and nobody had room
  std::deque<Client*> waiting_;
  HdrHistogram latencies_;
  std::vector<HdrHistogram> windows_;  // by when a request was due; none without a rate
  bool over_ = false;
};

}  // namespace weir::bench
