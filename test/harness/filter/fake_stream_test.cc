#include "test/harness/filter/fake_stream.h"

#include "gtest/gtest.h"

namespace weir::harness {
namespace {

struct Owner final : http::StreamOwner {
  int wakes = 0;
  void wakeStream() override { ++wakes; }
};

class FakeStreamTest : public testing::Test {
 protected:
  http::Part data(std::string_view bytes) {
    buffer::Buffer buffer(blocks_);
    buffer.append(bytes);
    return http::Part::makeData(std::move(buffer));
  }
  base::ChunkPool chunks_;
  base::Arena arena_{chunks_};
  buffer::BlockPool blocks_;
  http::Head head_{arena_};
  FakeStream stream_{blocks_};
  Owner owner_;
};

TEST_F(FakeStreamTest, GivesWhatWasPushedInOrderAndWakes) {
  stream_.setOwner(owner_, arena_);
  stream_.pushHead(head_);
  stream_.pushData("abc");
  stream_.pushEnd();
  EXPECT_EQ(owner_.wakes, 3);
  EXPECT_EQ(stream_.receive()->kind(), http::Part::Kind::kHead);
  EXPECT_EQ(stream_.receive()->data().toString(), "abc");
  EXPECT_EQ(stream_.receive()->kind(), http::Part::Kind::kEnd);
  EXPECT_DEATH(stream_.receive(), "after its end");
}

TEST_F(FakeStreamTest, WritesDownWhatIsSentAndTakesRoom) {
  head_.status = 200;
  head_.headers.add("a", "b");
  stream_.setRoom(4);
  stream_.send(http::Part::makeHead(head_, blocks_));
  stream_.send(data("abc"));
  EXPECT_EQ(stream_.room(), 1u);
  EXPECT_DEATH(stream_.send(data("de")), "room");
  stream_.send(http::Part::makeEnd(nullptr, blocks_));
  EXPECT_EQ(stream_.sent(), "HEAD 200 a=b; DATA abc; END; ");
  EXPECT_DEATH(stream_.send(http::Part::makeEnd(nullptr, blocks_)), "after the end");
}

TEST_F(FakeStreamTest, RefusesDataBeforeTheHead) { EXPECT_DEATH(stream_.send(data("a")), "before the head"); }

}  // namespace
}  // namespace weir::harness
