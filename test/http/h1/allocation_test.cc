// In steady state an exchange takes nothing from the heap (law 12): this binary counts every operator new.
#include <memory>
#include <utility>

#include "gtest/gtest.h"
#include "source/http/h1/h1_codec.h"
#include "test/harness/allocations/allocations.h"

namespace weir::http::h1 {
namespace {

// One side of an exchange without any bookkeeping of its own.
class Side final : public CodecOwner, public StreamOwner {
 public:
  Side(Role role, buffer::BlockPool& blocks, base::ChunkPool& chunks)
      : blocks_(blocks),
        in_(blocks),
        out_(blocks),
        arena_(chunks),
        codec_(role, H1Io{in_, out_, 64 * 1024, chunks}, options_, *this) {}

  void open() { onStream(codec_.open()); }
  void close() {
    stream_.reset();
    arena_.reset();
  }
  // Pulls all parts; true when the last one was End.
  bool pull() {
    bool end = false;
    while (std::optional<Part> part = stream_->receive()) {
      if (part->kind() == Part::Kind::kData) received_ += part->data().size();
      if (part->kind() == Part::Kind::kHead) received_ += part->head().headers.size();
      end = part->kind() == Part::Kind::kEnd;
    }
    return end;
  }
  void carryTo(Side& other) {
    codec_.beforeFlush();
    other.in_.append(std::move(out_));
    other.codec_.onInput(false);
    codec_.onRoom();
  }
  Head& head() {
    Head& head = *arena_.make<Head>(arena_);
    for (const char* name : {"accept", "user-agent", "x-request-id", "x-forwarded-for", "x-custom"}) {
      head.headers.add(name, "some value of a usual length");
    }
    return head;
  }
  void send(Head& head, std::string_view body) {
    stream_->send(Part::makeHead(head, blocks_));
    buffer::Buffer data(blocks_);
    data.append(body);
    if (!body.empty()) stream_->send(Part::makeData(std::move(data)));
    stream_->send(Part::makeEnd(nullptr, blocks_));
  }
  size_t received() const { return received_; }

  void onStream(StreamPtr stream) override {
    stream_ = std::move(stream);
    stream_->setOwner(*this, arena_);
  }
  void onOutput() override {}
  void onConsumed() override {}
  void onStreamEnd() override {}
  void wakeStream() override {}

 private:
  buffer::BlockPool& blocks_;
  buffer::Buffer in_;
  buffer::Buffer out_;
  base::Arena arena_;
  H1Options options_;
  H1Codec codec_;
  StreamPtr stream_;
  size_t received_ = 0;
};

TEST(H1Allocation, AnExchangeTakesNothingFromTheHeap) {
  buffer::BlockPool blocks;
  base::ChunkPool chunks;
  auto client = std::make_unique<Side>(Role::kClient, blocks, chunks);
  auto server = std::make_unique<Side>(Role::kServer, blocks, chunks);
  size_t warm = 0;
  for (int round = 0; round < 200; ++round) {
    if (round == 100) warm = harness::allocations();
    client->open();
    Head& request = client->head();
    request.method = "POST";
    request.path = "/some/path?with=query";
    request.authority = "example.com";
    client->send(request, "a body in chunks");
    client->carryTo(*server);
    ASSERT_TRUE(server->pull());
    Head& response = server->head();
    response.status = 200;
    response.content_length = 11;
    server->send(response, "hello world");
    server->carryTo(*client);
    ASSERT_TRUE(client->pull());
    server->close();
    client->close();
  }
  EXPECT_GT(warm, 0u);
  EXPECT_EQ(harness::allocations(), warm);
  EXPECT_EQ(server->received(), 200u * (5 + 16));
  EXPECT_EQ(client->received(), 200u * (5 + 11));
}

TEST(H1Allocation, AnIdleCodecIsSmall) { EXPECT_LE(sizeof(H1Codec), 512u) << sizeof(H1Codec); }

}  // namespace
}  // namespace weir::http::h1
