#include "source/event/libevent_poller.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "source/base/clock.h"
#include "source/event/dispatcher.h"
#include "source/event/timer.h"

namespace weir::event {
namespace {

// Both ends of a stream; closes what is still open.
struct Pair {
  std::array<int, 2> fd = {-1, -1};
  Pair() { EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd.data()), 0); }
  ~Pair() {
    close(0);
    close(1);
  }
  void close(int end) {
    if (fd[end] >= 0) ::close(fd[end]);
    fd[end] = -1;
  }
  void send(int end) { EXPECT_EQ(::write(fd[end], "x", 1), 1); }
};

class Recorder final : public ReadyHandler {
 public:
  void onReady(Readiness ready) override {
    seen.push_back(ready);
    if (on_ready) on_ready();
  }
  std::vector<Readiness> seen;
  std::function<void()> on_ready;
};

class Alarm final : public TimerHandler {
 public:
  Alarm(Dispatcher& dispatcher, std::function<void()> fn) : timer(dispatcher, *this), fn_(std::move(fn)) {}
  void onTimer(Timer&) override { fn_(); }
  Timer timer;

 private:
  std::function<void()> fn_;
};

bool pollNow(LibeventPoller& poller) {
  return poller.poll(LibeventPoller::kNow, [] {});
}

TEST(LibeventPollerTest, EndsEarlyWhenMuchWasRead) {
  LibeventPoller poller;
  Pair first;
  Pair second;
  Recorder one;
  Recorder other;
  auto watch_one = poller.watch(first.fd[0], one);
  auto watch_other = poller.watch(second.fd[0], other);
  EXPECT_TRUE(pollNow(poller));
  const auto seen = [&] { return one.seen.size() + other.seen.size(); };
  ASSERT_EQ(seen(), 2u);
  const auto handler = [&poller](size_t bytes) { return [&poller, bytes] { poller.noteRead(bytes); }; };
  one.on_ready = other.on_ready = handler(1000);
  first.send(1);
  second.send(1);
  EXPECT_TRUE(pollNow(poller));
  EXPECT_EQ(seen(), 4u);
  one.on_ready = other.on_ready = handler(1000 * 1000);
  first.send(1);
  second.send(1);
  EXPECT_TRUE(pollNow(poller));
  EXPECT_EQ(seen(), 5u);
  // The rest does not wait for anything new.
  EXPECT_TRUE(poller.poll(std::nullopt, [] {}));
  EXPECT_EQ(one.seen.size(), 3u);
  EXPECT_EQ(other.seen.size(), 3u);
  EXPECT_FALSE(pollNow(poller));
}

TEST(LibeventPollerTest, ReportsEachEdgeOnce) {
  LibeventPoller poller;
  Pair pair;
  Recorder recorder;
  auto watch = poller.watch(pair.fd[0], recorder);
  EXPECT_FALSE(watch->refused());
  EXPECT_TRUE(pollNow(poller));
  ASSERT_EQ(recorder.seen.size(), 1u);
  EXPECT_TRUE(recorder.seen[0].writable && !recorder.seen[0].readable && !recorder.seen[0].closed);
  EXPECT_FALSE(pollNow(poller));
  pair.send(1);
  EXPECT_TRUE(pollNow(poller));
  ASSERT_EQ(recorder.seen.size(), 2u);
  EXPECT_TRUE(recorder.seen[1].readable && !recorder.seen[1].closed);
  EXPECT_FALSE(pollNow(poller));  // unread, and still said once only
  pair.send(1);
  EXPECT_TRUE(pollNow(poller));
  ::shutdown(pair.fd[1], SHUT_WR);
  EXPECT_TRUE(pollNow(poller));
  EXPECT_TRUE(recorder.seen.back().closed && recorder.seen.back().readable);
}

TEST(LibeventPollerTest, AwakeIsCalledOnceBeforeTheFirstHandler) {
  LibeventPoller poller;
  Pair one, two;
  int awake = 0;
  Recorder a, b;
  a.on_ready = b.on_ready = [&] { EXPECT_EQ(awake, 1); };
  auto watch_a = poller.watch(one.fd[0], a);
  auto watch_b = poller.watch(two.fd[0], b);
  poller.poll(LibeventPoller::kNow, [&] { ++awake; });
  EXPECT_EQ(a.seen.size() + b.seen.size(), 2u);
  EXPECT_EQ(awake, 1);
  poller.poll(LibeventPoller::kNow, [&] { ++awake; });
  EXPECT_EQ(awake, 2);
}

