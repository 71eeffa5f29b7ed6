// origin: what stands behind the proxies in the bench suite. Prints "http PORT raw PORT" and serves until its standard
// input ends.

#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "bench/load/incoming.h"
#include "source/base/clock.h"
#include "source/event/libevent_poller.h"
#include "source/net/kernel_network.h"
#include "source/stats/stats.h"

namespace weir::bench {
namespace {

// Ends the process when whoever started it is gone.
class Parent final : private event::ReadyHandler {
 public:
  explicit Parent(event::LibeventPoller& poller) : watch_(poller.watch(STDIN_FILENO, *this)) {}

 private:
  void onReady(event::Readiness) override {
    char byte;
    if (::read(STDIN_FILENO, &byte, 1) <= 0) std::_Exit(0);
  }
  std::unique_ptr<event::LibeventPoller::Watch> watch_;
};

int main() {
  ::signal(SIGPIPE, SIG_IGN);
  const base::RealClock clock;
  event::LibeventPoller poller;
  event::Dispatcher dispatcher(poller, clock);
  net::KernelNetwork network(poller);
  buffer::BlockPool blocks(4096);
  base::ChunkPool chunks(4096);
  base::Random random(1);
  stats::Registry registry;
  const net::WorkerContext worker{dispatcher, network, blocks, chunks, random, registry.makeShard()};
  Incoming http(worker, Incoming::Kind::kHttp);
  Incoming raw(worker, Incoming::Kind::kRaw);
  const Parent parent(poller);
  std::printf("http %d raw %d\n", http.listen(), raw.listen());
  std::fflush(stdout);
  dispatcher.run();
  return 0;
}

}  // namespace
}  // namespace weir::bench

int main() { return weir::bench::main(); }
