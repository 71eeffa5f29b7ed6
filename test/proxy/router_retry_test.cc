// What is sent again, how often and when: policies of routes, on a simulated network and clock.
#include <algorithm>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "source/proxy/router.h"
#include "test/proxy/proxy_world.h"

namespace weir::proxy {
namespace {

using upstream::kOk;

constexpr std::string_view kBusy = "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 4\r\n\r\nbusy";
constexpr std::string_view kPost = "POST /a HTTP/1.1\r\nhost: h\r\ncontent-length: 5\r\n\r\nhello";

bool startsWith(std::string_view text, std::string_view start) { return text.substr(0, start.size()) == start; }
bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

using Change = std::function<void(UpstreamPolicy&)>;

// A proxy whose only route has that policy, and an origin that answers its requests out of a list.
class RetryWorld {
 public:
  explicit RetryWorld(const Change& change, const std::function<void(ProxyWorld::Setup&)>& setup_more = {},
                      const std::function<void(upstream::ClusterConfig&)>& cluster = {})
      : world(
            [&](ProxyWorld::Setup& setup) {
              auto policy = std::make_shared<UpstreamPolicy>();
              change(*policy);
              auto& action = std::get<ForwardAction>(setup.route->action);
              action.policy = std::move(policy);
              if (setup_more) setup_more(setup);
            },
            cluster) {
    world.origin.on_accept = [this](upstream::OriginPeer& peer) {
      peer.on_input = [this](upstream::OriginPeer& from) { answer(from); };
    };
  }

  // Answers each whole request with the next of `answers`; "close": closes; "": nothing; the last one again and again.
  void answer(upstream::OriginPeer& peer) {
    while (true) {
      const size_t end = peer.received.find("\r\n\r\n");
      if (end == std::string::npos) return;
      const bool body = contains(peer.received.substr(0, end), "content-length: 5");
      const size_t size = end + 4 + (body ? 5 : 0);
      if (peer.received.size() < size) return;
      requests.push_back(peer.received.substr(0, size));
      times.push_back(world.upstream.simulation.now());
      peer.received.erase(0, size);
      const std::string next = answers[std::min(requests.size(), answers.size()) - 1];
      if (next == "close") return peer.connection().close(net::CloseReason::kLocalReset);
      if (!next.empty()) peer.write(next);
    }
  }
  std::string ask(std::string_view request = kGet, absl::Duration within = absl::Seconds(30)) {
    RawClient& client = world.client();
    client.write(request);
    world.upstream.simulation.runUntil([&] { return !client.received.empty(); }, within);
    world.settle();
    return client.received;
  }
  uint64_t counter(const std::string& name) { return world.counter("cluster.c." + name); }
  void expectNothingHeld() {
    const upstream::Cluster& cluster = world.clusters->find("c")->cluster();
    EXPECT_EQ(cluster.breaker(upstream::Priority::kDefault).retries.used(), 0u);
    EXPECT_EQ(cluster.breaker(upstream::Priority::kDefault).requests.used(), 0u);
  }

