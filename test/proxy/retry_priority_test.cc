// Where retries go: priorities and hosts that a policy leaves out.
#include "source/proxy/retry_priority.h"

#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "test/proxy/proxy_world.h"

namespace weir::proxy {
namespace {

using Loads = std::vector<uint32_t>;

Loads after(RetryPriority& priority, uint32_t attempted, const Loads& capacity) {
  priority.attempted(attempted, capacity);
  return {priority.loads().begin(), priority.loads().end()};
}

TEST(RetryPriorityTest, LeavesOutWhatWasAttempted) {
  RetryPriority every(1);
  EXPECT_EQ(after(every, 0, {100, 100, 100}), (Loads{0, 100, 0}));
  EXPECT_EQ(after(every, 1, {100, 100, 100}), (Loads{0, 0, 100}));
  // All were attempted: the cluster's own loads, and from the beginning.
  EXPECT_EQ(after(every, 2, {100, 100, 100}), (Loads{}));
  EXPECT_EQ(after(every, 0, {100, 100, 100}), (Loads{0, 100, 0}));
}

TEST(RetryPriorityTest, DividesByWhatTheOthersCanTake) {
  RetryPriority partly(1);
  EXPECT_EQ(after(partly, 0, {100, 30, 30, 100}), (Loads{0, 30, 30, 40}));
  RetryPriority scarce(1);
  EXPECT_EQ(after(scarce, 0, {100, 20, 40}), (Loads{0, 34, 66}));
  RetryPriority none(1);
  EXPECT_EQ(after(none, 0, {100, 0}), (Loads{}));
}

TEST(RetryPriorityTest, ChangesAfterSoManyAttempts) {
  RetryPriority second(2);
  EXPECT_EQ(after(second, 0, {100, 100}), (Loads{}));
  EXPECT_EQ(after(second, 0, {100, 100}), (Loads{0, 100}));
  EXPECT_EQ(after(second, 1, {100, 100}), (Loads{0, 100}));
  RetryPriority beyond(1);
  EXPECT_EQ(after(beyond, 4000000000u, {100, 100}), (Loads{100, 0}));
}

// Of 40 requests with one retry each, those that were answered. The cluster has the origin and another host, which
// refuses.
int answered(const std::function<void(RetryPolicy&)>& change, const std::function<void(upstream::HostSpec&)>& origin,
             const std::function<void(upstream::HostSpec&)>& other) {
  ProxyWorld world(
      [&](ProxyWorld::Setup& setup) {
        auto policy = std::make_shared<UpstreamPolicy>();
        policy->retry.on = kRetryOnConnectFailure;
        policy->retry.host_attempts = 30;
        change(policy->retry);
        std::get<ForwardAction>(setup.route->action).policy = std::move(policy);
      },
      [&](upstream::ClusterConfig& config) {
        config.lb.policy = upstream::lb::PolicyKind::kRandom;
        upstream::HostSpec refusing;
        refusing.address = *net::Address::parseIp("10.0.0.9", 1);
        refusing.text = refusing.address.text();
        other(refusing);
        origin(config.hosts[0]);
        config.hosts.push_back(std::move(refusing));
      });
  world.origin.answerAll();
  int count = 0;
  for (int i = 0; i < 40; ++i) {
    RawClient& client = world.client();
    client.write("GET /a HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n");
    world.upstream.simulation.runUntil([&] { return client.ended; }, absl::Seconds(5));
    count += client.received.starts_with("HTTP/1.1 200 ") ? 1 : 0;
  }
  return count;
}

void asItIs(upstream::HostSpec&) {}
void second(upstream::HostSpec& host) {
  host.group = std::make_shared<const upstream::HostGroup>(upstream::HostGroup{1, {}, 0});
}

TEST(RetryHostsTest, ARetryGoesToAnotherPriority) {
  EXPECT_EQ(answered([](RetryPolicy&) {}, second, asItIs), 0);
  EXPECT_EQ(answered([](RetryPolicy& policy) { policy.priority_update = 1; }, second, asItIs), 40);
  EXPECT_EQ(answered([](RetryPolicy& policy) { policy.priority_update = 2; }, second, asItIs), 0);
  EXPECT_EQ(answered(
                [](RetryPolicy& policy) {
                  policy.priority_update = 2;
                  policy.retries = 2;
                },
                second, asItIs),
            40);
}

TEST(RetryHostsTest, ARetryAvoidsHostsWithCertainMetadata) {
  const auto canary = [](upstream::HostSpec& host) {
    host.metadata = std::make_shared<const upstream::lb::Metadata>(
        upstream::lb::Metadata{{"canary", "true"}, {"version", "\"2\""}});
  };
  const auto omit = [](upstream::lb::Metadata metadata) {
    return [metadata](RetryPolicy& policy) { policy.omitted.push_back(metadata); };
  };
  EXPECT_LT(answered([](RetryPolicy&) {}, asItIs, canary), 39);
  EXPECT_EQ(answered(omit({{"canary", "true"}}), asItIs, canary), 40);
  // All of it must be there.
  EXPECT_LT(answered(omit({{"canary", "true"}, {"version", "\"1\""}}), asItIs, canary), 39);
}

}  // namespace
}  // namespace weir::proxy
