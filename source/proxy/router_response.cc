// The part of the Router that takes the response from an upstream: the first attempt whose response is to be kept wins.
#include <algorithm>
#include <utility>

#include "source/proxy/router.h"
#include "source/proxy/routes/hash_policy.h"

namespace weir::proxy {

using http::HeaderId;
using http::Part;
using http::Reason;
using Outcome = upstream::RequestOutcome::Kind;

namespace {

constexpr std::string_view kFailCheck = "x-envoy-immediate-health-check-fail";

}  // namespace

void Router::recordOutcome(const UpstreamAttempt& attempt, Outcome kind, uint16_t status) {
  // Of a tunnel: how long it took to open.
  const base::MonotonicTime until = tunnel_ ? context_.info.upstream_first_received.value_or(now()) : now();
  cluster_->recordOutcome(attempt.host(), {kind, status, until - attempt.started()});
}

// What comes before anything was decided.
std::optional<Part> Router::receiveFirst() {
  for (UpstreamAttempt* const attempt : {&first_, other(first_)}) {
    if (attempt == nullptr || !attempt->open()) continue;
    if (!attempt->end_sent) pump(*attempt);
    if (std::optional<Part> part = receiveFrom(*attempt)) return part;
  }
  return std::nullopt;
}

std::optional<Part> Router::receiveFrom(UpstreamAttempt& attempt) {
  std::optional<Part> part = attempt.stream().receive();
  if (!part) return std::nullopt;
  attempt.noteProgress();
  if (part->kind() == Part::Kind::kFailed) return onBroken(attempt, *std::move(part));
  http::Head& head = part->head();
  filter::StreamInfo& info = context_.info;
  if (!info.upstream_first_received) info.upstream_first_received = now();
  if (head.isInterim()) return part;
  if (cluster_->cluster().checked() && head.headers.get(kFailCheck)) {
    cluster_->cluster().failAtOnce(attempt.host().state()->host);
  }
  if (retryResponse(attempt, head)) return std::nullopt;
  if (original_ != nullptr && redirect(attempt, head)) return std::nullopt;
  win(attempt);
  onHead(head);
  return part;
}

std::optional<Part> Router::onBroken(UpstreamAttempt& attempt, Part part) {
  const bool unprocessed = attempt.stream().unprocessed();
  if (!otherActive(attempt) && resendUnprocessed(attempt)) return std::nullopt;
  shard().add(cluster_->stats().rq_rx_reset);
  recordOutcome(attempt, Outcome::kReset);
  if (retryFailure(attempt, unprocessed ? RetryState::Failure::kUnprocessed : RetryState::Failure::kReset)) {
    return std::nullopt;
  }
  countStatus(http::reasonInfo(part.reason()).status);
  attempt.drop();
  held_.clear();
  endShadows(false);
  state_ = State::kDone;
  return part;
}

void Router::win(UpstreamAttempt& attempt) {
  winner_ = &attempt;
  attempt.settle();
  if (UpstreamAttempt* const loser = other(attempt)) {
    if (loser->open()) shard().add(cluster_->stats().rq_tx_reset);
    loser->reset(Reason::kNone);
  }
  current_ = &attempt;
  replayable_ = false;
  replay_.clear();
  if (shown_ != &attempt) showAttempt(attempt);
}

void Router::onHead(http::Head& head) {
  filter::StreamInfo& info = context_.info;
  status_ = head.status;
  const upstream::SizeStats* const sizes = cluster_->cluster().sizeStats();
  if (sizes != nullptr) recordFields(*sizes, *request_, head);
  tunnel_ = ends_tunnel_ || head.status == 101 || (request_->isConnect() && head.status / 100 == 2);
  countStatus(head.status);
  if (!context_.config.suppress_envoy_headers) {
    const base::MonotonicTime since =
        std::max(info.upstream_first_sent.value_or(started_), info.request_complete.value_or(base::MonotonicTime{0}));
    const int64_t took = base::millisecondsBetween(since, now());
    setNumber(head, HeaderId::kXEnvoyUpstreamServiceTime, static_cast<uint64_t>(took));
  }
  if (policy_ != nullptr && policy_->attempt_count_in_response) {
    setNumber(head, "x-envoy-attempt-count", info.upstream_attempts);
  }
  for (const SetCookie* cookie = cookies_; cookie != nullptr; cookie = cookie->next) {
    head.headers.add(HeaderId::kSetCookie, cookie->value);
  }
  editResponse(head, *route(), info);
  edited_ = &head;
  if (tunnel_) wakeOwner();
}

std::optional<Part> Router::receiveRest() {
  if (!winner_->end_sent) pump(*winner_);
  std::optional<Part> part = winner_->stream().receive();
  if (!part) return std::nullopt;
  switch (part->kind()) {
    case Part::Kind::kHead:
      break;
    case Part::Kind::kData:
      context_.info.upstream_bytes_received += part->data().size();
      break;
    case Part::Kind::kEnd:
      onUpstreamEnd();
      break;
    case Part::Kind::kFailed:
      shard().add(cluster_->stats().rq_rx_reset);
      recordOutcome(*winner_, Outcome::kReset, status_);
      winner_->drop();
      endShadows(false);
      state_ = State::kDone;
      break;
  }
  return part;
}

void Router::onUpstreamEnd() {
  context_.info.upstream_last_received = now();
  recordOutcome(*winner_, status_ < 500 ? Outcome::kSuccess : Outcome::kError, status_);
  if (context_.config.counts_responses) {
    shard().record(cluster_->stats().rq_time, static_cast<uint64_t>(base::millisecondsBetween(started_, now())));
  }
  recordTracked();
  // The pool has its connection back at once; if the request was not sent whole, this drops it.
  winner_->drop();
  held_.clear();
  endShadows(false);
  state_ = State::kDone;
  released_ = true;  // the rest was, when it won
}

// Before editing of the response: what the upstream was sent, and what it sent.
void Router::recordFields(const upstream::SizeStats& sizes, const http::Head& request, const http::Head& response) {
  shard().record(sizes.rq_headers_size, request.headers.bytes());
  shard().record(sizes.rq_headers_count, request.headers.size());
  shard().record(sizes.rs_headers_size, response.headers.bytes());
  shard().record(sizes.rs_headers_count, response.headers.size());
}

void Router::recordTracked() {
  if (const upstream::SizeStats* const sizes = cluster_->cluster().sizeStats()) {
    shard().record(sizes->rq_body_size, context_.info.bytes_received);
    shard().record(sizes->rs_body_size, context_.info.upstream_bytes_received);
  }
  const upstream::BudgetStats* const budgets = cluster_->cluster().budgetStats();
  if (budgets == nullptr || tunnel_) return;
  const auto record = [this](stats::HistogramId id, base::MonotonicTime since, absl::Duration budget) {
    if (budget == absl::InfiniteDuration() || budget <= absl::ZeroDuration()) return;
    shard().record(id, static_cast<uint64_t>(std::min(100.0, 100 * absl::FDivDuration(now() - since, budget))));
  };
  record(budgets->used, context_.info.request_complete.value_or(started_), route_timeout_);
  record(budgets->used_per_try, winner_->started(), try_deadlines_.whole);
}

}  // namespace weir::proxy
