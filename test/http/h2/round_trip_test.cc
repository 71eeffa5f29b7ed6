// Generated messages over all four combinations of the two versions: a client sends, a relay in the middle takes each
// part from one codec and gives it to the other as a proxy does, and what arrives is the same everywhere.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "source/base/random.h"
#include "source/http/h1/h1_codec.h"
#include "source/http/h2/h2_codec.h"

namespace weir::http {
namespace {

struct World {
  buffer::BlockPool blocks;
  base::ChunkPool chunks;
  h2::SessionMemory memory;
  base::MonotonicTime now;
  h1::H1Options h1 = [] {
    h1::H1Options options;
    options.enable_trailers = true;
    return options;
  }();
  h2::H2Options h2;
};

// One end of a connection with one stream.
class End final : public CodecOwner, public StreamOwner {
 public:
  End(World& world, Role role, bool http2)
      : world_(world), in_(world.blocks), out_(world.blocks), arena_(world.chunks) {
    if (http2) {
      codec_ = std::make_unique<h2::H2Codec>(
          role, h2::H2Io{in_, out_, 64 * 1024, world.chunks, world.memory, world.now}, world.h2, *this);
    } else {
      codec_ = std::make_unique<h1::H1Codec>(role, h1::H1Io{in_, out_, 64 * 1024, world.chunks}, world.h1, *this);
    }
    if (role == Role::kClient) onStream(codec_->open());
  }
  ~End() { stream_.reset(); }

  // Moves up to `step` bytes of the output to the other side's input; false when there were none.
  bool carryTo(End& other, size_t step) {
    codec_->beforeFlush();
    if (out_.empty()) return false;
    while (!out_.empty()) {
      other.in_.moveFrom(out_, step);
      other.codec_->onInput(false);
    }
    codec_->onRoom();
    return true;
  }
  Stream* stream() { return stream_.get(); }
  base::Arena& arena() { return arena_; }
  Codec& codec() { return *codec_; }

  void onStream(StreamPtr stream) override {
    stream_ = std::move(stream);
    stream_->setOwner(*this, arena_);
  }
  void onOutput() override {}
  void onConsumed() override {}
  void onStreamEnd() override {}
  void wakeStream() override {}

 private:
  World& world_;
  buffer::Buffer in_;
  buffer::Buffer out_;
  base::Arena arena_;
  std::unique_ptr<Codec> codec_;
  StreamPtr stream_;
};

std::string headText(const Head& head) {
  std::string text(head.method);
  text.append(" ").append(head.authority).append(head.path).append(" ").append(std::to_string(head.status));
  if (head.content_length) text.append(" length:").append(std::to_string(*head.content_length));
  for (const Field& field : head.headers) text.append(" ").append(field.name).append("=").append(field.value);
  return text + "\n";
}

// Takes what came on `from`, appends it to `log`, and hands it to `to` if there is one.
bool relay(End& from, Stream* to, std::string& log) {
  bool moved = false;
  while (from.stream() != nullptr) {
    if (to != nullptr && to->room() == 0) break;
    std::optional<Part> part = from.stream()->receive();
    if (!part) break;
    moved = true;
    switch (part->kind()) {
      case Part::Kind::kHead:
        log += headText(part->head());
        break;
      case Part::Kind::kData:
        log += part->data().toString();
        break;
      case Part::Kind::kEnd:
        log += "\nend";
        if (part->trailers() != nullptr) {
          for (const Field& f : *part->trailers()) log.append(" ").append(f.name).append("=").append(f.value);
        }
        break;
      case Part::Kind::kFailed:
        log.append("\nfailed ").append(reasonInfo(part->reason()).name);
        break;
    }
    if (to != nullptr) to->send(std::move(*part));
  }
  return moved;
}

class Generator {
 public:
  explicit Generator(uint64_t seed) : random_(seed) {}
  size_t below(size_t n) { return static_cast<size_t>(random_.below(n)); }
  std::string word(size_t most) {
    std::string text;
    for (size_t n = 1 + below(most); n > 0; --n) text += static_cast<char>('a' + below(26));
    return text;
  }
  Head& head(base::Arena& arena, bool request) {
    Head& head = *arena.make<Head>(arena);
    if (request) {
      static constexpr std::string_view kMethods[] = {"GET", "POST", "HEAD", "DELETE", "PUT"};
      head.method = kMethods[below(std::size(kMethods))];
      head.scheme = "http";
      head.authority = arena.copy(word(10) + ":80");
      head.path = arena.copy("/" + word(30) + "?" + word(10));
    } else {
      static constexpr uint16_t kStatuses[] = {200, 204, 304, 404, 500};
      head.status = kStatuses[below(std::size(kStatuses))];
    }
    for (size_t n = below(12); n > 0; --n) head.headers.add("x-" + word(8), word(60));
    if (below(2) == 0) head.headers.add("cookie", word(20));
    return head;
  }

