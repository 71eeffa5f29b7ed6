// The part of the Router that decides whether a request is sent again, and sends it.
#include <algorithm>
#include <utility>

#include "source/proxy/router.h"

namespace weir::proxy {

using http::Reason;
using Outcome = upstream::RequestOutcome::Kind;

namespace {

// How much of a response that nobody wants is taken, so that its connection can be used again.
constexpr size_t kMaxDrained = 64 * 1024;

// RFC 9110 section 9.2.2: these may be sent again when it is not known what became of the first time.
bool isIdempotent(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "OPTIONS" || method == "PUT" || method == "DELETE" ||
         method == "TRACE";
}

// Takes what has come already.
void drain(http::Stream& stream) {
  for (size_t dropped = 0; dropped < kMaxDrained;) {
    std::optional<http::Part> part = stream.receive();
    if (!part || part->kind() == http::Part::Kind::kFailed || part->kind() == http::Part::Kind::kEnd) return;
    if (part->kind() == http::Part::Kind::kData) dropped += part->data().size();
  }
}

}  // namespace

// What was sent is to be sent once more, and then the rest.
void Router::refill() {
  buffer::Buffer rest = std::move(held_);
  held_ = std::move(replay_);
  held_.append(std::move(rest));
}

void Router::resend() {
  ++resends_;
  shard().add(cluster_->stats().rq_retry);
  refill();
  startAttempt(*current_, {});
}

bool Router::resendUnprocessed(UpstreamAttempt& attempt) {
  if (!replayable_ || resends_ == kResends || !attempt.stream().unprocessed()) return false;
  if (!attempt.multiplexed() && !isIdempotent(request_->method)) return false;
  // The limit of retries is against load that piles up; what was provably not processed was none.
  resend_counts_ = !attempt.multiplexed();
  if (attempt.multiplexed()) avoid(attempt.host());  // it refused the request
  current_ = &attempt;
  attempt.drop();
  resend();
  return true;
}

bool Router::resendUnconnected(UpstreamAttempt& attempt, Reason reason) {
  if (reason != Reason::kConnectFailure && reason != Reason::kConnectTimeout) return false;
  if (!replayable_ || resends_ == kResends || cluster_->hosts().healthy < 2) return false;
  resend_counts_ = true;
  avoid(attempt.host());
  current_ = &attempt;
  resend();
  return true;
}

// Whether there may be one more; then the permit for it is in `lease`.
bool Router::takeRetry(upstream::RetryLease& lease) {
  if (!replayable_) return false;
  if (retries_.left() == 0) {
    // A policy of no retries has no limit that could be exceeded.
    if (retries_.taken() > 0) {
      shard().add(cluster_->stats().rq_retry_limit_exceeded);
      context_.info.retries_exhausted = true;
    }
    return false;
  }
  lease = cluster_->takeRetry(action().priority);
  if (!lease) {
    shard().add(cluster_->stats().rq_retry_overflow);
    return false;
  }
  retries_.take();
  shard().add(cluster_->stats().rq_retry);
  return true;
}

void Router::retryAfter(RetryState::Wait wait, upstream::RetryLease lease) {
  shard().add(wait.rate_limited ? cluster_->stats().rq_retry_backoff_ratelimited
                                : cluster_->stats().rq_retry_backoff_exponential);
  resend_counts_ = false;  // the permit is there
  next_lease_ = std::move(lease);
  refill();
  back_off_.arm(wait.time);
}

void Router::onTimer(event::Timer&) { startAttempt(*current_, std::move(next_lease_)); }

// True when the response is not the one that the client gets.
bool Router::retryResponse(UpstreamAttempt& attempt, http::Head& response) {
  if (!retries_.wants(response)) {
    if (retries_.taken() > 0) shard().add(cluster_->stats().rq_retry_success);
    return false;
  }
  const bool alone = !otherActive(attempt);
  upstream::RetryLease lease;
  if (alone && !takeRetry(lease)) return false;
  const net::WorkerContext& worker = context_.services.worker;
  const RetryState::Wait wait = retries_.wait(&response, worker.random, worker.dispatcher.wallNow());
  recordOutcome(attempt, response.status < 500 ? Outcome::kSuccess : Outcome::kError, response.status);
  timeout_retry_ = false;
  noteTried(attempt.host());
  current_ = &attempt;
  drain(attempt.stream());
  attempt.drop();
  // The other attempt may still do better; else the request waits for its next one.
  alone ? retryAfter(wait, std::move(lease)) : static_cast<void>(current_ = other(attempt));
  return true;
}

// True when the response is a redirect that weir follows.
bool Router::redirect(UpstreamAttempt& attempt, const http::Head& response) {
  const InternalRedirectPolicy& policy = *policy_->redirects;
  if (std::find(policy.statuses.begin(), policy.statuses.end(), response.status) == policy.statuses.end()) return false;
  const upstream::ClusterStats& stats = cluster_->stats();
  const HttpConnectionManagerConfig& config = context_.config;
  http::Head* target = nullptr;
  if (request_ended_ && replayable_) {
    target = followRedirect(policy, context_.trail, *original_, response, config.request.path);
  }
  const auto route = [&] { return config.routes->match(*target, context_.info, context_.services.worker.random); };
  if (target == nullptr || !mayRedirectTo(policy, context_.trail, route())) {
    shard().add(stats.internal_redirect_failed_total);
    return false;
  }
  shard().add(stats.internal_redirect_succeeded_total);
  countStatus(response.status);
  recordOutcome(attempt, Outcome::kSuccess, response.status);
  drain(attempt.stream());
  attempt.drop();
  if (UpstreamAttempt* const beside = other(attempt)) beside->drop();
  refill();
  if (response.status == 303) {
    held_.clear();
    request_trailers_ = nullptr;
  }
  redirected_ = target;
  state_ = State::kDone;
  wakeOwner();
  return true;
}

// True when there is hope left: a retry, or the other attempt. `attempt` is over then.
bool Router::retryFailure(UpstreamAttempt& attempt, RetryState::Failure failure) {
  noteTried(attempt.host());
  if (otherActive(attempt)) {
    current_ = other(attempt);
    attempt.drop();
    return true;
  }
  upstream::RetryLease lease;
  if (!retries_.wants(failure) || !takeRetry(lease)) return false;
  const net::WorkerContext& worker = context_.services.worker;
  timeout_retry_ = failure == RetryState::Failure::kTimeout;
  current_ = &attempt;
  attempt.drop();
  retryAfter(retries_.wait(nullptr, worker.random, worker.dispatcher.wallNow()), std::move(lease));
  return true;
}

void Router::onAttemptFailed(UpstreamAttempt& attempt, Reason reason) {
  const bool connect = reason == Reason::kConnectFailure || reason == Reason::kConnectTimeout;
  if (attempt.host()) {
    host_ = attempt.host();
    context_.info.upstream_remote = host_->address;
    context_.info.upstream_host_name = host_->hostname;
    context_.info.upstream_transport = attempt.transport();
    if (connect) {
      recordOutcome(attempt, reason == Reason::kConnectFailure ? Outcome::kConnectFailure : Outcome::kConnectTimeout);
    }
  }
  if (connect || otherActive(attempt)) {
    if (retryFailure(attempt, RetryState::Failure::kConnect)) return;
    if (!context_.info.retries_exhausted && resendUnconnected(attempt, reason)) return;
  }
  failUpstream(reason);
}

void Router::onAttemptTimeout(UpstreamAttempt& attempt, bool idle) {
  if (winner_ != nullptr) return;
  const upstream::ClusterStats& stats = cluster_->stats();
  shard().add(idle ? stats.rq_per_try_idle_timeout : stats.rq_per_try_timeout);
  if (!idle && hedge(attempt)) return;
  if (attempt.open()) {
    recordOutcome(attempt, Outcome::kTimeout);
    attempt.reset(Reason::kRouteTimeout);
  }
  if (retryFailure(attempt, RetryState::Failure::kTimeout)) return;
  attempt.drop();
  failUpstream(Reason::kPerTryTimeout);
}

// A second attempt beside the slow one, which goes on.
bool Router::hedge(UpstreamAttempt& slow) {
  if (!retries_.hedges()) return false;
  if (!second_) second_.emplace(*this, context_.services.worker);
  UpstreamAttempt& beside = *other(slow);
  // With two under way already, both are waited for.
  if (beside.active()) return true;
  if (!slow.end_sent || !retries_.wants(RetryState::Failure::kTimeout)) return true;
  upstream::RetryLease lease;
  if (!takeRetry(lease)) return true;
  timeout_retry_ = true;
  resend_counts_ = false;
  noteTried(slow.host());
  beside.out.appendShared(replay_);
  startAttempt(beside, std::move(lease));
  return true;
}

}  // namespace weir::proxy
