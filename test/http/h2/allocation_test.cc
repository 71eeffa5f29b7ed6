// In steady state a stream takes nothing from the heap (law 12): this binary counts every operator new. The pieces that
// SessionMemory keeps are counted apart.
#include <memory>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "source/http/h2/h2_codec.h"
#include "test/harness/allocations/allocations.h"

namespace weir::http::h2 {
namespace {

constexpr size_t kStreams = 10;

// One side of a connection without any bookkeeping of its own.
class Side final : public CodecOwner, public StreamOwner {
 public:
  Side(Role role, buffer::BlockPool& blocks, base::ChunkPool& chunks, SessionMemory& memory)
      : blocks_(blocks),
        in_(blocks),
        out_(blocks),
        codec_(role, H2Io{in_, out_, 64 * 1024, chunks, memory, now_}, options_, *this) {
    for (size_t i = 0; i < kStreams; ++i) slots_.push_back(std::make_unique<Slot>(chunks));
  }

  void open() { onStream(codec_.open()); }
  void close() {
    for (auto& slot : slots_) {
      slot->stream.reset();
      slot->arena.reset();
    }
    used_ = 0;
  }
  // Pulls all parts of all streams; how many ended.
  size_t pull() {
    size_t ended = 0;
    for (size_t i = 0; i < used_; ++i) {
      while (std::optional<Part> part = slots_[i]->stream->receive()) {
        if (part->kind() == Part::Kind::kData) received_ += part->data().size();
        if (part->kind() == Part::Kind::kEnd) ++ended;
      }
    }
    return ended;
  }
  void carryTo(Side& other) {
    codec_.beforeFlush();
    other.in_.append(std::move(out_));
    other.codec_.onInput(false);
    codec_.onRoom();
  }
  Head& head(size_t i) {
    base::Arena& arena = slots_[i]->arena;
    Head& head = *arena.make<Head>(arena);
    for (const char* name : {"accept", "user-agent", "x-request-id", "x-forwarded-for", "x-custom"}) {
      head.headers.add(name, "some value of a usual length");
    }
    return head;
  }
  void send(size_t i, Head& head, std::string_view body) {
    Stream& stream = *slots_[i]->stream;
    stream.send(Part::makeHead(head, blocks_));
    buffer::Buffer data(blocks_);
    data.append(body);
    stream.send(Part::makeData(std::move(data)));
    stream.send(Part::makeEnd(nullptr, blocks_));
  }
  size_t received() const { return received_; }
  const H2Codec& codec() const { return codec_; }

  void onStream(StreamPtr stream) override {
    Slot& slot = *slots_.at(used_++);
    slot.stream = std::move(stream);
    slot.stream->setOwner(*this, slot.arena);
  }
  void onOutput() override {}
  void onConsumed() override {}
  void onStreamEnd() override {}
  void wakeStream() override {}

 private:
  struct Slot {
    explicit Slot(base::ChunkPool& chunks) : arena(chunks) {}
    base::Arena arena;
    StreamPtr stream;
  };

  buffer::BlockPool& blocks_;
  buffer::Buffer in_;
  buffer::Buffer out_;
  base::MonotonicTime now_;
  H2Options options_;
  H2Codec codec_;
  std::vector<std::unique_ptr<Slot>> slots_;
  size_t used_ = 0;
  size_t received_ = 0;
};

TEST(H2Allocation, AStreamTakesNothingFromTheHeap) {
  buffer::BlockPool blocks;
  base::ChunkPool chunks;
  SessionMemory memory;
  auto client = std::make_unique<Side>(Role::kClient, blocks, chunks, memory);
  auto server = std::make_unique<Side>(Role::kServer, blocks, chunks, memory);
  size_t warm = 0;
  size_t warm_memory = 0;
  size_t warm_asked = 0;
  for (int round = 0; round < 200; ++round) {
    if (round == 100) {
      warm = harness::allocations();
      warm_memory = memory.heapAllocations();
      warm_asked = memory.allocations();
    }
    for (size_t i = 0; i < kStreams; ++i) {
      client->open();
      Head& request = client->head(i);
      request.method = "POST";
      request.scheme = "http";
      request.path = "/some/path?with=query";
      request.authority = "example.com";
      client->send(i, request, "a body of some bytes");
    }
    client->carryTo(*server);
    ASSERT_EQ(server->pull(), kStreams);
    for (size_t i = 0; i < kStreams; ++i) {
      Head& response = server->head(i);
      response.status = 200;
      response.content_length = 11;
      server->send(i, response, "hello world");
    }
    server->close();
    server->carryTo(*client);
    ASSERT_EQ(client->pull(), kStreams);
    client->close();
  }
  EXPECT_EQ(harness::allocations(), warm) << "weir's own";
  EXPECT_EQ(memory.heapAllocations(), warm_memory) << "the streams' and the tables'";
  const double asked = static_cast<double>(memory.allocations() - warm_asked) / (100 * kStreams);
  RecordProperty("pieces_per_exchange_both_sides", std::to_string(asked));
  EXPECT_LT(asked, 5.0);
  EXPECT_EQ(server->received(), 200 * kStreams * 20);
  EXPECT_EQ(client->received(), 200 * kStreams * 11);
  EXPECT_EQ(server->codec().unsentStreams(), 0u);
}

TEST(H2Allocation, AnIdleConnectionIsSmall) {
  buffer::BlockPool blocks;
  base::ChunkPool chunks;
  SessionMemory memory;
  auto client = std::make_unique<Side>(Role::kClient, blocks, chunks, memory);
  auto server = std::make_unique<Side>(Role::kServer, blocks, chunks, memory);
  client->carryTo(*server);
  server->carryTo(*client);
  client->carryTo(*server);
  EXPECT_EQ(memory.bytesInUse(), 0u);
  EXPECT_LE(sizeof(H2Codec), 1000u) << sizeof(H2Codec);
  EXPECT_EQ(blocks.inUse(), 0u);
}

TEST(SessionMemory, PiecesAreReusedBySize) {
  SessionMemory memory(64 * 1024);
  for (const size_t size : {1u, 31u, 32u, 33u, 511u, 512u, 513u, 768u, 769u, 1024u, 1025u, 40'000u, 65'536u, 70'000u}) {
    char* const piece = static_cast<char*>(memory.allocateZeroed(size));
    for (size_t i = 0; i < size; ++i) ASSERT_EQ(piece[i], 0);
    EXPECT_GE(memory.bytesInUse(), size);
    EXPECT_LE(memory.bytesInUse(), size + size / 2 + 32);
    memory.release(piece);
    EXPECT_EQ(memory.bytesInUse(), 0u);
  }
  const size_t before = memory.heapAllocations();
  for (int i = 0; i < 100; ++i) memory.release(memory.allocate(100));
  EXPECT_LE(memory.heapAllocations(), before + 1);
  memory.release(nullptr);
}

}  // namespace
}  // namespace weir::http::h2
