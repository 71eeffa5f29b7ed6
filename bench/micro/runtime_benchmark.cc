// What every request leans on: buffers that move, timers, token buckets.
#include <benchmark/benchmark.h>

#include <memory>
#include <string>
#include <vector>

#include "source/buffer/buffer.h"
#include "source/event/timer.h"
#include "source/extensions/rate_limits/token_bucket.h"
#include "test/harness/sim/simulation.h"

namespace weir {
namespace {

void bufferMove(benchmark::State& state) {
  buffer::BlockPool pool;
  buffer::Buffer from(pool);
  buffer::Buffer to(pool);
  from.append(std::string(static_cast<size_t>(state.range(0)), 'x'));
  for (auto _ : state) {
    to.append(std::move(from));
    from.append(std::move(to));
  }
  state.SetItemsProcessed(2 * static_cast<int64_t>(state.iterations()));
}
BENCHMARK(bufferMove)->Arg(100)->Arg(16384)->Arg(1 << 20);

void bufferAppendDrain(benchmark::State& state) {
  buffer::BlockPool pool;
  buffer::Buffer buffer(pool);
  const std::string bytes(static_cast<size_t>(state.range(0)), 'x');
  for (auto _ : state) {
    buffer.append(bytes);
    buffer.drain(bytes.size());
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations()) * state.range(0));
}
BENCHMARK(bufferAppendDrain)->Arg(100)->Arg(16384);

class Nobody final : public event::TimerHandler {
  void onTimer(event::Timer&) override {}
};

// Among so many timers that stand: one that is armed and cancelled, and one that is moved further away.
void timerArmCancel(benchmark::State& state) {
  harness::Simulation simulation;
  event::Dispatcher& dispatcher = simulation.addDispatcher();
  Nobody nobody;
  std::vector<std::unique_ptr<event::Timer>> others;
  for (int64_t i = 0; i < state.range(0); ++i) {
    others.push_back(std::make_unique<event::Timer>(dispatcher, nobody));
    others.back()->arm(absl::Milliseconds(1000 + i % 60000));
  }
  event::Timer timer(dispatcher, nobody);
  for (auto _ : state) {
    timer.arm(absl::Seconds(15));
    timer.cancel();
  }
}
BENCHMARK(timerArmCancel)->Arg(0)->Arg(100000);

void timerMove(benchmark::State& state) {
  harness::Simulation simulation;
  event::Dispatcher& dispatcher = simulation.addDispatcher();
  Nobody nobody;
  event::Timer timer(dispatcher, nobody);
  for (auto _ : state) timer.arm(absl::Seconds(15));
}
BENCHMARK(timerMove);

void tokenBucket(benchmark::State& state) {
  extensions::TokenBucket bucket(1000000, 1000000, absl::Milliseconds(1), base::MonotonicTime{0});
  base::MonotonicTime now{0};
  for (auto _ : state) {
    now.nanoseconds += 100;
    benchmark::DoNotOptimize(bucket.take(now));
  }
}
BENCHMARK(tokenBucket);

}  // namespace
}  // namespace weir