TEST(LibeventPollerTest, HandlersMayDestroyOthersThatAreReadyInTheSamePoll) {
  LibeventPoller poller;
  constexpr int kSockets = 20;
  std::vector<std::unique_ptr<Pair>> pairs;
  std::vector<std::unique_ptr<Recorder>> recorders;
  std::vector<std::unique_ptr<LibeventPoller::Watch>> watches(kSockets);
  int told = 0;
  for (int i = 0; i < kSockets; ++i) {
    pairs.push_back(std::make_unique<Pair>());
    recorders.push_back(std::make_unique<Recorder>());
    watches[i] = poller.watch(pairs[i]->fd[0], *recorders[i]);
    recorders[i]->on_ready = [&, i] {
      ++told;
      for (int j = 0; j < kSockets; ++j) {
        if (j == i) continue;
        watches[j].reset();
        pairs[j]->close(0);
      }
    };
  }
  pollNow(poller);
  EXPECT_EQ(told, 1);
  pollNow(poller);
  EXPECT_EQ(told, 1);
}

TEST(LibeventPollerTest, RefusedRegistrationSaysSoOnceInsteadOfNever) {
  LibeventPoller poller;
  Recorder recorder;
  auto watch = poller.watch(987654, recorder);  // no such descriptor
  EXPECT_TRUE(watch->refused());
  EXPECT_TRUE(recorder.seen.empty());
  pollNow(poller);
  ASSERT_EQ(recorder.seen.size(), 1u);
  EXPECT_TRUE(recorder.seen[0].closed && recorder.seen[0].readable && recorder.seen[0].writable);
  pollNow(poller);
  EXPECT_EQ(recorder.seen.size(), 1u);
}

TEST(LibeventPollerTest, TimersOfTheDispatcherAreNeverEarly) {
  LibeventPoller poller;
  base::RealClock clock;
  Dispatcher dispatcher(poller, clock);
  int fired = 0;
  base::MonotonicTime armed_at = clock.monotonic();
  const auto late = [&](absl::Duration wanted) {
    ++fired;
    EXPECT_GE(clock.monotonic() - armed_at, wanted);
  };
  dispatcher.turn(false);
  armed_at = dispatcher.now();
  Alarm c(dispatcher, [&] {
    late(absl::Milliseconds(12));
    dispatcher.stop();
  });
  Alarm b(dispatcher, [&] { late(absl::Milliseconds(4)); });
  Alarm a(dispatcher, [&] { late(absl::Milliseconds(1)); });
  c.timer.arm(absl::Milliseconds(12));
  b.timer.arm(absl::Milliseconds(4));
  a.timer.arm(absl::Milliseconds(1));
  dispatcher.run();
  EXPECT_EQ(fired, 3);
}

TEST(LibeventPollerTest, InterruptIsRememberedForTheNextPoll) {
  LibeventPoller poller;
  poller.interrupt();
  poller.interrupt();
  poller.poll(std::nullopt, [] {});  // would wait for ever
  poller.interrupt();
  poller.poll(std::nullopt, [] {});
}

TEST(LibeventPollerTest, PostsFromManyThreadsAllRunInOrderPerThread) {
  LibeventPoller poller;
  base::RealClock clock;
  Dispatcher dispatcher(poller, clock);
  constexpr int kThreads = 4;
  constexpr int kPosts = 5000;
  std::array<int, kThreads> next = {};
  int total = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kPosts; ++i) {
        dispatcher.post([&, t, i] {
          EXPECT_EQ(next[t]++, i);
          if (++total == kThreads * kPosts) dispatcher.stop();
        });
      }
    });
  }
  dispatcher.run();
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(total, kThreads * kPosts);
}

TEST(LibeventPollerTest, StopFromAnotherThreadEndsRun) {
  LibeventPoller poller;
  base::RealClock clock;
  Dispatcher dispatcher(poller, clock);
  std::thread stopper([&] { dispatcher.stop(); });
  dispatcher.run();
  stopper.join();
}

TEST(LibeventPollerTest, SignalsArriveFromPoll) {
  LibeventPoller poller;
  int usr1 = 0, usr2 = 0;
  poller.watchSignal(SIGUSR1, [&] { ++usr1; });
  poller.watchSignal(SIGUSR2, [&] { ++usr2; });
  raise(SIGUSR1);
  EXPECT_EQ(usr1, 0);
  while (usr1 == 0) poller.poll(std::nullopt, [] {});
  EXPECT_EQ(usr1, 1);
  EXPECT_EQ(usr2, 0);
  raise(SIGUSR2);
  while (usr2 == 0) poller.poll(std::nullopt, [] {});
  EXPECT_EQ(usr2, 1);
}

}  // namespace
}  // namespace weir::event
