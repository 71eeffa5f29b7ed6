// Idle connections that one worker leaves to the others.
#include "source/upstream/idle_shelf.h"

#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "test/upstream/upstream_world.h"

namespace weir::upstream {
namespace {

using http::Reason;

constexpr absl::Duration kLeftBy = absl::Milliseconds(260);

class IdleShelfTest : public testing::Test {
 protected:
  void start(const std::function<void(ClusterConfig&)>& change = {}, unsigned workers = 2) {
    shared_ = world_.makeCluster({origin_.address()}, change);
    for (unsigned i = 0; i < workers; ++i) {
      clusters_.push_back(std::make_unique<WorkerCluster>(shared_, world_.workers[i]->context, world_.memory));
    }
    origin_.answerAll();
  }
  ~IdleShelfTest() override { askers_.clear(); }
  Asker& ask(unsigned worker) {
    askers_.push_back(std::make_unique<Asker>(*world_.workers[worker]));
    askers_.back()->ask(*clusters_[worker]);
    return *askers_.back();
  }
  // A whole exchange.
  Asker& exchange(unsigned worker) {
    Asker& asker = ask(worker);
    world_.settle();
    EXPECT_EQ(asker.answers, 1);
    return asker;
  }
  void pass(absl::Duration time) { world_.simulation.runFor(time); }
  uint32_t permits() const { return shared_->breaker(Priority::kDefault).connections.used(); }
  int64_t left() const { return world_.gauge("upstream_cx_left_idle"); }

