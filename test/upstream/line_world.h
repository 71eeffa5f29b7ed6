// LineWorld: a worker whose one upstream is the smallest socket that answers, so that all that a test counts is weir's
// own.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "test/upstream/upstream_world.h"

namespace weir::upstream {

// What the one socket has to tell its connection.
struct Line {
  event::ReadyHandler* handler = nullptr;
  event::Readiness ready;
  std::string unread;
  std::function<void(Line&, std::string_view)> on_written;
  int connects = 0;

  void answer(std::string_view bytes) {
    unread += bytes;
    ready.readable = true;
  }
};

class LinePoller final : public event::Poller {
 public:
  explicit LinePoller(Line& line) : line_(line) {}
  bool poll(std::optional<base::MonotonicTime>, absl::FunctionRef<void()> before) override;
  void interrupt() override {}

 private:
  Line& line_;
};

class LineNetwork final : public net::Network {
 public:
  explicit LineNetwork(Line& line) : line_(line) {}
  absl::StatusOr<std::unique_ptr<net::ListenSocket>> bind(const net::Address&, const net::BindOptions&) override;
  absl::StatusOr<std::unique_ptr<net::Socket>> connect(const net::Address&,
                                                       const std::optional<net::KeepAlive>&) override;

 private:
  Line& line_;
};

struct LineWorld {
  explicit LineWorld(std::function<void(Line&, std::string_view)> on_written) {
    line.on_written = std::move(on_written);
    line.unread.reserve(size_t{64} * 1024);
  }

  UpstreamWorld world;
  Line line;
  LinePoller poller{line};
  LineNetwork network{line};
  event::Dispatcher dispatcher{poller, world.simulation.clock()};
  TestWorker& base = world.worker();
  const net::WorkerContext context{dispatcher, network, base.blocks, base.chunks, base.random, base.context.stats, 0};
};

}  // namespace weir::upstream
