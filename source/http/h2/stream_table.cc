#include "source/http/h2/stream_table.h"

#include "source/base/check.h"
#include "source/http/h2/h2_stream.h"

namespace weir::http::h2 {

StreamTable::~StreamTable() {
  if (buckets_ != own_.data()) memory_.release(buckets_);
}

H2Stream* StreamTable::find(uint32_t id) const {
  H2Stream* stream = bucket(id);
  while (stream != nullptr && stream->id() != id) stream = stream->links.in_bucket;
  return stream;
}

void StreamTable::insert(H2Stream& stream) {
  if (size_ >= 2 * count_) grow();
  H2Stream*& head = bucket(stream.id());
  stream.links.in_bucket = head;
  head = &stream;
  ++size_;
}

void StreamTable::erase(H2Stream& stream) {
  H2Stream** at = &bucket(stream.id());
  while (*at != &stream) {
    CHECK(*at != nullptr, "a stream that is erased is in the table");
    at = &(*at)->links.in_bucket;
  }
  *at = stream.links.in_bucket;
  --size_;
}

void StreamTable::grow() {
  const uint32_t count = 4 * count_;
  auto** const larger = static_cast<H2Stream**>(memory_.allocateZeroed(count * sizeof(H2Stream*)));
  CHECK(larger != nullptr, "there is memory for the table of streams");
  H2Stream** const old = buckets_;
  const uint32_t old_count = count_;
  buckets_ = larger;
  count_ = count;
  for (uint32_t i = 0; i < old_count; ++i) {
    H2Stream* stream = old[i];
    while (stream != nullptr) {
      H2Stream* const next = stream->links.in_bucket;
      H2Stream*& head = bucket(stream->id());
      stream->links.in_bucket = head;
      head = stream;
      stream = next;
    }
  }
  if (old != own_.data()) memory_.release(old);
}

void StreamQueue::pushBack(H2Stream& stream) {
  stream.links.after = nullptr;
  stream.links.before = last_;
  (last_ != nullptr ? last_->links.after : first_) = &stream;
  last_ = &stream;
}

void StreamQueue::remove(H2Stream& stream) {
  H2Stream* const before = stream.links.before;
  H2Stream* const after = stream.links.after;
  (before != nullptr ? before->links.after : first_) = after;
  (after != nullptr ? after->links.before : last_) = before;
}

}  // namespace weir::http::h2
