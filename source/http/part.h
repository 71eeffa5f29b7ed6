// Part: one piece of a message on its way: `Head Data* End`, always in this order, with informational heads before the
// final one (law 1). A message that breaks off has Failed instead of End, and nothing after it.
#pragma once

#include <cstdint>
#include <utility>

#include "source/buffer/buffer.h"
#include "source/http/head.h"
#include "source/http/reason.h"

namespace weir::http {

class Part {
 public:
  enum class Kind : uint8_t { kHead, kData, kEnd, kFailed };

  // `head` is owned by its arena.
  static Part makeHead(Head& head, buffer::BlockPool& pool) { return Part(Kind::kHead, &head, nullptr, pool); }
  static Part makeData(buffer::Buffer data) { return Part(std::move(data)); }
  // `trailers` is owned by its arena; null when there are none.
  static Part makeEnd(HeaderMap* trailers, buffer::BlockPool& pool) {
    return Part(Kind::kEnd, nullptr, trailers, pool);
  }
  static Part makeFailed(Reason reason, buffer::BlockPool& pool) {
    Part part(Kind::kFailed, nullptr, nullptr, pool);
    part.reason_ = reason;
    return part;
  }
  Part(Part&&) noexcept = default;
  Part& operator=(Part&&) noexcept = default;

  Kind kind() const { return kind_; }
  Head& head() const { return *head_; }
  buffer::Buffer& data() { return data_; }
  HeaderMap* trailers() const { return trailers_; }
  Reason reason() const { return reason_; }

 private:
  Part(Kind kind, Head* head, HeaderMap* trailers, buffer::BlockPool& pool)
      : kind_(kind), head_(head), trailers_(trailers), data_(pool) {}
  explicit Part(buffer::Buffer data) : kind_(Kind::kData), data_(std::move(data)) {}

  Kind kind_;
  Reason reason_ = Reason::kNone;
  Head* head_ = nullptr;
  HeaderMap* trailers_ = nullptr;
  buffer::Buffer data_;
};

}  // namespace weir::http
