// Requests over an HTTP/2 connection take nothing from the heap, and what its streams share comes from its pool.
#include <algorithm>
#include <array>
#include <cstring>
#include <memory>

#include "gtest/gtest.h"
#include "test/harness/allocations/allocations.h"
#include "test/http/h2/frames.h"
#include "test/upstream/line_world.h"

namespace weir::upstream {
namespace {

constexpr size_t kPrefaceBytes = 24;
constexpr size_t kHeaderBytes = 9;

// A server in a few bytes: answers each HEADERS frame with the same response on that stream.
class Server {
 public:
  void take(Line& line, std::string_view bytes) {
    for (; !bytes.empty();) {
      const size_t skipped = std::min(skip_, bytes.size());
      skip_ -= skipped;
      bytes.remove_prefix(skipped);
      if (bytes.empty()) return;
      header_[have_++] = static_cast<unsigned char>(bytes.front());
      bytes.remove_prefix(1);
      if (have_ == kHeaderBytes) onHeader(line);
    }
  }

 private:
  void onHeader(Line& line) {
    have_ = 0;
    skip_ = size_t{header_[0]} << 16 | size_t{header_[1]} << 8 | header_[2];
    if (header_[3] != http::h2::kHeadersFrame) return;
    const size_t second = kHeaderBytes + static_cast<unsigned char>(reply_[2]);
    for (const size_t at : {size_t{0}, second}) memcpy(reply_.data() + at + 5, header_.data() + 5, 4);
    line.answer(reply_);
  }

  std::string reply_ = http::h2::headers(1, http::h2::ok(), false) + http::h2::data(1, "hi", true);
  std::array<unsigned char, kHeaderBytes> header_{};
  size_t have_ = 0;
  size_t skip_ = kPrefaceBytes;
};

TEST(H2AllocationTest, ARequestOverAPooledConnectionAllocatesNothing) {
  Server server;
  LineWorld w([&server](Line& line, std::string_view bytes) { server.take(line, bytes); });
  w.line.unread = http::h2::settings();
  WorkerCluster cluster(w.world.makeCluster({*net::Address::parse("10.0.0.1:80")},
                                            [](ClusterConfig& config) { config.protocol = Protocol::kHttp2; }),
                        w.context, w.world.memory);
  std::array<std::unique_ptr<Asker>, 8> askers;
  for (auto& asker : askers) asker = std::make_unique<Asker>(w.context);
  const auto round = [&](int number) {
    for (auto& asker : askers) asker->ask(cluster);
    for (int turns = 0; turns < 20 && askers.back()->answers < number; ++turns) w.dispatcher.turn(false);
  };
  int number = 0;
  while (number < 20) round(++number);
  for (const auto& asker : askers) ASSERT_EQ(asker->answers, 20);
  const size_t warm = harness::allocations();
  EXPECT_GT(warm, 0u);
  const size_t pooled = w.world.memory.heapAllocations();
  while (number < 520) round(++number);
  EXPECT_EQ(harness::allocations(), warm);
  EXPECT_EQ(w.world.memory.heapAllocations(), pooled);
  for (const auto& asker : askers) EXPECT_EQ(asker->answers, 520);
  EXPECT_EQ(w.line.connects, 1);
}

}  // namespace
}  // namespace weir::upstream
