// The deadlines of a downstream connection:
//
//   the head of a request    from its first byte; the beginning of a connection that has not said what it speaks too
//   idle                     without a request, and with nothing left to be written
//   age                      HTTP/1: the next response says that it closes, or it is closed after the drain timeout,
//                            unless only a response is to do that; HTTP/2: GOAWAY
//   the last GOAWAY          after the first one
//   flush                    again and again while nothing is left but to write what the client does not take
#include <algorithm>
#include <utility>

#include "source/proxy/http_connection_manager.h"

namespace weir::proxy {

using http::Reason;

namespace {

// Most limits are none, and the sum with an infinite duration takes a division to find that out.
base::MonotonicTime after(base::MonotonicTime from, absl::Duration limit) {
  const absl::Duration duration = orNever(limit);
  return duration == absl::InfiniteDuration() ? base::MonotonicTime{std::numeric_limits<int64_t>::max()}
                                              : from + duration;
}

}  // namespace

base::MonotonicTime HttpConnectionManager::nearestDeadline() const {
  base::MonotonicTime nearest = flush_check_at_;
  if (closing_) return nearest;
  if (const Http2* const h2 = http2()) nearest = std::min(nearest, h2->last_goaway_at);
  if (!draining_) {
    if (!too_old_) {
      nearest = std::min(nearest, drain_at_ != kNever ? drain_at_ : after(opened_, config_.max_connection_duration));
    }
    if (idle()) nearest = std::min(nearest, after(idle_since_, config_.idle_timeout));
  }
  if (head_pending_) nearest = std::min(nearest, after(head_since_, config_.request_headers_timeout));
  return nearest;
}

void HttpConnectionManager::scheduleTimer() {
  if (closed_ || timerStands()) return;
  if (flush_check_at_ == kNever && (closing_ || awaitsFlush())) {
    flushed_ = connection_.bytesWritten();
    flush_check_at_ = now() + orNever(config_.flush_timeout);
  }
  const base::MonotonicTime nearest = nearestDeadline();
  armed_idle_ = armed_idle_ || (!draining_ && idle());
  if (nearest >= armed_until_) return;
  armed_until_ = nearest;
  timer_.armAt(nearest);
}

void HttpConnectionManager::onTimer(event::Timer&) {
  armed_until_ = kNever;
  armed_idle_ = false;
  const base::MonotonicTime at = now();
  Http2* const h2 = http2();
  if (flush_check_at_ <= at) {
    checkFlush();
  } else if (closing_) {
    // Only the flush is waited for.
  } else if (head_pending_ && head_since_ + orNever(config_.request_headers_timeout) <= at) {
    refuseHead();
  } else if (h2 != nullptr && h2->last_goaway_at <= at) {
    h2->last_goaway_at = kNever;
    codec_->drain();
  } else if (draining_) {
    // The rest is waited for.
  } else if (idle() && idle_since_ + orNever(config_.idle_timeout) <= at) {
    shard().add(config_.stats.cx_idle_timeout);
    startDraining();
  } else if (drain_at_ <= at) {
    startDraining();
  } else if (!too_old_ && drain_at_ == kNever && opened_ + orNever(config_.max_connection_duration) <= at) {
    shard().add(config_.stats.cx_max_duration_reached);
    if (h2 != nullptr) {
      startDraining();
    } else if (config_.closes_with_response) {
      too_old_ = true;
    } else {
      // The next response says that the connection closes; a client that sends nothing is not waited for for ever.
      drain_at_ = at + config_.drain_timeout;
    }
  }
  closeWhenFinished();
  scheduleTimer();
}

void HttpConnectionManager::refuseHead() {
  shard().add(config_.stats.rq_header_timeout);
  head_pending_ = false;
  if (codec_ == nullptr) {
    makeHttp1();
    codec_->onInput(false);
  }
  // HTTP/2: as long as one header section is open, nothing else can come on the connection.
  if (http2() != nullptr) endAll(Reason::kRequestHeaderTimeout);
  codec_->refuse(Reason::kRequestHeaderTimeout);
}

// A client that has taken nothing since the last time is given up.
void HttpConnectionManager::checkFlush() {
  flush_check_at_ = kNever;
  const bool moved = std::exchange(flushed_, connection_.bytesWritten()) != connection_.bytesWritten();
  if (closing_ || finished()) {
    if (moved || connection_.output().empty()) return;
    shard().add(config_.stats.cx_delayed_close_timeout);
    connection_.close(net::CloseReason::kLocalReset);
  } else if (Http2* const h2 = http2(); h2 != nullptr && h2->codec.unsentStreams() > 0) {
    if (h2->codec.dropOverdue()) shard().add(config_.stats.http2.tx_flush_timeout);
  }
}

}  // namespace weir::proxy
