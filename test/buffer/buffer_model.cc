#include "test/buffer/buffer_model.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <utility>

#include "source/base/check.h"
#include "source/buffer/buffer.h"

namespace weir::buffer {
namespace {

constexpr size_t kBuffers = 3;
constexpr size_t kLargest = 128 * 1024;

class Model {
 public:
  explicit Model(std::span<const uint8_t> program) : program_(program) {}
  ~Model() {
    for (Buffer& buffer : buffers_) buffer.clear();
    CHECK(pool_.inUse() == 0, "every block came back");
  }

  void run() {
    while (!program_.empty()) {
      const uint8_t op = byte();
      const size_t a = byte() % kBuffers;
      const size_t b = (a + 1 + op / 16 % 2) % kBuffers;
      step(op % 13, a, b, length());
      verify(a);
      verify(b);
      size_t total = 0;
      for (const std::string& text : texts_) total += text.size();
      // Each small piece is packed, so slices of 1 KiB and blocks of 20 KiB bound what is held.
      CHECK(pool_.inUse() <= total / 512 + 2 * kBuffers, "small pieces do not hold a block each");
    }
  }

 private:
  uint8_t byte() {
    if (program_.empty()) return 0;
    const uint8_t value = program_.front();
    program_ = program_.subspan(1);
    return value;
  }

  // Mostly small, sometimes above a block.
  size_t length() {
    const uint8_t scale = byte();
    const size_t value = byte();
    return scale < 128 ? value : scale < 220 ? value * 16 : value * 256;
  }

  std::string text(size_t size) {
    std::string out(size, '\0');
    for (char& c : out) c = static_cast<char>(next_++ * 31 >> 3);
    return out;
  }

  void step(int op, size_t a, size_t b, size_t n) {
    Buffer& buffer = buffers_[a];
    std::string& model = texts_[a];
    if (model.size() + texts_[b].size() + n > kLargest) op = 3;
    switch (op) {
      case 0:
      case 1: {
        const std::string bytes = text(n);
        buffer.append(bytes);
        model += bytes;
        break;
      }
      case 2:
        buffer.append(std::move(buffers_[b]));
        model += std::exchange(texts_[b], {});
        break;
      case 3:
        buffer.drain(n);
        model.erase(0, n);
        break;
      case 4:
      case 5:
        buffer.moveFrom(buffers_[b], n);
        model += texts_[b].substr(0, n);
        texts_[b].erase(0, n);
        break;
      case 6: {
        const std::string bytes = text(n);
        buffer.prepend(bytes);
        model.insert(0, bytes);
        break;
      }
      case 7:
      case 8:
        readInto(a, n);
        break;
      case 9:
        lookUp(a, n);
        break;
      case 10:
        buffer = std::move(buffers_[b]);
        model = std::exchange(texts_[b], {});
        break;
      case 11: {
        Buffer moved(std::move(buffer));
        buffer = std::move(moved);
        break;
      }
      case 12:
        buffer.appendShared(buffers_[b]);
        model += texts_[b];
        break;
    }
  }

  void readInto(size_t a, size_t n) {
    std::array<iovec, 4> space;
    const size_t entries = 1 + byte() % space.size();
    const size_t count = buffers_[a].reserve(n, std::span(space).first(entries));
    CHECK(count >= 1 && count <= entries, "as many pieces as there is room for");
    size_t capacity = 0;
    for (size_t i = 0; i < count; ++i) {
      CHECK(space[i].iov_len > 0, "each piece has room");
      capacity += space[i].iov_len;
    }
    const std::string bytes = text(std::min(n, capacity));
    size_t at = 0;
    for (size_t i = 0; i < count && at < bytes.size(); ++i) {
      const size_t part = std::min(space[i].iov_len, bytes.size() - at);
      memcpy(space[i].iov_base, bytes.data() + at, part);
      at += part;
    }
    buffers_[a].commit(bytes.size());
    texts_[a] += bytes;
  }

  void lookUp(size_t a, size_t n) {
    const char wanted = static_cast<char>(byte());
    CHECK(buffers_[a].find(wanted, n) == texts_[a].find(wanted, n), "find agrees with the string");
    std::string out(n, '\0');
    const size_t offset = byte() * 64u;
    out.resize(buffers_[a].copyOut(offset, out));
    CHECK(out == (offset <= texts_[a].size() ? texts_[a].substr(offset, n) : ""), "copyOut agrees with the string");
  }

  void verify(size_t a) const {
    const Buffer& buffer = buffers_[a];
    const std::string& model = texts_[a];
    CHECK(buffer.size() == model.size() && buffer.empty() == model.empty(), "sizes agree");
    CHECK(model.starts_with(buffer.front()) && buffer.front().empty() == model.empty(), "the front is the start");
    CHECK(buffer.toString() == model, "the bytes agree");
    std::array<iovec, 512> pieces;
    const size_t count = buffer.iovecs(pieces);
    size_t total = 0;
    for (size_t i = 0; i < count; ++i) {
      CHECK(pieces[i].iov_len > 0, "no empty piece");
      total += pieces[i].iov_len;
    }
    CHECK(count == pieces.size() || total == model.size(), "the pieces are the whole");
  }

  std::span<const uint8_t> program_;
  BlockPool pool_{4};
  std::array<Buffer, kBuffers> buffers_{Buffer(pool_), Buffer(pool_), Buffer(pool_)};
  std::array<std::string, kBuffers> texts_;
  uint32_t next_ = 0;
};

}  // namespace

void runBufferModel(std::span<const uint8_t> program) { Model(program).run(); }

}  // namespace weir::buffer
