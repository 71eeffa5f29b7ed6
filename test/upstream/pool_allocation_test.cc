// Counts calls of the global operator new: requests over a pooled connection must make none. Poller and socket are the
// smallest that answer, so that all that is counted is weir's own.
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>

#include "gtest/gtest.h"
#include "test/upstream/upstream_world.h"

namespace {
size_t allocations = 0;
}  // namespace

void* operator new(size_t bytes) {
  ++allocations;
  void* const memory = malloc(bytes);
  if (memory == nullptr) abort();
  return memory;
}
void operator delete(void* memory) noexcept { free(memory); }
void operator delete(void* memory, size_t) noexcept { free(memory); }

namespace weir::upstream {
namespace {

// What the one socket has to tell its connection.
struct Line {
  event::ReadyHandler* handler = nullptr;
  event::Readiness ready;
  std::string_view unread;
  int connects = 0;
};

class LinePoller final : public event::Poller {
 public:
  explicit LinePoller(Line& line) : line_(line) {}
  bool poll(std::optional<absl::Duration>, absl::FunctionRef<void()> before) override {
    before();
    const event::Readiness ready = std::exchange(line_.ready, {});
    if (line_.handler == nullptr || !(ready.readable || ready.writable)) return false;
    line_.handler->onReady(ready);
    return true;
  }
  void interrupt() override {}

 private:
  Line& line_;
};

// Answers every write.
class LineSocket final : public net::Socket {
 public:
  explicit LineSocket(Line& line) : line_(line) {}
  void watch(event::ReadyHandler& handler) override {
    line_.handler = &handler;
    line_.ready.writable = true;  // connected at once
  }
  net::IoResult read(std::span<const iovec> into) override {
    if (line_.unread.empty()) return {net::IoResult::State::kWouldBlock, 0, 0};
    const size_t bytes = std::min(line_.unread.size(), into[0].iov_len);
    memcpy(into[0].iov_base, line_.unread.data(), bytes);
    line_.unread.remove_prefix(bytes);
    return {net::IoResult::State::kOk, bytes, 0};
  }
  net::IoResult write(std::span<const iovec> from) override {
    size_t bytes = 0;
    for (const iovec& piece : from) bytes += piece.iov_len;
    line_.unread = kOk;
    line_.ready.readable = true;
    return {net::IoResult::State::kOk, bytes, 0};
  }
  void shutdownWrite() override {}
  void resetOnClose() override {}
  absl::Status connectResult() override { return absl::OkStatus(); }
  net::Address localAddress() const override { return {}; }
  net::Address remoteAddress() const override { return {}; }

 private:
  Line& line_;
};

class LineNetwork final : public net::Network {
 public:
  explicit LineNetwork(Line& line) : line_(line) {}
  absl::StatusOr<std::unique_ptr<net::ListenSocket>> bind(const net::Address&, const net::BindOptions&) override {
    return absl::UnimplementedError("nobody listens here");
  }
  absl::StatusOr<std::unique_ptr<net::Socket>> connect(const net::Address&,
                                                       const std::optional<net::KeepAlive>&) override {
    ++line_.connects;
    return std::make_unique<LineSocket>(line_);
  }

 private:
  Line& line_;
};

TEST(PoolAllocationTest, APooledRequestAllocatesNothing) {
  UpstreamWorld world;
  Line line;
  LinePoller poller(line);
  LineNetwork network(line);
  event::Dispatcher dispatcher(poller, world.simulation.clock());
  TestWorker& base = world.worker();
  const net::WorkerContext context{dispatcher, network, base.blocks, base.chunks, base.random, base.context.stats, 0};
  WorkerCluster cluster(world.makeCluster({*net::Address::parse("10.0.0.1:80")}), context, world.memory);
  Asker asker(context);
  const auto round = [&](int number) {
    asker.ask(cluster);
    for (int turns = 0; turns < 20 && asker.answers < number; ++turns) dispatcher.turn(false);
  };
  int number = 0;
  while (number < 10) round(++number);
  ASSERT_EQ(asker.answers, 10);
  const size_t warm = allocations;
  while (number < 1010) round(++number);
  EXPECT_EQ(allocations, warm);
  EXPECT_EQ(asker.answers, 1010);
  EXPECT_EQ(line.connects, 1);
}

}  // namespace
}  // namespace weir::upstream
