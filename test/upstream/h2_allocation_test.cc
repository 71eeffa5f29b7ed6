// Counts calls of the global operator new: requests over an HTTP/2 connection must make none, and the library's own
// memory must come back from its pool. Poller and socket are the smallest that answer.
#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>

#include "gtest/gtest.h"
#include "test/http/h2/frames.h"
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

constexpr size_t kPrefaceBytes = 24;
constexpr size_t kHeaderBytes = 9;

// A server in a few bytes: answers each HEADERS frame with the same response on that stream.
struct Line {
  event::ReadyHandler* handler = nullptr;
  event::Readiness ready;
  std::string unread = http::h2::settings();
  std::string reply = http::h2::headers(1, http::h2::ok(), false) + http::h2::data(1, "hi", true);
  std::array<unsigned char, kHeaderBytes> header{};
  size_t have = 0;
  size_t skip = kPrefaceBytes;
  int connects = 0;

  void take(std::string_view bytes) {
    for (; !bytes.empty();) {
      const size_t skipped = std::min(skip, bytes.size());
      skip -= skipped;
      bytes.remove_prefix(skipped);
      if (bytes.empty()) return;
      header[have++] = static_cast<unsigned char>(bytes.front());
      bytes.remove_prefix(1);
      if (have == kHeaderBytes) onHeader();
    }
  }

 private:
  void onHeader() {
    have = 0;
    skip = size_t{header[0]} << 16 | size_t{header[1]} << 8 | header[2];
    if (header[3] != http::h2::kHeadersFrame) return;
    const size_t second = kHeaderBytes + static_cast<unsigned char>(reply[2]);
    for (const size_t at : {size_t{0}, second}) memcpy(reply.data() + at + 5, header.data() + 5, 4);
    unread += reply;
    ready.readable = true;
  }
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
    line_.unread.erase(0, bytes);
    return {net::IoResult::State::kOk, bytes, 0};
  }
  net::IoResult write(std::span<const iovec> from) override {
    size_t bytes = 0;
    for (const iovec& piece : from) {
      line_.take({static_cast<const char*>(piece.iov_base), piece.iov_len});
      bytes += piece.iov_len;
    }
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

TEST(H2AllocationTest, ARequestOverAPooledConnectionAllocatesNothing) {
  UpstreamWorld world;
  Line line;
  line.unread.reserve(64 * 1024);
  LinePoller poller(line);
  LineNetwork network(line);
  event::Dispatcher dispatcher(poller, world.simulation.clock());
  TestWorker& base = world.worker();
  const net::WorkerContext context{dispatcher, network, base.blocks, base.chunks, base.random, base.context.stats, 0};
  WorkerCluster cluster(world.makeCluster({*net::Address::parse("10.0.0.1:80")},
                                          [](ClusterConfig& config) { config.protocol = Protocol::kHttp2; }),
                        context, world.memory);
  std::array<std::unique_ptr<Asker>, 8> askers;
  for (auto& asker : askers) asker = std::make_unique<Asker>(context);
  const auto round = [&](int number) {
    for (auto& asker : askers) asker->ask(cluster);
    for (int turns = 0; turns < 20 && askers.back()->answers < number; ++turns) dispatcher.turn(false);
  };
  int number = 0;
  while (number < 20) round(++number);
  for (const auto& asker : askers) ASSERT_EQ(asker->answers, 20);
  const size_t warm = allocations;
  const size_t library = world.memory.heapAllocations();
  while (number < 520) round(++number);
  EXPECT_EQ(allocations, warm);
  EXPECT_EQ(world.memory.heapAllocations(), library);
  for (const auto& asker : askers) EXPECT_EQ(asker->answers, 520);
  EXPECT_EQ(line.connects, 1);
}

}  // namespace
}  // namespace weir::upstream