  UpstreamWorld world_{2};
  Origin origin_{world_.origin_worker, "10.0.0.1"};
  std::shared_ptr<const Cluster> shared_;
  std::vector<std::unique_ptr<WorkerCluster>> clusters_;
  std::vector<std::unique_ptr<Asker>> askers_;
};

TEST_F(IdleShelfTest, AnotherWorkerGoesOnWithWhatOneLeaves) {
  start();
  exchange(0);
  EXPECT_EQ(clusters_[0]->connections(), 1u);
  pass(kLeftBy);
  EXPECT_EQ(left(), 1);
  EXPECT_EQ(clusters_[0]->connections(), 0u);
  EXPECT_EQ(permits(), 1u);  // the host sees it as it did
  EXPECT_EQ(origin_.open(), 1u);
  Asker& second = exchange(1);
  EXPECT_TRUE(second.reused);
  EXPECT_EQ(origin_.peers.size(), 1u);
  EXPECT_EQ(clusters_[1]->connections(), 1u);
  EXPECT_EQ(world_.counter("upstream_cx_adopted"), 1u);
  EXPECT_EQ(world_.counter("upstream_cx_total"), 1u);
  EXPECT_EQ(world_.counter("upstream_cx_destroy"), 0u);
  EXPECT_EQ(world_.gauge("upstream_cx_active"), 1);
  EXPECT_EQ(left(), 0);
  EXPECT_EQ(permits(), 1u);
}

// Each of two workers asks every four seconds: without the other one's connection it would open one every time.
TEST_F(IdleShelfTest, FewRequestsOverManyWorkersKeepOneConnection) {
  start([](ClusterConfig& config) { config.idle_timeout = absl::Seconds(3); });
  for (int i = 0; i < 500; ++i) {
    exchange(i % 2);
    pass(absl::Seconds(2));
  }
  EXPECT_EQ(origin_.peers.size(), 1u);
  EXPECT_EQ(world_.counter("upstream_rq_total"), 500u);
}

TEST_F(IdleShelfTest, AWorkerTakesItsOwnBack) {
  start();
  exchange(0);
  pass(kLeftBy);
  EXPECT_TRUE(exchange(0).reused);
  EXPECT_EQ(origin_.peers.size(), 1u);
}

TEST_F(IdleShelfTest, ABusyWorkerLeavesNothing) {
  start();
  for (int i = 0; i < 20; ++i) {
    exchange(0);
    pass(absl::Milliseconds(150));
  }
  EXPECT_EQ(world_.counter("upstream_cx_adopted"), 0u);
  EXPECT_EQ(left(), 0);
  EXPECT_EQ(clusters_[0]->connections(), 1u);
}

TEST_F(IdleShelfTest, AWorkerThatIsAloneKeepsWhatItHas) {
  start({}, 1);
  exchange(0);
  pass(absl::Minutes(1));
  EXPECT_EQ(left(), 0);
  EXPECT_EQ(clusters_[0]->connections(), 1u);
}

TEST_F(IdleShelfTest, TheIdleTimeoutHoldsThereToo) {
  start([](ClusterConfig& config) { config.idle_timeout = absl::Seconds(10); });
  exchange(0);
  pass(absl::Seconds(9));
  EXPECT_EQ(origin_.open(), 1u);
  pass(absl::Milliseconds(2100));
  EXPECT_EQ(origin_.open(), 0u);
  EXPECT_EQ(world_.counter("upstream_cx_idle_timeout"), 1u);
  EXPECT_EQ(world_.counter("upstream_cx_destroy"), 1u);
  EXPECT_EQ(left(), 0);
  EXPECT_EQ(permits(), 0u);
}

TEST_F(IdleShelfTest, AConnectionThatMayNotBeKeptThatLongIsNotLeft) {
  start([](ClusterConfig& config) { config.idle_timeout = absl::Milliseconds(200); });
  exchange(0);
  pass(absl::Milliseconds(210));
  EXPECT_EQ(origin_.open(), 0u);
  EXPECT_EQ(world_.counter("upstream_cx_idle_timeout"), 1u);
}

TEST_F(IdleShelfTest, WhatThePeerClosedThereIsNotUsed) {
  start();
  exchange(0);
  pass(kLeftBy);
  origin_.peers[0]->connection().close(net::CloseReason::kLocal);
  pass(absl::Milliseconds(1));
  Asker& second = exchange(1);
  EXPECT_FALSE(second.reused);
  EXPECT_EQ(origin_.peers.size(), 2u);
  EXPECT_EQ(world_.counter("upstream_cx_adopted"), 0u);
  EXPECT_EQ(permits(), 1u);
}

TEST_F(IdleShelfTest, WhatThePeerClosedThereIsFoundSoon) {
  start();
  exchange(0);
  pass(kLeftBy);
  origin_.peers[0]->connection().close(net::CloseReason::kLocal);
  pass(absl::Milliseconds(1500));
  EXPECT_EQ(left(), 0);
  EXPECT_EQ(permits(), 0u);
}

TEST_F(IdleShelfTest, BytesThatNobodyAskedForAreNeverTakenForAnAnswer) {
  start();
  exchange(0);
  pass(kLeftBy);
  origin_.peers[0]->write("HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\npoison");
  pass(absl::Milliseconds(1));
  Asker& second = exchange(1);
  EXPECT_EQ(second.body_bytes, 2u);
  EXPECT_EQ(origin_.peers.size(), 2u);
}

// The peer closes it while the request is on its way: the request is known not to have been processed.
TEST_F(IdleShelfTest, ARequestThatMeetsTheCloseIsKnownToBeUnprocessed) {
  start();
  exchange(0);
  pass(kLeftBy);
  origin_.peers[0]->on_input = [](OriginPeer& peer) { peer.connection().close(net::CloseReason::kLocalReset); };
  Asker& second = ask(1);
  world_.settle();
  EXPECT_TRUE(second.reused);
  EXPECT_NE(second.broken, Reason::kNone);
  EXPECT_TRUE(second.unprocessed);
}

TEST_F(IdleShelfTest, TheRequestsOfAllWorkersCountForTheLast) {
  start([](ClusterConfig& config) { config.max_requests_per_connection = 3; });
  for (int i = 0; i < 4; ++i) {
    exchange(i % 2);
    pass(kLeftBy);
  }
  EXPECT_EQ(origin_.peers.size(), 2u);
  EXPECT_EQ(world_.counter("upstream_cx_max_requests"), 1u);
}

TEST_F(IdleShelfTest, ItsAgeCountsFromWhenItWasOpened) {
  start([](ClusterConfig& config) { config.max_connection_duration = absl::Seconds(5); });
  exchange(0);
  pass(absl::Seconds(3));
  exchange(1);
  pass(absl::Milliseconds(900));
  exchange(1);
  pass(absl::Milliseconds(900));
  exchange(1);
  pass(absl::Milliseconds(900));
  EXPECT_EQ(world_.counter("upstream_cx_max_duration_reached"), 1u);
  EXPECT_EQ(origin_.open(), 0u);
}

TEST_F(IdleShelfTest, APermitThatAnIdleOneHoldsIsNotLost) {
  Origin other(world_.origin_worker, "10.0.0.2");
  other.answerAll();
  shared_ = world_.makeCluster({origin_.address(), other.address()},
                               [](ClusterConfig& config) { config.thresholds[0].max_connections = 1; });
  for (unsigned i = 0; i < 2; ++i) {
    clusters_.push_back(std::make_unique<WorkerCluster>(shared_, world_.workers[i]->context, world_.memory));
  }
  origin_.answerAll();
  for (int i = 0; i < 6; ++i) {
    exchange(i % 2);
    EXPECT_LE(origin_.open() + other.open(), 1u);
    pass(kLeftBy);
  }
  EXPECT_EQ(world_.counter("upstream_rq_pending_overflow"), 0u);
  EXPECT_EQ(permits(), 1u);
}

TEST_F(IdleShelfTest, TheLimitOfAHostCountsThem) {
  start([](ClusterConfig& config) { config.thresholds[0].host_max_connections = 1; });
  for (int i = 0; i < 4; ++i) {
    exchange(i % 2);
    pass(kLeftBy);
  }
  EXPECT_EQ(origin_.peers.size(), 1u);
  clusters_[0]->drain();
  world_.settle();
  EXPECT_EQ(clusters_[1]->hosts().hosts[0]->takeConnection(1), true);
  clusters_[1]->hosts().hosts[0]->giveConnection();
}

TEST_F(IdleShelfTest, ThoseOfAHostThatLeavesAreClosed) {
  start();
  exchange(0);
  pass(kLeftBy);
  ASSERT_EQ(left(), 1);
  const auto none =
      std::make_shared<const HostSet>(std::vector<HostEntry>(), 1, shared_->config().lb, world_.simulation.now());
  clusters_[1]->setHosts(none);
  world_.settle();
  EXPECT_EQ(left(), 0);
  EXPECT_EQ(permits(), 0u);
  EXPECT_EQ(origin_.open(), 0u);
}

TEST_F(IdleShelfTest, DrainingClosesThem) {
  start();
  exchange(0);
  pass(kLeftBy);
  ASSERT_EQ(left(), 1);
  clusters_[1]->drain();
  world_.settle();
  EXPECT_EQ(left(), 0);
  EXPECT_EQ(origin_.open(), 0u);
  exchange(1);
  pass(kLeftBy);
  EXPECT_EQ(left(), 0);
}

// The shelf itself: what many threads put is taken once each.
class NumberedSocket final : public net::Socket {
 public:
  explicit NumberedSocket(std::atomic<int>& alive) : alive_(alive) { ++alive_; }
  ~NumberedSocket() override { --alive_; }
  void watch(event::ReadyHandler&) override {}
  net::IoResult read(std::span<const iovec>) override { return {net::IoResult::State::kWouldBlock, 0, 0}; }
  net::IoResult write(std::span<const iovec>) override { return {net::IoResult::State::kWouldBlock, 0, 0}; }
  void shutdownWrite() override {}
  void resetOnClose() override {}
  absl::Status connectResult() override { return absl::OkStatus(); }
  net::Address localAddress() const override { return {}; }
  net::Address remoteAddress() const override { return {}; }

