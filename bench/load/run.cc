#include "bench/load/run.h"

#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "source/base/check.h"

namespace weir::bench {
namespace {

constexpr int64_t kHighest = int64_t{60} * 1000 * 1000 * 1000;
// How long requests that are late may take to end after the measured time.
constexpr absl::Duration kPatience = absl::Seconds(10);

}  // namespace

Run::Run(const Plan& plan, event::LibeventPoller& poller, event::Dispatcher& dispatcher, const base::Clock& clock)
    : plan_(plan),
      dispatcher_(dispatcher),
      clock_(clock),
      timer_fd_(::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC)),
      latencies_(kHighest) {
  CHECK(timer_fd_ >= 0, "timerfd_create");
  if (plan.rate > 0)
    windows_.assign(static_cast<size_t>(absl::Ceil(plan.measured, kWindow) / kWindow), HdrHistogram(kHighest));
  watch_ = poller.watch(timer_fd_, *this);
}

Run::~Run() {
  watch_.reset();
  ::close(timer_fd_);
}

void Run::start() {
  begun_ = now();
  measured_from_ = begun_ + plan_.warm;
  measured_to_ = measured_from_ + plan_.measured;
  last_end_ = measured_from_;
  if (plan_.requests == 0) arm();
}

void Run::hasRoom(Client& client) {
  if (plan_.requests > 0) {
    if (scheduled_ == plan_.requests) return;
    ++scheduled_;
    client.begin(now());
    return;
  }
  if (plan_.rate <= 0) {
    if (now() < measured_to_) give(client, now());
    return;
  }
  if (late_.empty()) {
    waiting_.push_back(&client);
    return;
  }
  const base::MonotonicTime due = late_.front();
  late_.pop_front();
  give(client, due);
}

void Run::give(Client& client, base::MonotonicTime due) {
  if (due >= measured_from_ && due < measured_to_ && plan_.rate <= 0) ++outstanding_;
  client.begin(due);
}

void Run::ended(base::MonotonicTime due, bool good) {
  if (plan_.requests == 0) {
    if (due < measured_from_ || due >= measured_to_) return;
    --outstanding_;
  }
  last_end_ = now();
  if (good) {
    ++good_;
    const int64_t took = (last_end_ - due) / absl::Nanoseconds(1);
    latencies_.record(took);
    if (!windows_.empty()) windows_[static_cast<size_t>((due - measured_from_) / kWindow)].record(took);
  } else {
    ++failed_;
  }
  if (plan_.requests > 0 && good_ + failed_ == plan_.requests) {
    over_ = true;
    dispatcher_.stop();
  }
}

// Sets the timer to the next request of the schedule, or to where something ends.
void Run::arm() {
  base::MonotonicTime next = now() < measured_to_ ? measured_to_ : now() + absl::Milliseconds(20);
  if (plan_.rate > 0 && now() < measured_to_) {
    const double seconds = static_cast<double>(scheduled_) / plan_.rate;
    next = std::min(next, begun_ + absl::Seconds(seconds));
  }
  const int64_t at = std::max(next.nanoseconds, now().nanoseconds + 1);
  itimerspec spec = {};
  spec.it_value = {at / 1000000000, at % 1000000000};
  CHECK(::timerfd_settime(timer_fd_, TFD_TIMER_ABSTIME, &spec, nullptr) == 0, "timerfd_settime");
}

// Everything that is due by now is begun, or late.
void Run::release() {
  if (plan_.rate <= 0) return;
  while (true) {
    const base::MonotonicTime due = begun_ + absl::Seconds(static_cast<double>(scheduled_) / plan_.rate);
    if (due > now() || due >= measured_to_) return;
    ++scheduled_;
    if (due >= measured_from_) ++outstanding_;
    if (waiting_.empty()) {
      late_.push_back(due);
      continue;
    }
    Client* const client = waiting_.front();
    waiting_.pop_front();
    give(*client, due);
  }
}

void Run::onReady(event::Readiness) {
  uint64_t expirations;
  [[maybe_unused]] const ssize_t got = ::read(timer_fd_, &expirations, sizeof(expirations));
  release();
  if (now() >= measured_to_ && (outstanding_ == 0 || now() > measured_to_ + kPatience)) {
    over_ = true;
    dispatcher_.stop();
    return;
  }
  arm();
}

std::string Run::result() const {
  std::string out =
      absl::StrFormat(R"({"good": %d, "failed": %d, "unanswered": %d, "seconds": %.6f)", good_, failed_, outstanding_,
                      absl::ToDoubleSeconds(std::max(measured_to_, last_end_) - measured_from_));
  absl::StrAppendFormat(&out, R"(, "mean_ns": %.0f, "max_ns": %d)", latencies_.mean(), latencies_.max());
  for (const double share : {0.5, 0.9, 0.99, 0.999, 0.9999}) {
    absl::StrAppendFormat(&out, R"(, "p%g_ns": %d)", share * 100, latencies_.quantile(share));
  }
  std::vector<int64_t> p99;
  for (const HdrHistogram& window : windows_) {
    if (window.count() > 0) p99.push_back(window.quantile(0.99));
  }
  if (!p99.empty()) absl::StrAppend(&out, R"(, "windows_p99_ns": [)", absl::StrJoin(p99, ", "), "]");
  absl::StrAppend(&out, "}");
  return out;
}

}  // namespace weir::bench
