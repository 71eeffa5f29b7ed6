// What it costs to find a route, by the size of the table and where in it the route stands, and what a table costs to
// make and to keep. The goals: the last of 10,000 routes at most 1.2 times the first; 10,000 routes made in less than
// 200 ms, each in at most 1 KiB.
//   bazel run --config=release //bench/micro:route_match_benchmark
#include <benchmark/benchmark.h>
#include <malloc.h>

#include <memory>
#include <string>
#include <vector>

#include "envoy/config/route/v3/route.pb.h"
#include "envoy/type/matcher/v3/matcher.pb.h"
#include "source/base/arena.h"
#include "source/base/random.h"
#include "source/extensions/routes/compile_routes.h"
#include "source/stats/stats.h"

namespace weir::extensions {
namespace {

enum class Form { kPrefix, kRegex, kRegexOneGroup };

std::string serviceOf(int64_t i) { return "service-" + std::to_string(100'000 + i); }

std::string pathOf(Form form, int64_t i) {
  if (form == Form::kRegexOneGroup) return "/tenant-7/" + serviceOf(i) + "/items/42";
  return "/api/v1/" + serviceOf(i) + "/items/42";
}

envoy::config::route::v3::RouteConfiguration tableMessage(Form form, int64_t routes) {
  envoy::config::route::v3::RouteConfiguration message;
  auto& host = *message.add_virtual_hosts();
  host.set_name("all");
  host.add_domains("*");
  for (int64_t i = 0; i < routes; ++i) {
    auto& route = *host.add_routes();
    if (form == Form::kPrefix) route.mutable_match()->set_prefix("/api/v1/" + serviceOf(i) + "/");
    if (form == Form::kRegex) {
      route.mutable_match()->mutable_safe_regex()->set_regex("/api/v1/" + serviceOf(i) + "/items/[0-9]+");
    }
    if (form == Form::kRegexOneGroup) {
      route.mutable_match()->mutable_safe_regex()->set_regex("/[a-z]+-[0-9]/" + serviceOf(i) + "/items/[0-9]+");
    }
    route.mutable_route()->set_cluster("cluster-of-" + serviceOf(i));
  }
  return message;
}

class Tables {
 public:
  std::unique_ptr<const proxy::RouteTable> make(const envoy::config::route::v3::RouteConfiguration& message) {
    const base::FieldPath root;
    const RouteContext context{stats_, diagnostics_, clock_, registry_, chain_, slot_types_, "bench", problem_, false};
    return compileRoutes(message, context, root);
  }

 private:
  stats::Registry stats_;
  base::Diagnostics diagnostics_;
  base::RealClock clock_;
  filter::HttpFilterRegistry registry_;
  filter::HttpChainConfig chain_{{}};
  std::vector<const filter::HttpFilterType*> slot_types_;
  std::function<std::string(std::string_view)> problem_ = [](std::string_view) { return ""; };
};

// `at`: 0 the first route, 1 the last, 2 none.
void match(benchmark::State& state, Form form) {
  const int64_t routes = state.range(0);
  Tables tables;
  const auto table = tables.make(tableMessage(form, routes));
  const std::string path = pathOf(form, state.range(1) == 0 ? 0 : state.range(1) == 1 ? routes - 1 : routes + 500'000);
  base::ChunkPool chunks;
  base::Arena arena(chunks);
  http::Head& head = *arena.make<http::Head>(arena);
  head.method = "GET";
  head.authority = "any.example";
  head.path = path;
  const filter::StreamInfo info;
  base::Random random(1);
  for (auto _ : state) benchmark::DoNotOptimize(table->match(head, info, random));
  if ((table->match(head, info, random) == nullptr) != (state.range(1) == 2)) state.SkipWithError("another route");
}

void prefixes(benchmark::State& state) { match(state, Form::kPrefix); }
void regexes(benchmark::State& state) { match(state, Form::kRegex); }
void regexesOfOneGroup(benchmark::State& state) { match(state, Form::kRegexOneGroup); }
BENCHMARK(prefixes)->ArgNames({"routes", "first0_last1_miss2"})->ArgsProduct({{1, 256, 10'000, 100'000}, {0, 1, 2}});
BENCHMARK(regexes)->ArgNames({"routes", "first0_last1_miss2"})->ArgsProduct({{1, 256, 10'000}, {0, 1, 2}});
BENCHMARK(regexesOfOneGroup)->ArgNames({"routes", "first0_last1_miss2"})->ArgsProduct({{1, 256, 1'000}, {0, 1, 2}});

void load(benchmark::State& state) {
  Tables tables;
  const auto message = tableMessage(Form::kPrefix, state.range(0));
  size_t bytes = 0;
  for (auto _ : state) {
    const size_t before = mallinfo2().uordblks;
    const auto table = tables.make(message);
    bytes = mallinfo2().uordblks - before;
  }
  state.counters["bytes_per_route"] = static_cast<double>(bytes) / static_cast<double>(state.range(0));
}
BENCHMARK(load)->ArgNames({"routes"})->Arg(10'000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace weir::extensions