  std::vector<std::string> answers;
  std::vector<std::string> requests;
  std::vector<base::MonotonicTime> times;
  ProxyWorld world;
};

Change on(uint32_t conditions, uint32_t retries = 1) {
  return [=](UpstreamPolicy& policy) {
    policy.retry.on = conditions;
    policy.retry.retries = retries;
  };
}

TEST(RouterRetryTest, SendsABodyAgainAfterA503AndUsesTheConnectionAgain) {
  RetryWorld retry(on(kRetryOn5xx));
  retry.answers = {std::string(kBusy), std::string(kOk)};
  EXPECT_TRUE(startsWith(retry.ask(kPost), "HTTP/1.1 200 "));
  ASSERT_EQ(retry.requests.size(), 2u);
  EXPECT_TRUE(contains(retry.requests[1], "\r\n\r\nhello"));
  EXPECT_EQ(retry.world.origin.peers.size(), 1u);
  EXPECT_EQ(retry.counter("upstream_rq_retry"), 1u);
  EXPECT_EQ(retry.counter("upstream_rq_retry_success"), 1u);
  EXPECT_EQ(retry.counter("upstream_rq_retry_backoff_exponential"), 1u);
  EXPECT_EQ(retry.counter("upstream_rq_5xx"), 0u);
  EXPECT_EQ(retry.world.log.at(0), "200  POST /a");
  EXPECT_LE(retry.times[1] - retry.times[0], absl::Milliseconds(35));
  retry.expectNothingHeld();
}

TEST(RouterRetryTest, GivesTheLastAnswerWhenNoRetryIsLeft) {
  RetryWorld retry(on(kRetryOnGatewayError, 2));
  retry.answers = {std::string(kBusy)};
  const std::string answer = retry.ask();
  EXPECT_TRUE(startsWith(answer, "HTTP/1.1 503 ") && contains(answer, "\r\n\r\nbusy")) << answer;
  EXPECT_EQ(retry.requests.size(), 3u);
  EXPECT_EQ(retry.counter("upstream_rq_retry"), 2u);
  EXPECT_EQ(retry.counter("upstream_rq_retry_limit_exceeded"), 1u);
  EXPECT_EQ(retry.counter("upstream_rq_retry_success"), 0u);
  EXPECT_EQ(retry.world.log.at(0), "503 URX GET /a");
  retry.expectNothingHeld();
}

TEST(RouterRetryTest, EachConditionSendsAgainWhatItNamesAndNothingElse) {
  struct Case {
    uint32_t on;
    std::string_view answer;
    bool again;
  };
  const std::string conflict = "HTTP/1.1 409 Conflict\r\ncontent-length: 0\r\n\r\n";
  const std::string error = "HTTP/1.1 500 Oh\r\ncontent-length: 0\r\n\r\n";
  const std::string limited = "HTTP/1.1 429 Slow\r\nx-envoy-ratelimited: true\r\ncontent-length: 0\r\n\r\n";
  const std::string overloaded = "HTTP/1.1 503 No\r\nx-envoy-overloaded: true\r\ncontent-length: 0\r\n\r\n";
  const std::string grpc =
      "HTTP/1.1 200 OK\r\ncontent-type: application/grpc\r\ngrpc-status: 14\r\ncontent-length: 0\r\n\r\n";
  const Case cases[] = {
      {kRetryOn5xx, error, true},
      {kRetryOn5xx, conflict, false},
      {kRetryOn5xx, overloaded, false},
      {kRetryOn5xx, "close", true},
      {kRetryOnGatewayError, error, false},
      {kRetryOnGatewayError, kBusy, true},
      {kRetryOnReset, "close", true},
      {kRetryOnReset, kBusy, false},
      {kRetryOnConnectFailure, "close", false},
      {kRetryOnRefusedStream, "close", false},
      {kRetryOnRetriable4xx, conflict, true},
      {kRetryOnRetriable4xx, kBusy, false},
      {kRetryOnEnvoyRateLimited, limited, true},
      {kRetryOn5xx | kRetryOnRetriable4xx, limited, false},
      {kRetryOnGrpcUnavailable, grpc, true},
      {kRetryOnGrpcCancelled, grpc, false},
      {kRetryOnRetriableStatusCodes, error, false},
      {0, kBusy, false},
  };
  for (const Case& c : cases) {
    RetryWorld retry(on(c.on));
    retry.answers = {std::string(c.answer), std::string(kOk)};
    retry.ask(kPost);
    EXPECT_EQ(retry.requests.size(), c.again ? 2u : 1u) << c.on << " " << c.answer;
    retry.expectNothingHeld();
  }
}

TEST(RouterRetryTest, EachGrpcConditionSendsAgainItsOwnStatusAlone) {
  const std::pair<uint32_t, int> conditions[] = {{kRetryOnGrpcCancelled, 1},
                                                 {kRetryOnGrpcDeadlineExceeded, 4},
                                                 {kRetryOnGrpcResourceExhausted, 8},
                                                 {kRetryOnGrpcInternal, 13},
                                                 {kRetryOnGrpcUnavailable, 14}};
  for (const auto& [condition, wanted] : conditions) {
    for (const int status : {0, 1, 2, 4, 8, 13, 14}) {
      RetryWorld retry(on(condition));
      const std::string answer =
          "HTTP/1.1 200 OK\r\ncontent-type: application/grpc\r\ngrpc-status: " + std::to_string(status) + "\r\n";
      retry.answers = {answer + "content-length: 0\r\n\r\n", std::string(kOk)};
      retry.ask(kPost);
      EXPECT_EQ(retry.requests.size(), status == wanted ? 2u : 1u) << condition << " " << status;
    }
  }
}

TEST(RouterRetryTest, StatusCodesAndHeadersOfThePolicySendAgain) {
  RetryWorld codes([](UpstreamPolicy& policy) {
    policy.retry.on = kRetryOnRetriableStatusCodes | kRetryOnRetriableHeaders;
    policy.retry.retries = 5;
    policy.retry.status_codes = {418};
    filter::HeaderMatcher matcher;
    matcher.name = "x-again";
    policy.retry.headers = {matcher};
  });
  codes.answers = {"HTTP/1.1 418 T\r\ncontent-length: 0\r\n\r\n",
                   "HTTP/1.1 200 OK\r\nx-again: 1\r\ncontent-length: 0\r\n\r\n", std::string(kOk)};
  EXPECT_TRUE(contains(codes.ask(), "\r\n\r\nhi"));
  EXPECT_EQ(codes.requests.size(), 3u);
}

TEST(RouterRetryTest, OnlyRequestsThatMatchAreSentAgain) {
  for (const bool matches : {true, false}) {
    RetryWorld retry([](UpstreamPolicy& policy) {
      policy.retry.on = kRetryOn5xx;
      filter::HeaderMatcher matcher;
      matcher.name = "x-safe";
      policy.retry.request_headers = {matcher};
    });
    retry.answers = {std::string(kBusy), std::string(kOk)};
    retry.ask(matches ? "GET / HTTP/1.1\r\nhost: h\r\nx-safe: 1\r\n\r\n" : kGet);
    EXPECT_EQ(retry.requests.size(), matches ? 2u : 1u);
  }
}

TEST(RouterRetryTest, WaitsGrowAtRandomUpToTheMaximum) {
  RetryWorld retry([](UpstreamPolicy& policy) {
    policy.retry.on = kRetryOn5xx;
    policy.retry.retries = 60;
    policy.retry.back_off_base = absl::Milliseconds(100);
    policy.retry.back_off_max = absl::Seconds(1);
  });
  retry.answers = {std::string(kBusy)};
  retry.ask(kGet, absl::Seconds(100));
  // The route's own timeout of 15 s ends it: by the mean of 500 ms after about 30 attempts.
  EXPECT_GT(retry.requests.size(), 20u);
  EXPECT_LT(retry.requests.size(), 50u);
  EXPECT_LE(retry.times[1] - retry.times[0], absl::Milliseconds(110));
  absl::Duration longest = absl::ZeroDuration();
  for (size_t i = 1; i < retry.times.size(); ++i) longest = std::max(longest, retry.times[i] - retry.times[i - 1]);
  EXPECT_LE(longest, absl::Milliseconds(1010));
  EXPECT_GE(longest, absl::Milliseconds(600));
  EXPECT_EQ(retry.world.log.at(0), "504 route_timeout GET /a");
  retry.expectNothingHeld();
}

TEST(RouterRetryTest, WaitsAsLongAsTheUpstreamAsks) {
  struct Case {
    std::string_view value;
    bool timestamp;
    int64_t from_ms, to_ms;
  };
  // The wall clock of the simulation starts at some second; a date in the past is no time to wait.
  for (const Case& c : {Case{"2", false, 2000, 3010}, Case{"400", false, 0, 40}, Case{"x", false, 0, 40},
                        Case{"Sun, 06 Nov 1994 08:49:37 GMT", false, 0, 40}, Case{"5", true, 0, 40}}) {
    RetryWorld retry([&](UpstreamPolicy& policy) {
      policy.retry.on = kRetryOn5xx;
      policy.retry.reset_headers = {{"retry-after", c.timestamp}};
    });
    retry.answers = {"HTTP/1.1 503 S\r\nretry-after: " + std::string(c.value) + "\r\ncontent-length: 0\r\n\r\n",
                     std::string(kOk)};
    EXPECT_TRUE(startsWith(retry.ask(), "HTTP/1.1 200 "));
    const absl::Duration waited = retry.times.at(1) - retry.times.at(0);
    EXPECT_GE(waited, absl::Milliseconds(c.from_ms)) << c.value;
    EXPECT_LE(waited, absl::Milliseconds(c.to_ms)) << c.value;
    EXPECT_EQ(retry.counter("upstream_rq_retry_backoff_ratelimited"), c.from_ms > 0 ? 1u : 0u);
  }
}

TEST(RouterRetryTest, ATryThatIsTooSlowIsRepeatedAndTheLastOneAnsweredWith504) {
  RetryWorld retry([](UpstreamPolicy& policy) {
    policy.retry.on = kRetryOn5xx;
    policy.retry.per_try_timeout = absl::Seconds(1);
    policy.timeout_retry_header = policy.attempt_count_in_request = true;
  });
  retry.answers = {"", ""};
  const base::MonotonicTime sent = retry.world.upstream.simulation.now();
  const std::string answer = retry.ask();
  EXPECT_TRUE(startsWith(answer, "HTTP/1.1 504 ")) << answer;
  EXPECT_LE(retry.world.upstream.simulation.now() - sent, absl::Milliseconds(2200));
  ASSERT_EQ(retry.requests.size(), 2u);
  EXPECT_TRUE(contains(retry.requests[0], "x-envoy-attempt-count: 1\r\n"));
  EXPECT_FALSE(contains(retry.requests[0], "x-envoy-is-timeout-retry"));
  EXPECT_TRUE(contains(retry.requests[1], "x-envoy-attempt-count: 2\r\n"));
  EXPECT_TRUE(contains(retry.requests[1], "x-envoy-is-timeout-retry: true\r\n"));
  EXPECT_EQ(retry.world.log.at(0), "504 per_try_timeout,URX GET /a");
  EXPECT_EQ(retry.counter("upstream_rq_per_try_timeout"), 2u);
  EXPECT_EQ(retry.world.origin.open(), 0u);
  retry.expectNothingHeld();
}

TEST(RouterRetryTest, ATryThatStandsStillIsRepeated) {
  RetryWorld retry([](UpstreamPolicy& policy) {
    policy.retry.on = kRetryOn5xx;
    policy.retry.per_try_idle_timeout = absl::Seconds(1);
  });
  retry.answers = {"", std::string(kOk)};
  EXPECT_TRUE(startsWith(retry.ask(), "HTTP/1.1 200 "));
  EXPECT_EQ(retry.counter("upstream_rq_per_try_idle_timeout"), 1u);
}

TEST(RouterRetryTest, HedgesASlowTryAndTakesTheFirstAnswer) {
  for (const bool first_wins : {false, true}) {
    RetryWorld retry([](UpstreamPolicy& policy) {
      policy.retry.on = kRetryOn5xx;
      policy.retry.per_try_timeout = absl::Seconds(1);
      policy.hedge_on_per_try_timeout = true;
    });
    retry.answers = {"", ""};
    RawClient& client = retry.world.client();
    client.write(kPost);
    retry.world.upstream.simulation.runFor(absl::Milliseconds(1500));
    ASSERT_EQ(retry.requests.size(), 2u);
    EXPECT_TRUE(contains(retry.requests[1], "\r\n\r\nhello"));
    ASSERT_EQ(retry.world.origin.open(), 2u);
    retry.world.origin.peers.at(first_wins ? 0 : 1)->write(kOk);
    retry.world.settle();
    EXPECT_TRUE(startsWith(client.received, "HTTP/1.1 200 ")) << client.received;
    EXPECT_EQ(retry.world.origin.open(), 1u);
    EXPECT_EQ(retry.world.log.at(0), "200  POST /a");
    retry.expectNothingHeld();
  }
}

TEST(RouterRetryTest, ABadAnswerOfOneHedgedTryLeavesTheOther) {
  RetryWorld retry([](UpstreamPolicy& policy) {
    policy.retry.on = kRetryOn5xx;
    policy.retry.per_try_timeout = absl::Seconds(1);
    policy.hedge_on_per_try_timeout = true;
  });
  retry.answers = {"", std::string(kBusy)};
  RawClient& client = retry.world.client();
  client.write(kGet);
  retry.world.upstream.simulation.runFor(absl::Milliseconds(1500));
  EXPECT_EQ(client.received, "");
  retry.world.origin.peers.at(0)->write(kOk);
  retry.world.settle();
  EXPECT_TRUE(startsWith(client.received, "HTTP/1.1 200 ")) << client.received;
  EXPECT_EQ(retry.requests.size(), 2u);
}

TEST(RouterRetryTest, ABodyAboveTheLimitIsNotSentAgain) {
  for (const uint64_t limit : {5u, 4u}) {
    RetryWorld retry([&](UpstreamPolicy& policy) {
      policy.retry.on = kRetryOn5xx;
      policy.body_limit = limit;
    });
    retry.answers = {std::string(kBusy), std::string(kOk)};
    EXPECT_TRUE(startsWith(retry.ask(kPost), limit == 5 ? "HTTP/1.1 200 " : "HTTP/1.1 503 "));
    EXPECT_EQ(retry.counter("retry_or_shadow_abandoned"), limit == 5 ? 0u : 1u);
  }
}

TEST(RouterRetryTest, TheClientsEndEndsAWait) {
  RetryWorld retry([](UpstreamPolicy& policy) {
    policy.retry.on = kRetryOn5xx;
    policy.retry.back_off_base = policy.retry.back_off_max = absl::Seconds(10);
  });
  retry.answers = {std::string(kBusy), std::string(kOk)};
  RawClient& client = retry.world.client();
  client.write(kGet);
  retry.world.settle();
  ASSERT_EQ(retry.requests.size(), 1u);
  client.drop();
  retry.world.upstream.simulation.runFor(absl::Seconds(20));
  EXPECT_EQ(retry.requests.size(), 1u);
  EXPECT_EQ(retry.world.log.at(0), "0 client_gone GET /a");
  retry.expectNothingHeld();
}

TEST(RouterRetryTest, HeadersOfATrustedRequestSetThePolicyAndAreNotPassedOn) {
  for (const bool trusted : {true, false}) {
    RetryWorld retry([](UpstreamPolicy&) {},
                     [&](ProxyWorld::Setup& setup) {
                       if (trusted) {
                         setup.config->request.internal_ranges.push_back(*net::CidrRange::parse("0.0.0.0", 0));
                       }
                     });
    retry.answers = {std::string(kBusy)};
    retry.ask(
        "GET / HTTP/1.1\r\nhost: h\r\nx-envoy-retry-on: gateway-error\r\nx-envoy-max-retries: 3\r\n"
        "x-envoy-upstream-rq-timeout-ms: 700\r\n\r\n");
    EXPECT_EQ(retry.requests.size(), trusted ? 4u : 1u);
    const std::string& seen = retry.requests.at(0);
    EXPECT_FALSE(contains(seen, "x-envoy-retry-on") || contains(seen, "x-envoy-max-retries")) << seen;
    EXPECT_EQ(contains(seen, "x-envoy-expected-rq-timeout-ms: 700\r\n"), trusted) << seen;
    EXPECT_EQ(contains(seen, "x-envoy-internal: true"), trusted) << seen;
  }
}

TEST(RouterRetryTest, EachTryIsToldWhatIsLeftOfTheTime) {
  RetryWorld retry([](UpstreamPolicy& policy) {
    policy.retry.on = kRetryOn5xx;
    policy.retry.per_try_timeout = absl::Seconds(10);
  });
  retry.answers = {"", std::string(kOk)};
  retry.ask();
  ASSERT_EQ(retry.requests.size(), 2u);
  EXPECT_TRUE(contains(retry.requests[0], "x-envoy-expected-rq-timeout-ms: 10000\r\n")) << retry.requests[0];
  EXPECT_TRUE(contains(retry.requests[1], "x-envoy-expected-rq-timeout-ms: 49")) << retry.requests[1];
}

// Every answer is 503, and every request wants three retries.
TEST(RouterRetryTest, AStormAddsAtMostAFifthOfTheLoad) {
  RetryWorld retry(on(kRetryOn5xx, 3));
  auto& simulation = retry.world.upstream.simulation;
  size_t arrived = 0;
  retry.world.origin.on_accept = [&](upstream::OriginPeer& peer) {
    peer.on_input = [&](upstream::OriginPeer& from) {
      from.received.clear();
      ++arrived;
      simulation.schedule(absl::Milliseconds(10), [&from] {
        if (!from.closed) from.write(kBusy);
      });
    };
  };
  constexpr size_t kSent = 64 * 40;
  std::vector<RawClient*> clients;
  for (size_t i = 0; i < 64; ++i) clients.push_back(&retry.world.client());
  size_t sent = 0;
  for (RawClient* client : clients) {
    client->write(kGet);
    ++sent;
  }
  const auto answered = [&] {
    return std::any_of(clients.begin(), clients.end(),
                       [](RawClient* client) { return contains(client->received, "busy"); });
  };
  // Each client sends the next request when the last was answered.
  while (simulation.runUntil(answered, absl::Seconds(5))) {
    for (RawClient* client : clients) {
      if (!contains(client->received, "busy")) continue;
      client->received.clear();
      if (sent == kSent) continue;
      client->write(kGet);
      ++sent;
    }
  }
  EXPECT_EQ(retry.world.log.size(), kSent);
  EXPECT_GT(arrived, sent);
  EXPECT_LE(arrived, sent + sent / 5);
  EXPECT_GT(retry.counter("upstream_rq_retry_overflow"), 0u);
}

}  // namespace
}  // namespace weir::proxy
