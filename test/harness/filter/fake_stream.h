// FakeStream: an http::Stream whose peer is the test. The test pushes the parts that are received and reads what was
// sent; `room` is what may still be sent, and only the test gives more. It checks the rules that users of a stream
// keep: no Data beyond room, nothing after End, no receive after End or Failed. Belongs to the test.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "source/http/stream.h"

namespace weir::harness {

class FakeStream final : public http::Stream {
 public:
  explicit FakeStream(buffer::BlockPool& pool) : pool_(pool) {}

  // What the user of the stream receives next. Wakes it.
  void pushHead(http::Head& head) { push(http::Part::makeHead(head, pool_)); }
  void pushData(std::string_view bytes);
  void pushEnd(http::HeaderMap* trailers = nullptr) { push(http::Part::makeEnd(trailers, pool_)); }
  void pushFailed(http::Reason reason) { push(http::Part::makeFailed(reason, pool_)); }
  void setLost(http::Reason reason);
  size_t unreceived() const { return parts_.size(); }

  void setRoom(size_t room);

  // What was sent, as a transcript: "HEAD 200; DATA abc; END; " with fields in order, and pieces of data joined.
  const std::string& sent() const { return sent_; }
  const std::string& body() const { return body_; }
  const std::vector<http::Head*>& heads() const { return heads_; }
  // The last head, or null.
  const http::Head* head() const { return heads_.empty() ? nullptr : heads_.back(); }
  bool ended() const { return ended_; }
  http::Reason resetReason() const { return reset_; }

  void setOwner(http::StreamOwner& owner, base::Arena& arena) override;
  std::optional<http::Part> receive() override;
  size_t room() const override { return room_; }
  void send(http::Part part) override;
  void reset(http::Reason reason) override { reset_ = reason; }
  http::Reason lost() const override { return lost_; }

 private:
  void push(http::Part part);
  void wake();
  void release() override {}

  buffer::BlockPool& pool_;
  http::StreamOwner* owner_ = nullptr;
  std::deque<http::Part> parts_;
  std::string sent_;
  std::string body_;
  std::vector<http::Head*> heads_;
  size_t room_ = SIZE_MAX;
  bool ended_ = false;
  bool received_end_ = false;
  bool last_was_data_ = false;
  http::Reason reset_ = http::Reason::kNone;
  http::Reason lost_ = http::Reason::kNone;
};

// "GET /path (a: b, c: d)" or "200 (a: b)".
std::string describe(const http::Head& head);

}  // namespace weir::harness
