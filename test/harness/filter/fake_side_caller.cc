#include "test/harness/filter/fake_side_caller.h"

#include <algorithm>

#include "source/base/check.h"
#include "test/harness/filter/fake_stream.h"

namespace weir::harness {

class FakeSideCaller::Pending final : public base::Operation, private event::Wakeable {
 public:
  Pending(FakeSideCaller& home, size_t number, filter::SideCallReceiver& receiver)
      : Wakeable(home.worker_.dispatcher), home_(home), number_(number), receiver_(receiver) {}

  void answer(uint16_t status, const Fields& fields, std::string body, const Fields& trailers) {
    if (!pending()) return;
    status_ = status;
    fields_ = fields;
    body_ = std::move(body);
    trailers_ = trailers;
    wake();
  }
  void fail(http::Reason reason) {
    if (!pending()) return;
    reason_ = reason;
    wake();
  }

 private:
  void onCancelled() override {
    home_.asked_[number_].cancelled = home_.asked_[number_].over = true;
    unwake();
  }

  void onWake() override {
    home_.asked_[number_].over = true;
    settle();
    if (reason_ != http::Reason::kNone) return receiver_.onSideFailed(reason_);
    base::Arena arena(home_.worker_.chunks);
    http::Head head(arena);
    head.status = status_;
    for (const auto& [name, value] : fields_) head.headers.add(name, value);
    http::HeaderMap trailers(arena);
    for (const auto& [name, value] : trailers_) trailers.add(name, value);
    buffer::Buffer body(home_.worker_.blocks);
    body.append(body_);
    filter::SideResponse response{head, body, trailers_.empty() ? nullptr : &trailers};
    receiver_.onSideResponse(response);
  }

  FakeSideCaller& home_;
  const size_t number_;
  filter::SideCallReceiver& receiver_;
  uint16_t status_ = 0;
  Fields fields_;
  Fields trailers_;
  std::string body_;
  http::Reason reason_ = http::Reason::kNone;
};

FakeSideCaller::FakeSideCaller(const net::WorkerContext& worker) : Wakeable(worker.dispatcher), worker_(worker) {}

FakeSideCaller::~FakeSideCaller() = default;

size_t FakeSideCaller::pending() const {
  return static_cast<size_t>(std::count_if(asked_.begin(), asked_.end(), [](const Asked& one) { return !one.over; }));
}

base::Ticket FakeSideCaller::call(filter::SideRequest request, filter::SideCallReceiver& receiver) {
  CHECK(request.head != nullptr && request.timeout > absl::ZeroDuration(), "a side call has a head and a time-out");
  Asked asked;
  asked.cluster = request.cluster;
  asked.head = std::string(request.head->authority) + " " + describe(*request.head);
  if (request.body) asked.body = request.body->toString();
  asked.timeout = request.timeout;
  asked.max_response_bytes = request.max_response_bytes;
  asked_.push_back(std::move(asked));
  pending_.push_back(std::make_unique<Pending>(*this, pending_.size(), receiver));
  wake();
  return pending_.back()->issue();
}

void FakeSideCaller::onWake() {
  for (; shown_ < asked_.size(); ++shown_) {
    if (on_call && !asked_[shown_].over) on_call(*this, shown_);
  }
}

void FakeSideCaller::answer(size_t call, uint16_t status, Fields fields, std::string body, Fields trailers) {
  CHECK(call < pending_.size(), "no such call was made");
  pending_[call]->answer(status, fields, std::move(body), trailers);
}

void FakeSideCaller::fail(size_t call, http::Reason reason) {
  CHECK(call < pending_.size(), "no such call was made");
  pending_[call]->fail(reason);
}

}  // namespace weir::harness