 private:
  base::Random random_;
};

void send(Generator& random, End& end, Head& head, bool body, World& world) {
  Stream& stream = *end.stream();
  size_t left = body ? random.below(20'000) : 0;
  const bool sized = random.below(2) == 0;
  if (body && sized) head.content_length = left;
  stream.send(Part::makeHead(head, world.blocks));
  while (left > 0) {
    const size_t n = std::min(left, 1 + random.below(5000));
    buffer::Buffer data(world.blocks);
    data.append(std::string(n, static_cast<char>('A' + random.below(26))));
    stream.send(Part::makeData(std::move(data)));
    left -= n;
  }
  HeaderMap* trailers = nullptr;
  if (body && !sized && random.below(3) == 0) {
    trailers = end.arena().make<HeaderMap>(end.arena());
    trailers->add("x-sum", random.word(10));
  }
  stream.send(Part::makeEnd(trailers, world.blocks));
}

std::string exchange(uint64_t seed, bool down_h2, bool up_h2, size_t step) {
  World world;
  Generator random(seed);
  std::string log;
  {
    End client(world, Role::kClient, down_h2);
    End in(world, Role::kServer, down_h2);
    End out(world, Role::kClient, up_h2);
    End origin(world, Role::kServer, up_h2);
    Head& request = random.head(client.arena(), true);
    const bool head = request.isHead();
    send(random, client, request, request.method == "POST" || request.method == "PUT", world);
    std::string seen[4];
    bool answered = false;
    for (int quiet = 0; quiet < 3;) {
      bool moved = client.carryTo(in, step);
      moved |= relay(in, out.stream(), seen[0]);
      moved |= out.carryTo(origin, step);
      moved |= relay(origin, nullptr, seen[1]);
      if (!answered && seen[1].find("\nend") != std::string::npos) {
        answered = true;
        Head& response = random.head(origin.arena(), false);
        send(random, origin, response, !head && response.status != 204 && response.status != 304, world);
      }
      moved |= origin.carryTo(out, step);
      moved |= relay(out, in.stream(), seen[2]);
      moved |= in.carryTo(client, step);
      moved |= relay(client, nullptr, seen[3]);
      quiet = moved ? 0 : quiet + 1;
    }
    EXPECT_EQ(seen[0], seen[1]) << seed;
    EXPECT_EQ(seen[2], seen[3]) << seed;
    log = seen[1] + "\n---\n" + seen[3];
  }
  return log;
}

TEST(RoundTrip, AllCombinationsOfVersionsAgree) {
  for (uint64_t seed = 1; seed <= 400; ++seed) {
    const size_t step = seed % 3 == 0 ? 1 + seed % 97 : 100'000;
    const std::string expected = exchange(seed, false, false, step);
    EXPECT_NE(expected.rfind("\nend"), std::string::npos) << expected;
    EXPECT_EQ(expected.find("failed"), std::string::npos) << seed;
    EXPECT_EQ(exchange(seed, true, true, step), expected) << seed;
    EXPECT_EQ(exchange(seed, true, false, step), expected) << seed;
    EXPECT_EQ(exchange(seed, false, true, step), expected) << seed;
  }
}

}  // namespace
}  // namespace weir::http
