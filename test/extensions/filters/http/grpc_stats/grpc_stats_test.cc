#include "source/extensions/filters/http/grpc_stats/grpc_stats.h"

#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "source/extensions/filters/http/grpc_stats/call_counters.h"
#include "test/harness/filter/filter_contract.h"
#include "test/harness/filter/filter_harness.h"

namespace weir::extensions::grpc_stats {
namespace {

using harness::FilterExchange;
using harness::FilterHarness;

const std::string kMessage("\0\0\0\0\3abc", 8);

std::unique_ptr<FilterExchange> open(FilterHarness& h, std::string_view path) {
  auto x = h.open();
  x->client.pushHead(x->request("POST", path, {{"content-type", "application/grpc"}}));
  x->settle();
  return x;
}

// One call with two messages each way, whose trailers have that status.
void call(FilterHarness& h, std::string_view path, std::string_view status = "0") {
  const auto x = open(h, path);
  x->client.pushData(kMessage + kMessage);
  x->client.pushEnd();
  x->upstream.pushHead(x->response(200, {{"content-type", "application/grpc"}}));
  x->upstream.pushData(kMessage + kMessage);
  x->upstream.pushEnd(x->trailers({{"grpc-status", status}}));
  x->settle();
  EXPECT_TRUE(x->complete());
}

uint64_t count(FilterHarness& h, std::string_view name) {
  return h.world.counter("cluster.cluster.grpc." + std::string(name));
}

TEST(GrpcStatsFilterTest, ByDefaultAllMethodsOfAClusterAreCountedTogether) {
  FilterHarness h(grpcStatsType(), "");
  call(h, "/pkg.Svc/Get");
  call(h, "/pkg.Svc/Put", "5");
  EXPECT_EQ(count(h, "total"), 2u);
  EXPECT_EQ(count(h, "success"), 1u);
  EXPECT_EQ(count(h, "failure"), 1u);
  EXPECT_EQ(count(h, "0"), 1u);
  EXPECT_EQ(count(h, "5"), 1u);
  EXPECT_EQ(count(h, "request_message_count"), 4u);
  EXPECT_EQ(count(h, "response_message_count"), 4u);
}

TEST(GrpcStatsFilterTest, EachMethodMayHaveItsOwn) {
  FilterHarness h(grpcStatsType(), "stats_for_all_methods { value: true }");
  call(h, "/pkg.Svc/Get");
  call(h, "/pkg.Svc/Get", "5");
  call(h, "/pkg.Svc/Put?query");
  EXPECT_EQ(count(h, "pkg.Svc.Get.total"), 2u);
  EXPECT_EQ(count(h, "pkg.Svc.Get.success"), 1u);
  EXPECT_EQ(count(h, "pkg.Svc.Get.5"), 1u);
  EXPECT_EQ(count(h, "pkg.Svc.Get.request_message_count"), 4u);
  EXPECT_EQ(count(h, "pkg.Svc.Put.total"), 1u);
  EXPECT_EQ(h.world.stats.counterValue("cluster.cluster.grpc.total"), std::nullopt);
}

TEST(GrpcStatsFilterTest, WhatIsNoNameOfAMethodIsCountedWithTheOthers) {
  FilterHarness h(grpcStatsType(), "stats_for_all_methods { value: true }");
  const std::string long_path = "/s/" + std::string(300, 'm');
  for (const char* path :
       {"/", "//", "/s", "/s/", "//m", "/s/m/x", "/s/m m", "/s:/m", "/s/\xc3\xa9", "*", long_path.c_str()}) {
    call(h, path);
  }
  EXPECT_EQ(count(h, "total"), 11u);
}

TEST(GrpcStatsFilterTest, MethodsOfTheListHaveTheirOwn) {
  FilterHarness h(grpcStatsType(),
                  "individual_method_stats_allowlist { services { name: 'pkg.Svc' method_names: 'Get' method_names: "
                  "'Put' } } replace_dots_in_grpc_service_name: true");
  call(h, "/pkg.Svc/Get");
  call(h, "/pkg.Svc/Other");
  EXPECT_EQ(count(h, "pkg_Svc.Get.total"), 1u);
  EXPECT_EQ(count(h, "total"), 1u);
}

TEST(GrpcStatsFilterTest, AListThatNamesNoMethodIsAnError) {
  harness::FilterWorld world;
  EXPECT_EQ(world.errorsOf(grpcStatsType(),
                           "individual_method_stats_allowlist { services { name: 's/t' method_names: 'm' } }"),
            "individual_method_stats_allowlist.services[0].method_names[0]: \"/s/t/m\" is not the path of a call; "
            "allowed: a service and a method without '/', together at most 256 bytes\n");
}

TEST(GrpcStatsFilterTest, RequestsThatAreNotGrpcAreNotCounted) {
  FilterHarness h(grpcStatsType(), "");
  EXPECT_TRUE(h.get()->complete());
  EXPECT_EQ(h.world.stats.counterValue("cluster.cluster.grpc.total"), std::nullopt);
}

TEST(GrpcStatsFilterTest, MessagesAreCountedWhileTheStreamLasts) {
  FilterHarness h(grpcStatsType(), "");
  const auto x = open(h, "/s/m");
  x->upstream.pushHead(x->response(200, {{"content-type", "application/grpc"}}));
  for (const char c : kMessage + kMessage.substr(0, 4)) x->upstream.pushData(std::string_view(&c, 1));
  x->settle();
  EXPECT_EQ(count(h, "response_message_count"), 1u);
  EXPECT_EQ(count(h, "total"), 0u);
  x->upstream.pushData(kMessage.substr(4));
  x->settle();
  EXPECT_EQ(count(h, "response_message_count"), 2u);
}

TEST(GrpcStatsFilterTest, StatusesAreFoundWhereverTheyAre) {
  FilterHarness h(grpcStatsType(), "");
  const auto trailers_only = open(h, "/s/m");
  trailers_only->answer(200, {{"content-type", "application/grpc"}, {"grpc-status", "7"}});
  trailers_only->settle();
  const auto not_grpc = open(h, "/s/m");
  not_grpc->answer(404);
  not_grpc->settle();
  const auto failed = open(h, "/s/m");
  failed->upstream.pushFailed(http::Reason::kConnectFailure);
  failed->settle();
  const auto late = open(h, "/s/m");
  late->replyOrReset(http::Reason::kRouteTimeout);
  late->settle();
  EXPECT_EQ(late->status(), 200);
  for (auto* x : {trailers_only.get(), not_grpc.get(), failed.get(), late.get()}) x->chain.complete();
  EXPECT_EQ(count(h, "7"), 1u);
  EXPECT_EQ(count(h, "12"), 1u);
  EXPECT_EQ(count(h, "14"), 1u);
  EXPECT_EQ(count(h, "4"), 1u);
  EXPECT_EQ(count(h, "failure"), 4u);
}

TEST(GrpcStatsFilterTest, CallsThatBrokeOffHaveFailed) {
  FilterHarness h(grpcStatsType(), "");
  for (const http::Reason reason : {http::Reason::kClientGone, http::Reason::kUpstreamTruncated}) {
    const auto x = open(h, "/s/m");
    x->upstream.pushHead(x->response(200, {{"content-type", "application/grpc"}}));
    x->settle();
    if (reason == http::Reason::kClientGone) x->client.setLost(reason);
    if (reason != http::Reason::kClientGone) x->upstream.pushFailed(reason);
    x->settle();
    EXPECT_TRUE(x->reset());
  }
  EXPECT_EQ(count(h, "1"), 1u);
  EXPECT_EQ(count(h, "14"), 1u);
}

TEST(GrpcStatsFilterTest, TimesAreMeasuredOnRequest) {
  FilterHarness h(grpcStatsType(), "enable_upstream_stats: true");
  const auto x = open(h, "/s/m");
  x->info.upstream_first_sent = x->info.start;
  x->info.upstream_last_received = x->info.start + absl::Milliseconds(30);
  x->chain.complete();
  const std::vector<stats::Sample> samples =
      h.world.stats.read({[](std::string_view text) { return text == "cluster.cluster.grpc.upstream_rq_time"; }, true});
  EXPECT_EQ(samples.size(), 1u);
}

TEST(CallCountersTableTest, MethodsBeyondTheLimitShareTheCountersOfTheirCluster) {
  stats::Registry registry;
  stats::Shard& shard = registry.makeShard();
  const stats::CounterId over = registry.counter({"http", "p", "grpc_stats.methods_over_limit"});
  const CallCountersTable table(registry, over, false);
  const auto name = [](size_t i) { return "s.m" + std::to_string(i); };
  for (size_t i = 0; i < CallCountersTable::kMaxMethods; ++i) {
    table.find("c", name(i), shard).addCall(shard, http::GrpcStatus::kOk);
  }
  EXPECT_EQ(registry.value(over), 0u);
  const CallCounters& late = table.find("c", name(CallCountersTable::kMaxMethods), shard);
  EXPECT_EQ(registry.value(over), 1u);
  EXPECT_EQ(&late, &table.find("c", "", shard));
  EXPECT_EQ(&table.find("c", name(0), shard), &table.find("c", name(0), shard));
  EXPECT_NE(&table.find("other", "", shard), &late);
  EXPECT_EQ(registry.counterValue("cluster.c.grpc.s.m999.0"), 1u);
  EXPECT_EQ(registry.counterValue("cluster.c.grpc.s.m1000.total"), std::nullopt);
}

TEST(CallCountersTableTest, WorkersThatSeeAMethodAtOnceShareItsCounters) {
  stats::Registry registry;
  const stats::CounterId over = registry.counter({"http", "p", "grpc_stats.methods_over_limit"});
  const CallCountersTable table(registry, over, true);
  constexpr size_t kWorkers = 4;
  constexpr size_t kMethods = 200;
  std::vector<std::thread> workers;
  for (size_t w = 0; w < kWorkers; ++w) {
    workers.emplace_back([&table, shard = &registry.makeShard()] {
      for (size_t i = 0; i < kMethods; ++i) {
        table.find("c", "s.m" + std::to_string(i), *shard).addCall(*shard, http::GrpcStatus::kUnavailable);
      }
    });
  }
  for (std::thread& worker : workers) worker.join();
  for (size_t i = 0; i < kMethods; ++i) {
    const std::string method = "cluster.c.grpc.s.m" + std::to_string(i);
    EXPECT_EQ(registry.counterValue(method + ".total"), kWorkers);
    EXPECT_EQ(registry.counterValue(method + ".14"), kWorkers);
  }
}

TEST(GrpcStatsFilterTest, KeepsTheContractOfFilters) {
  harness::FilterContract contract;
  contract.make = [](harness::FilterWorld& w) {
    return w.makeFilter(grpcStatsType(), "stats_for_all_methods { value: true } enable_upstream_stats: true");
  };
  contract.path = "/pkg.Svc/Get";
  contract.request_fields = {{"content-type", "application/grpc"}};
  contract.response_fields = {{"content-type", "application/grpc"}};
  EXPECT_NE(harness::runFilterContract(contract).find("END response-trailer=1"), std::string::npos);
}

}  // namespace
}  // namespace weir::extensions::grpc_stats
