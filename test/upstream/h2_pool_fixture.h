// H2PoolFixture: one cluster of HTTP/2 in front of an H2Origin, and those who ask it.
#pragma once

#include <functional>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "test/upstream/h2_origin.h"

namespace weir::upstream {

class H2PoolFixture : public testing::Test {
 protected:
  ~H2PoolFixture() override { askers_.clear(); }

  void start(const std::function<void(ClusterConfig&)>& change = {}) {
    startAt({origin_.address()}, [&](ClusterConfig& config) {
      config.protocol = Protocol::kHttp2;
      if (change) change(config);
    });
  }
  void startAt(const std::vector<net::Address>& addresses, const std::function<void(ClusterConfig&)>& change) {
    cluster_ =
        std::make_unique<WorkerCluster>(world_.makeCluster(addresses, change), world_.worker().context, world_.memory);
  }
  Asker& ask(const PickContext& pick = {}) {
    askers_.push_back(std::make_unique<Asker>(world_.worker()));
    askers_.back()->ask(*cluster_, pick);
    return *askers_.back();
  }
  void askMany(int count) {
    for (int i = 0; i < count; ++i) ask();
  }
  // One request, so that the peer's SETTINGS are known.
  void warmUp() {
    ask();
    settle();
    origin_.answerWaiting(origin_.at(0));
    settle();
    ASSERT_EQ(askers_.back()->answers, 1);
    askers_.pop_back();
  }
  void settle() { world_.settle(); }
  void pass(absl::Duration time) { world_.simulation.runFor(time); }
  uint64_t counter(std::string_view name) const { return world_.counter(name); }
  int64_t gauge(std::string_view name) const { return world_.gauge(name); }
  int answers() const {
    int sum = 0;
    for (const auto& asker : askers_) sum += asker->answers;
    return sum;
  }
  int unprocessed() const {
    int sum = 0;
    for (const auto& asker : askers_) sum += asker->unprocessed;
    return sum;
  }
  void expectAllPermitsBack() { expectAllPermitsBackBut(0); }
  // All but those of so many streams that are out.
  void expectAllPermitsBackBut(uint32_t streams) {
    const CircuitBreaker& breaker = cluster_->cluster().breaker(Priority::kDefault);
    EXPECT_EQ(breaker.pending.used(), 0u);
    EXPECT_EQ(breaker.requests.used(), streams);
    EXPECT_EQ(breaker.connections.used(), cluster_->connections());
    EXPECT_EQ(gauge("upstream_rq_active"), int64_t{streams});
    EXPECT_EQ(gauge("http2.streams_active"), int64_t{streams});
  }

  UpstreamWorld world_;
  Origin bytes_{world_.origin_worker, "10.0.0.1"};
  H2Origin origin_{bytes_};
  std::unique_ptr<WorkerCluster> cluster_;
  std::vector<std::unique_ptr<Asker>> askers_;
};

}  // namespace weir::upstream
