// An exchange through chains of filters that do nothing but look at both heads, and lines of access logs.
#include <benchmark/benchmark.h>
#include <google/protobuf/struct.pb.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "source/extensions/access_loggers/line_format.h"
#include "source/filter/substitution_format.h"
#include "test/harness/filter/filter_exchange.h"
#include "test/harness/filter/filter_world.h"

namespace weir {
namespace {

class Nothing final : public filter::HttpFilter {
  filter::Verdict onRequestHead(http::Head&) override { return filter::Verdict::next(); }
  filter::Verdict onResponseHead(http::Head&) override { return filter::Verdict::next(); }
};

class NothingFactory final : public filter::HttpFilterFactory {
 public:
  filter::HttpFilter* create(base::Arena& arena, const net::WorkerContext&) const override {
    return arena.make<Nothing>();
  }
  filter::HookMask hooks() const override {
    return filter::HookMask{filter::HookMask::kRequestHead | filter::HookMask::kResponseHead};
  }
};

void chain(benchmark::State& state) {
  harness::FilterWorld world;
  std::vector<filter::HttpChainConfig::Slot> slots;
  for (int64_t i = 0; i < state.range(0); ++i) slots.push_back({"nothing", std::make_unique<NothingFactory>(), false});
  const filter::HttpChainConfig config(std::move(slots));
  harness::FakeRoute route;
  for (auto _ : state) {
    harness::FilterExchange exchange(world, config, &route);
    exchange.get("/");
    exchange.settle();
    exchange.answer(200);
    exchange.settle();
    benchmark::DoNotOptimize(exchange.complete());
    world.simulation.runFor(absl::Nanoseconds(1));  // nothing may go on for ever in one instant
  }
}
BENCHMARK(chain)->ArgName("filters")->Arg(0)->Arg(5)->Arg(20);

// `log` appends a line about an exchange that is over to the text.
template <typename Log>
void lines(benchmark::State& state, const Log& log) {
  harness::FilterWorld world;
  const filter::HttpChainConfig config({});
  harness::FakeRoute route;
  harness::FilterExchange exchange(world, config, &route);
  exchange.get("/some/path");
  exchange.settle();
  exchange.answer(200);
  exchange.settle();
  std::string line;
  for (auto _ : state) {
    line.clear();
    log(exchange.info, line);
    benchmark::DoNotOptimize(line.data());
  }
  state.counters["bytes"] = static_cast<double>(line.size());
}

void textLine(benchmark::State& state) {
  constexpr const char* kText =
      "[%START_TIME%] \"%REQ(:METHOD)% %REQ(:PATH)% %PROTOCOL%\" %RESPONSE_CODE% %RESPONSE_FLAGS% %BYTES_RECEIVED% "
      "%BYTES_SENT% %DURATION% \"%REQ(USER-AGENT)%\" \"%REQ(:AUTHORITY)%\" \"%UPSTREAM_HOST%\"\n";
  const auto format = filter::SubstitutionFormat::parse(kText, false);
  if (!format.ok()) return state.SkipWithError("the format does not parse");
  lines(state, [&](const filter::StreamInfo& info, std::string& out) { (*format)->append(info, out); });
}
BENCHMARK(textLine);

void jsonLine(benchmark::State& state) {
  google::protobuf::Struct object;
  for (const char* const name :
       {"START_TIME", "REQ(:METHOD)", "REQ(:PATH)", "PROTOCOL", "RESPONSE_CODE", "RESPONSE_FLAGS", "BYTES_RECEIVED",
        "BYTES_SENT", "DURATION", "REQ(USER-AGENT)", "REQ(:AUTHORITY)", "UPSTREAM_HOST"}) {
    (*object.mutable_fields())[name].set_string_value("%" + std::string(name) + "%");
  }
  base::Diagnostics diagnostics;
  const base::FieldPath root;
  const auto format = extensions::LineFormat::json(object, false, diagnostics, root);
  if (format == nullptr) return state.SkipWithError("the format does not parse");
  lines(state, [&](const filter::StreamInfo& info, std::string& out) { format->append(info, out); });
}
BENCHMARK(jsonLine);

}  // namespace
}  // namespace weir
