#include "test/harness/filter/fake_stream.h"

#include <algorithm>
#include <utility>

#include "source/base/check.h"

namespace weir::harness {
namespace {

void describeFields(const http::HeaderMap& fields, std::string& out) {
  for (const http::Field& field : fields) {
    out.append(" ").append(field.name).append("=").append(field.value);
  }
}

}  // namespace

std::string describe(const http::Head& head) {
  std::string out;
  if (head.isRequest()) {
    out.append(head.method).append(" ").append(head.path);
  } else {
    out = std::to_string(head.status);
  }
  if (head.content_length) out += " length=" + std::to_string(*head.content_length);
  describeFields(head.headers, out);
  return out;
}

void FakeStream::pushData(std::string_view bytes) {
  buffer::Buffer data(pool_);
  data.append(bytes);
  push(http::Part::makeData(std::move(data)));
}

void FakeStream::setLost(http::Reason reason) {
  lost_ = reason;
  wake();
}

void FakeStream::setRoom(size_t room) {
  room_ = room;
  wake();
}

void FakeStream::setOwner(http::StreamOwner& owner, base::Arena&) { owner_ = &owner; }

std::optional<http::Part> FakeStream::receive() {
  CHECK(!received_end_, "a stream was asked for more after its end");
  if (parts_.empty()) return std::nullopt;
  http::Part part = std::move(parts_.front());
  parts_.pop_front();
  received_end_ = part.kind() == http::Part::Kind::kEnd || part.kind() == http::Part::Kind::kFailed;
  return part;
}

void FakeStream::send(http::Part part) {
  CHECK(!ended_, "something was sent after the end");
  const bool is_data = part.kind() == http::Part::Kind::kData;
  if (last_was_data_ && !is_data) sent_ += "; ";
  switch (part.kind()) {
    case http::Part::Kind::kHead:
      heads_.push_back(&part.head());
      sent_ += "HEAD " + describe(part.head()) + "; ";
      break;
    case http::Part::Kind::kData: {
      CHECK(part.data().size() <= room_, "more was sent than there is room for");
      CHECK(!heads_.empty() && !heads_.back()->isInterim(), "data was sent before the head");
      if (room_ != SIZE_MAX) room_ -= part.data().size();
      const std::string bytes = part.data().toString();
      if (!last_was_data_) sent_ += "DATA ";
      sent_ += bytes;
      body_ += bytes;
      break;
    }
    case http::Part::Kind::kEnd:
      CHECK(!heads_.empty() && !heads_.back()->isInterim(), "an end was sent before the head");
      sent_ += "END";
      if (part.trailers() != nullptr) describeFields(*part.trailers(), sent_);
      sent_ += "; ";
      ended_ = true;
      break;
    case http::Part::Kind::kFailed:
      CHECK(false, "a failure was sent");
  }
  last_was_data_ = is_data;
}

void FakeStream::push(http::Part part) {
  parts_.push_back(std::move(part));
  wake();
}

void FakeStream::wake() {
  if (owner_ != nullptr) owner_->wakeStream();
}

}  // namespace weir::harness
