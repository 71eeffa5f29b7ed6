#include "source/proxy/side_calls.h"

#include <algorithm>
#include <utility>

#include "source/base/check.h"
#include "source/event/timer.h"
#include "source/event/wakeable.h"
#include "source/upstream/receivers.h"
#include "source/upstream/worker_cluster.h"

namespace weir::proxy {
namespace {

using http::Part;
using http::Reason;
using Outcome = upstream::RequestOutcome::Kind;

// A body of up to this size is kept, so that it can be sent again.
constexpr size_t kKeptBytes = 64 * 1024;

bool isIdempotent(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "OPTIONS" || method == "PUT" || method == "DELETE";
}

}  // namespace

class SideCalls::Call final : public base::Operation,
                              private upstream::StreamReceiver,
                              private http::StreamOwner,
                              private event::TimerHandler,
                              private event::Wakeable {
 public:
  explicit Call(SideCalls& home)
      : Wakeable(home.worker_.dispatcher),
        home_(home),
        arena_(home.worker_.chunks),
        timer_(home.worker_.dispatcher, *this),
        request_body_(home.worker_.blocks),
        unsent_(home.worker_.blocks),
        response_body_(home.worker_.blocks) {}

  void start(filter::SideRequest request, filter::SideCallReceiver& receiver) {
    CHECK(request.head != nullptr && request.timeout > absl::ZeroDuration(), "a side call has a head and a time-out");
    receiver_ = &receiver;
    head_ = request.head;
    limit_ = request.max_response_bytes;
    if (request.body) request_body_ = *std::move(request.body);
    if (!request_body_.empty() || head_->method == "POST" || head_->method == "PUT") {
      head_->content_length = request_body_.size();
    }
    may_resend_ = (request.repeatable || isIdempotent(head_->method)) && request_body_.size() <= kKeptBytes;
    started_ = home_.worker_.dispatcher.now();
    state_ = State::kOpening;
    cluster_ = home_.clusters_.find(request.cluster);
    if (cluster_ == nullptr) return fail(Reason::kNoCluster);
    timer_.arm(request.timeout);
    opening_ = cluster_->openStream({}, *this);
  }

 private:
  enum class State : uint8_t { kIdle, kOpening, kOpen, kAnswered, kFailed };

  void onStreamOpen(Opened opened) override {
    state_ = State::kOpen;
    stream_ = std::move(opened.stream);
    retry_ = std::move(opened.retry);
    host_ = std::move(opened.host);
    stream_->setOwner(*this, arena_);
    stream_->send(Part::makeHead(*head_, home_.worker_.blocks));
    if (may_resend_) {
      request_body_.forEachPiece([this](std::string_view piece) {
        unsent_.append(piece);
        return true;
      });
    } else {
      unsent_.append(std::move(request_body_));
    }
    end_sent_ = false;
    wake();
  }

  void onStreamFailed(Reason reason, upstream::HostRef) override {
    countStatus(http::reasonInfo(reason).status);
    fail(reason);
  }

  void wakeStream() override { wake(); }

  void onWake() override {
    if (state_ == State::kOpen) move();
    if (state_ == State::kAnswered || state_ == State::kFailed) deliver();
  }

  void onTimer(event::Timer&) override {
    shard().add(cluster_->stats().rq_timeout);
    countStatus(http::reasonInfo(Reason::kRouteTimeout).status);
    if (host_) cluster_->recordOutcome(host_, {Outcome::kTimeout, 0, home_.worker_.dispatcher.now() - started_});
    if (stream_ != nullptr) stream_->reset(Reason::kRouteTimeout);
    fail(Reason::kRouteTimeout);
  }

  void move() {
    sendBody();
    while (state_ == State::kOpen) {
      std::optional<Part> part = stream_->receive();
      if (!part) return;
      take(*part);
    }
  }

  void sendBody() {
    while (!unsent_.empty() && stream_->room() > 0) {
      buffer::Buffer fitting(home_.worker_.blocks);
      fitting.moveFrom(unsent_, stream_->room());
      stream_->send(Part::makeData(std::move(fitting)));
    }
    if (!unsent_.empty() || std::exchange(end_sent_, true)) return;
    stream_->send(Part::makeEnd(nullptr, home_.worker_.blocks));
  }

  void take(Part& part) {
    switch (part.kind()) {
      case Part::Kind::kHead:
        if (part.head().isInterim()) return;
        response_ = &part.head();
        return;
      case Part::Kind::kData:
        if (response_body_.size() + part.data().size() > limit_) {
          shard().add(cluster_->stats().rq_tx_reset);
          stream_->reset(Reason::kResponseTooLarge);
          return fail(Reason::kResponseTooLarge);
        }
        response_body_.append(std::move(part.data()));
        return;
      case Part::Kind::kEnd:
        response_trailers_ = part.trailers();
        finish();
        return;
      case Part::Kind::kFailed:
        onBroken(part.reason());
    }
  }

  void finish() {
    countStatus(response_->status);
    const absl::Duration took = home_.worker_.dispatcher.now() - started_;
    cluster_->recordOutcome(host_,
                            {response_->status < 500 ? Outcome::kSuccess : Outcome::kError, response_->status, took});
    shard().record(cluster_->stats().rq_time, static_cast<uint64_t>(absl::ToInt64Milliseconds(took)));
    state_ = State::kAnswered;
  }

  void onBroken(Reason reason) {
    const bool again = may_resend_ && !resent_ && response_ == nullptr && stream_->unprocessed();
    dropStream();
    if (again) {
      resent_ = true;
      shard().add(cluster_->stats().rq_retry);
      state_ = State::kOpening;
      opening_ = cluster_->openStream({.resend = true}, *this);
      return;
    }
    shard().add(cluster_->stats().rq_rx_reset);
    cluster_->recordOutcome(host_, {Outcome::kReset, 0, home_.worker_.dispatcher.now() - started_});
    countStatus(http::reasonInfo(reason).status);
    fail(reason);
  }

  void fail(Reason reason) {
    failure_ = reason;
    state_ = State::kFailed;
    wake();
  }

  // The stream goes first, so that its connection serves others at once; the response stays until the receiver has
  // seen it, and this call is not used for another before.
  void deliver() {
    timer_.cancel();
    opening_.cancel();
    dropStream();
    settle();
    if (state_ == State::kAnswered) {
      filter::SideResponse response{*response_, response_body_, response_trailers_};
      receiver_->onSideResponse(response);
    } else {
      receiver_->onSideFailed(failure_);
    }
    recycle();
  }

  void onCancelled() override {
    if (stream_ != nullptr) {
      shard().add(cluster_->stats().rq_tx_reset);
      stream_->reset(Reason::kClientGone);
    }
    recycle();
  }

  void recycle() {
    timer_.cancel();
    opening_.cancel();
    dropStream();
    unwake();
    request_body_.clear();
    response_body_.clear();
    response_ = nullptr;
    response_trailers_ = nullptr;
    arena_.reset();
    cluster_ = nullptr;
    host_ = nullptr;
    resent_ = false;
    state_ = State::kIdle;
    home_.give(*this);
  }

  void dropStream() {
    stream_.reset();
    retry_.release();
    unsent_.clear();
  }

  void countStatus(uint16_t status) {
    const upstream::ClusterStats& stats = cluster_->stats();
    shard().add(stats.rq_completed);
    const size_t place = status / 100 - 1;
    if (place < stats.rq_status.size()) shard().add(stats.rq_status[place]);
  }
  stats::Shard& shard() const { return home_.worker_.stats; }

  SideCalls& home_;
  base::Arena arena_;  // of the response
  event::Timer timer_;
  filter::SideCallReceiver* receiver_ = nullptr;
  upstream::WorkerCluster* cluster_ = nullptr;
  upstream::HostRef host_;
  http::Head* head_ = nullptr;
  buffer::Buffer request_body_;  // whole, as long as it may be sent again
  buffer::Buffer unsent_;
  http::Head* response_ = nullptr;
  buffer::Buffer response_body_;
  http::HeaderMap* response_trailers_ = nullptr;
  base::Ticket opening_;
  http::StreamPtr stream_;
  upstream::RetryLease retry_;
  base::MonotonicTime started_{0};
  size_t limit_ = 0;
  Reason failure_ = Reason::kNone;
  State state_ = State::kIdle;
  bool may_resend_ = false;
  bool resent_ = false;
  bool end_sent_ = false;
};

SideCalls::SideCalls(const net::WorkerContext& worker, upstream::ClusterManager& clusters)
    : worker_(worker), clusters_(clusters) {}

SideCalls::~SideCalls() { CHECK(active() == 0, "a side call outlived its worker"); }

base::Ticket SideCalls::call(filter::SideRequest request, filter::SideCallReceiver& receiver) {
  if (free_.empty()) {
    all_.push_back(std::make_unique<Call>(*this));
    free_.reserve(all_.size());
    free_.push_back(all_.back().get());
  }
  Call& call = *free_.back();
  free_.pop_back();
  call.start(std::move(request), receiver);
  return call.issue();
}

}  // namespace weir::proxy
