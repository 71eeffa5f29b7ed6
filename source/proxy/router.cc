#include "source/proxy/router.h"

#include <algorithm>
#include <charconv>
#include <span>
#include <utility>

#include "source/http/authority.h"
#include "source/http/grpc.h"
#include "source/http/path.h"
#include "source/proxy/grpc_timeout.h"
#include "source/proxy/path_rewrite.h"
#include "source/upstream/discovery/demand.h"

namespace weir::proxy {
namespace {

using http::HeaderId;
using http::Part;
using http::Reason;
using Outcome = upstream::RequestOutcome::Kind;

// RFC 9110 section 9.2.2: these may be sent again when it is not known what became of the first time.
bool isIdempotent(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "OPTIONS" || method == "PUT" || method == "DELETE" ||
         method == "TRACE";
}

void setMilliseconds(http::Head& head, HeaderId id, absl::Duration duration) {
  char digits[20];
  const auto end = std::to_chars(digits, digits + sizeof(digits), absl::ToInt64Milliseconds(duration));
  head.headers.set(id, std::string_view(digits, end.ptr - digits));
}

bool takesNoBody(uint16_t status) { return status == 204 || status == 304; }

}  // namespace

Router::Router(const Context& context)
    : context_(context), held_(context.services.worker.blocks), replay_(context.services.worker.blocks) {}

Router::~Router() { reset(Reason::kNone); }

size_t Router::room() const {
  switch (state_) {
    case State::kIdle:
    case State::kOpening:
      return kHeldBytes - std::min(kHeldBytes, held_.size());
    case State::kForwarding:
      return held_.empty() ? upstream_->room() : 0;
    case State::kLocal:
    case State::kFailed:
    case State::kDone:
      break;
  }
  return kHeldBytes;  // dropped
}

void Router::send(Part part) {
  switch (part.kind()) {
    case Part::Kind::kHead:
      begin(part.head());
      break;
    case Part::Kind::kData:
      if (state_ == State::kForwarding && held_.empty()) {
        sendData(std::move(part.data()));
      } else if (state_ == State::kForwarding || state_ == State::kOpening) {
        held_.append(std::move(part.data()));
      }
      break;
    case Part::Kind::kEnd:
      request_ended_ = true;
      request_trailers_ = part.trailers();
      if (state_ == State::kForwarding) pump();
      break;
    case Part::Kind::kFailed:
      reset(part.reason());
      break;
  }
}

void Router::begin(http::Head& request) {
  request_ = &request;
  started_ = now();
  if (refusal_ != Reason::kNone) return fail(refusal_);
  if (redirect_to_path_) return answer(307, Reason::kRedirect, "", request.path);
  const Route* const chosen = route();
  if (chosen == nullptr) {
    shard().add(context_.config.stats.no_route);
    return fail(Reason::kNoRoute);
  }
  if (const auto* direct = std::get_if<DirectAction>(&chosen->action)) {
    shard().add(context_.config.stats.rq_direct_response);
    answerDirectly(*direct);
  } else if (const auto* redirect = std::get_if<RedirectAction>(&chosen->action)) {
    shard().add(context_.config.stats.rq_redirect);
    answer(redirect->status, Reason::kRedirect, "", redirectLocation(request, *chosen, *redirect));
  } else {
    forward(request, *chosen, std::get<ForwardAction>(chosen->action));
  }
}

void Router::answerDirectly(const DirectAction& direct) {
  if (direct.format == nullptr) return answer(direct.status, Reason::kDirectResponse, direct.body, "");
  std::string body;
  direct.format->append(context_.info, body);
  answer(direct.status, Reason::kDirectResponse, context_.arena.copy(body), "");
  const bool typed = local_head_->headers.get(HeaderId::kContentType) == "text/plain";
  if (typed && !direct.content_type.empty()) local_head_->headers.set(HeaderId::kContentType, direct.content_type);
}

void Router::answer(uint16_t status, Reason reason, std::string_view body, std::string_view location) {
  if (context_.info.reason == Reason::kNone) context_.info.reason = reason;
  http::Head& head = *context_.arena.make<http::Head>(context_.arena);
  head.status = status;
  if (!takesNoBody(status)) head.content_length = body.size();
  if (!location.empty()) head.headers.addView(HeaderId::kLocation, http::headerName(HeaderId::kLocation), location);
  if (http::isGrpc(*request_)) {
    http::makeGrpcReply(head, reason, std::exchange(body, {}));
  } else if (!body.empty()) {
    head.headers.addView(HeaderId::kContentType, "content-type", "text/plain");
  }
  if (const Route* chosen = route()) {
    editResponse(head, *chosen, context_.info);
    edited_ = &head;
  }
  local_head_ = &head;
  local_body_ = request_->isHead() || takesNoBody(status) ? std::string_view() : body;
  state_ = State::kLocal;
  context_.owner.wakeStream();
}

void Router::forward(http::Head& request, const Route& route, const ForwardAction& action) {
  std::string_view name = action.cluster;
  if (!action.cluster_header.empty()) name = request.headers.get(action.cluster_header).value_or("");
  cluster_ = context_.services.clusters.find(name);
  if (cluster_ == nullptr) {
    shard().add(context_.config.stats.no_cluster);
    return answer(action.cluster_not_found_status, Reason::kNoCluster, http::reasonInfo(Reason::kNoCluster).sentence,
                  "");
  }
  shard().add(context_.config.stats.rq_forwarded);
  context_.info.upstream_cluster = cluster_->config().name;
  route_timeout_ = orNever(action.timeout);
  grpc_timeout_ = grpcTimeout(request, action);
  editForward(request, route, action);
  openStream();
}

void Router::editForward(http::Head& request, const Route& route, const ForwardAction& action) {
  const bool suppress = context_.config.suppress_envoy_headers;
  editRequest(request, route, context_.info);
  if (!action.host_rewrite_literal.empty()) {
    setHost(request, action, action.host_rewrite_literal);
  } else if (!action.host_rewrite_header.empty()) {
    const auto host = request.headers.get(action.host_rewrite_header);
    if (host && !host->empty()) setHost(request, action, *host);
  } else if (action.host_rewrite_path != nullptr) {
    const std::string host = action.host_rewrite_path->apply(http::pathOf(request.path));
    if (!host.empty()) setHost(request, action, context_.arena.copy(host));
  }
  const std::string_view path = rewrittenPath(request, route, action.prefix_rewrite, action.regex_rewrite.get());
  if (path.data() != request.path.data()) {
    if (!suppress) request.headers.set(HeaderId::kXEnvoyOriginalPath, request.path);
    request.path = path;
  }
  if (!suppress && route_timeout_ != absl::InfiniteDuration()) {
    setMilliseconds(request, HeaderId::kXEnvoyExpectedRqTimeoutMs, route_timeout_);
  }
}

void Router::setHost(http::Head& request, const ForwardAction& action, std::string_view host) {
  if (action.append_x_forwarded_host) {
    http::HeaderMap& headers = request.headers;
    const auto before = headers.joined(http::headerName(HeaderId::kXForwardedHost));
    base::Arena& arena = context_.arena;
    headers.set(HeaderId::kXForwardedHost,
                before ? arena.join(arena.join(*before, ","), request.authority) : request.authority);
  }
  request.authority = host;
}

void Router::openStream() {
  state_ = State::kOpening;
  upstream::PickContext pick;
  pick.priority = std::get<ForwardAction>(route()->action).priority;
  // The limit of retries is against load that piles up; what was provably not processed was none.
  pick.resend = resends_ > 0 && !multiplexed_;
  pick.version = request_->version;
  // It refused the request.
  if (multiplexed_ && host_) pick.attempted = std::span<const upstream::HostRef>(&host_, 1);
  if (cluster_->config().demand != nullptr) pick.wanted = wantedHost(cluster_->config().demand->config());
  ++context_.info.upstream_attempts;
  ticket_ = cluster_->openStream(pick, *this);
}

// The name that a filter has chosen, or that the request has, with its port.
std::string_view Router::wantedHost(const upstream::discovery::DemandConfig& config) {
  const std::string_view named = context_.info.upstream_target;
  const auto authority = http::parseAuthority(named.empty() ? std::string_view(request_->authority) : named);
  if (!authority) return {};
  char digits[8];
  const uint16_t port = authority->port.value_or(config.default_port);
  const auto end = std::to_chars(digits, digits + sizeof(digits), port);
  const std::string_view host = context_.arena.join(context_.arena.copyLower(authority->host), ":");
  return context_.arena.join(host, std::string_view(digits, end.ptr - digits));
}

void Router::onStreamOpen(Opened opened) {
  filter::StreamInfo& info = context_.info;
  upstream_ = std::move(opened.stream);
  upstream_->setOwner(*this, context_.arena);
  host_ = std::move(opened.host);
  reused_ = opened.reused;
  multiplexed_ = opened.multiplexed;
  retry_ = std::move(opened.retry);
  info.upstream_remote = host_->address;
  info.upstream_local = opened.local;
  info.upstream_transport = std::move(opened.transport);
  info.upstream_host_name = host_->hostname;
  stream_deadline_ = now() + orNever(cluster_->config().max_stream_duration);
  const auto& action = std::get<ForwardAction>(route()->action);
  if (action.auto_host_rewrite && !host_->hostname.empty()) setHost(*request_, action, host_->hostname);

  state_ = State::kForwarding;
  end_sent_ = false;
  if (!info.upstream_first_sent) info.upstream_first_sent = now();
  passDeadlineOn(action);
  upstream_->send(Part::makeHead(*request_, blocks()));
  pump();
  context_.owner.wakeStream();
}

// The upstream has what is left of the time that the client gave. Said anew only if it is not what the client said.
void Router::passDeadlineOn(const ForwardAction& action) {
  if (!grpc_timeout_) return;
  const absl::Duration elapsed = now() - context_.info.start;
  if (elapsed <= absl::ZeroDuration() && resends_ == 0 && !action.grpc_timeout_max) return;
  request_->headers.set(HeaderId::kGrpcTimeout, http::formatGrpcTimeout(*grpc_timeout_ - elapsed, context_.arena));
}

void Router::onStreamFailed(Reason reason, upstream::HostRef host) {
  if (host) {
    host_ = std::move(host);
    context_.info.upstream_remote = host_->address;
    context_.info.upstream_host_name = host_->hostname;
    if (reason == Reason::kConnectFailure) recordOutcome(Outcome::kConnectFailure);
    if (reason == Reason::kConnectTimeout) recordOutcome(Outcome::kConnectTimeout);
  }
  countStatus(http::reasonInfo(reason).status);
  fail(reason);
}

// Sends what is held, as far as there is room, and then the end.
void Router::pump() {
  while (!held_.empty() && upstream_->room() > 0) {
    buffer::Buffer fitting(blocks());
    fitting.moveFrom(held_, upstream_->room());
    sendData(std::move(fitting));
  }
  if (!held_.empty() || !request_ended_ || std::exchange(end_sent_, true)) return;
  context_.info.upstream_last_sent = now();
  upstream_->send(Part::makeEnd(request_trailers_, blocks()));
}

void Router::sendData(buffer::Buffer data) {
  keepForResend(data);
  context_.info.upstream_bytes_sent += data.size();
  upstream_->send(Part::makeData(std::move(data)));
}

void Router::keepForResend(const buffer::Buffer& data) {
  if (!replayable_ || response_started_) return;
  if (!(reused_ || multiplexed_) || replay_.size() + data.size() > kHeldBytes) {
    replayable_ = false;
    replay_.clear();
    return;
  }
  data.forEachPiece([this](std::string_view piece) {
    replay_.append(piece);
    return true;
  });
}

std::optional<Part> Router::receive() {
  switch (state_) {
    case State::kLocal:
      return receiveLocal();
    case State::kForwarding:
      return receiveUpstream();
    case State::kFailed:
      state_ = State::kDone;
      return Part::makeFailed(failure_, blocks());
    case State::kIdle:
    case State::kOpening:
    case State::kDone:
      break;
  }
  return std::nullopt;
}

std::optional<Part> Router::receiveLocal() {
  switch (next_) {
    case Next::kHead:
      next_ = local_body_.empty() ? Next::kEnd : Next::kData;
      return Part::makeHead(*local_head_, blocks());
    case Next::kData: {
      next_ = Next::kEnd;
      buffer::Buffer body(blocks());
      body.append(local_body_);
      return Part::makeData(std::move(body));
    }
    case Next::kEnd:
      break;
  }
  state_ = State::kDone;
  return Part::makeEnd(nullptr, blocks());
}

std::optional<Part> Router::receiveUpstream() {
  pump();
  std::optional<Part> part = upstream_->receive();
  if (!part) return std::nullopt;
  switch (part->kind()) {
    case Part::Kind::kHead:
      onHead(part->head());
      break;
    case Part::Kind::kData:
      context_.info.upstream_bytes_received += part->data().size();
      break;
    case Part::Kind::kEnd:
      onUpstreamEnd();
      break;
    case Part::Kind::kFailed:
      if (resend()) return std::nullopt;
      shard().add(cluster_->stats().rq_rx_reset);
      recordOutcome(Outcome::kReset);
      if (!response_started_) countStatus(http::reasonInfo(part->reason()).status);
      dropUpstream();
      state_ = State::kDone;
      break;
  }
  return part;
}

void Router::onHead(http::Head& head) {
  replayable_ = false;
  replay_.clear();
  filter::StreamInfo& info = context_.info;
  if (!info.upstream_first_received) info.upstream_first_received = now();
  if (head.isInterim()) return;
  response_started_ = true;
  status_ = head.status;
  tunnel_ = head.status == 101 || (request_->isConnect() && head.status / 100 == 2);
  countStatus(head.status);
  if (!context_.config.suppress_envoy_headers) {
    const base::MonotonicTime since =
        std::max(info.upstream_first_sent.value_or(started_), info.request_complete.value_or(base::MonotonicTime{0}));
    setMilliseconds(head, HeaderId::kXEnvoyUpstreamServiceTime, now() - since);
  }
  editResponse(head, *route(), info);
  edited_ = &head;
  if (tunnel_) context_.owner.wakeStream();
}

void Router::onUpstreamEnd() {
  context_.info.upstream_last_received = now();
  recordOutcome(status_ < 500 ? Outcome::kSuccess : Outcome::kError);
  shard().record(cluster_->stats().rq_time, static_cast<uint64_t>(absl::ToInt64Milliseconds(now() - started_)));
  // The pool has its connection back at once; if the request was not sent whole, this drops it.
  dropUpstream();
  held_.clear();
  state_ = State::kDone;
}

bool Router::resend() {
  if (response_started_ || !replayable_ || resends_ == kResends) return false;
  if (!upstream_->unprocessed() || !(multiplexed_ || isIdempotent(request_->method))) return false;
  ++resends_;
  shard().add(cluster_->stats().rq_retry);
  dropUpstream();
  buffer::Buffer rest = std::move(held_);
  held_ = std::move(replay_);
  held_.append(std::move(rest));
  openStream();
  return true;
}

void Router::dropUpstream() {
  upstream_.reset();
  retry_.release();
}

void Router::recordOutcome(Outcome kind) { cluster_->recordOutcome(host_, {kind, status_, now() - started_}); }

void Router::fail(Reason reason) {
  failure_ = reason;
  state_ = State::kFailed;
  held_.clear();
  context_.owner.wakeStream();
}

void Router::countStatus(uint16_t status) {
  const upstream::ClusterStats& stats = cluster_->stats();
  shard().add(stats.rq_completed);
  const size_t place = status / 100 - 1;
  if (place < stats.rq_status.size()) shard().add(stats.rq_status[place]);
}

void Router::reset(Reason reason) {
  if (upstream_ != nullptr) {
    const bool timeout = reason == Reason::kRouteTimeout;
    shard().add(timeout ? cluster_->stats().rq_timeout : cluster_->stats().rq_tx_reset);
    if (timeout) {
      recordOutcome(Outcome::kTimeout);
      if (!response_started_) countStatus(http::reasonInfo(reason).status);
    }
    upstream_->reset(reason);
    dropUpstream();
  } else if (state_ == State::kOpening && reason == Reason::kRouteTimeout) {
    shard().add(cluster_->stats().rq_timeout);
    countStatus(http::reasonInfo(reason).status);
  }
  ticket_.cancel();
  held_.clear();
  replay_.clear();
  state_ = State::kDone;
}

}  // namespace weir::proxy