 private:
  std::atomic<int>& alive_;
};

TEST(IdleShelfThreadsTest, EachIsTakenOnce) {
  constexpr int kThreads = 4;
  constexpr uint64_t kEach = 5'000;
  IdleShelf shelf;
  std::atomic<int> alive{0};
  const auto host = std::make_shared<const Host>(HostSpec{}, 0);
  std::vector<std::atomic<int>> taken(kThreads * kEach);
  const auto note = [&](const IdleShelf::Idle& idle) { ++taken[idle.requests]; };
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (uint64_t i = 0; i < kEach; ++i) {
        const Priority priority = i % 2 == 0 ? Priority::kDefault : Priority::kHigh;
        shelf.put({host, priority, std::make_unique<NumberedSocket>(alive), {}, {}, t * kEach + i});
        if (i % 3 == 0) {
          if (const auto idle = shelf.take(*host, priority)) note(*idle);
        } else if (i % 3 == 1) {
          if (const auto idle = shelf.takeAny(priority)) note(*idle);
        } else if (i % 100 == 2) {
          for (const IdleShelf::Idle& idle : shelf.takeAll()) note(idle);
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const IdleShelf::Idle& idle : shelf.takeAll()) note(idle);
  EXPECT_TRUE(shelf.empty());
  EXPECT_EQ(alive, 0);
  for (const std::atomic<int>& count : taken) ASSERT_EQ(count, 1);
}

}  // namespace
}  // namespace weir::upstream
