#include "source/proxy/upstream_attempt.h"

#include <algorithm>
#include <utility>

#include "source/net/transport_info.h"
#include "source/proxy/router.h"
#include "source/proxy/tunnel_stream.h"

namespace weir::proxy {

UpstreamAttempt::UpstreamAttempt(Router& router, const net::WorkerContext& worker)
    : out(worker.blocks), router_(router), worker_(worker), timer_(worker.dispatcher, *this) {}

void UpstreamAttempt::start(upstream::WorkerCluster& cluster, const upstream::PickContext& pick,
                            upstream::RetryLease lease, const Deadlines& deadlines, bool tunnel) {
  state_ = State::kOpening;
  end_sent = false;
  request_ended_ = false;
  host_ = nullptr;
  transport_ = nullptr;
  lease_ = std::move(lease);
  deadlines_ = {orNever(deadlines.whole), orNever(deadlines.idle)};
  started_ = progress_ = whole_from_ = now();
  cluster_ = &cluster;
  ticket_ = tunnel ? cluster.connect(pick, *this) : cluster.openStream(pick, *this);
}

void UpstreamAttempt::onRequestEnd() {
  if (std::exchange(request_ended_, true)) return;
  whole_from_ = progress_ = now();
  arm();
}

base::MonotonicTime UpstreamAttempt::deadline() const {
  return std::min(whole_from_ + deadlines_.whole, progress_ + deadlines_.idle);
}

void UpstreamAttempt::arm() {
  if (deadlines_.whole == absl::InfiniteDuration() && deadlines_.idle == absl::InfiniteDuration()) return;
  timer_.armAt(deadline());
}

void UpstreamAttempt::onTimer(event::Timer&) {
  if (deadline() > now()) return arm();
  router_.onAttemptTimeout(*this, whole_from_ + deadlines_.whole > now());
}

void UpstreamAttempt::onStreamOpen(Opened opened) {
  state_ = State::kOpen;
  stream_ = std::move(opened.stream);
  host_ = std::move(opened.host);
  local_.emplace(std::move(opened.local));
  transport_ = std::move(opened.transport);
  reused_ = opened.reused;
  multiplexed_ = opened.multiplexed;
  if (opened.retry) lease_ = std::move(opened.retry);
  stream_->setOwner(*this, router_.arena());
  noteProgress();
  router_.onAttemptOpen(*this);
}

void UpstreamAttempt::onConnected(Connected connected) {
  Opened opened{};
  opened.host = connected.host;
  opened.local = connected.connection->localAddress();
  if (const net::TransportInfo* const transport = connected.connection->transportInfo()) {
    opened.transport = transport->shared_from_this();
  }
  opened.stream = TunnelStream::open(*cluster_, worker_, std::move(connected));
  onStreamOpen(std::move(opened));
}

void UpstreamAttempt::onStreamFailed(http::Reason reason, upstream::HostRef host) {
  drop();
  host_ = std::move(host);
  router_.onAttemptFailed(*this, reason);
}

void UpstreamAttempt::wakeStream() { router_.wakeOwner(); }

void UpstreamAttempt::drop() {
  if (state_ == State::kNone && out.empty()) return;  // has not begun, or was dropped before
  state_ = State::kNone;
  timer_.cancel();
  ticket_.cancel();
  stream_.reset();
  lease_.release();
  out.clear();
}

void UpstreamAttempt::reset(http::Reason reason) {
  if (stream_ != nullptr) stream_->reset(reason);
  drop();
}

}  // namespace weir::proxy
