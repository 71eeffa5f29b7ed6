#include "source/proxy/router.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "source/http/grpc.h"
#include "source/http/path.h"
#include "source/proxy/grpc_timeout.h"
#include "source/proxy/routes/hash_policy.h"
#include "source/proxy/routes/path_rewrite.h"
#include "source/proxy/shadow.h"

namespace weir::proxy {
namespace {

using http::HeaderId;
using http::Part;
using http::Reason;
using Outcome = upstream::RequestOutcome::Kind;

bool takesNoBody(uint16_t status) { return status == 204 || status == 304; }

}  // namespace

Router::Router(const Context& context)
    : context_(context),
      first_(*this, context.services.worker),
      back_off_(context.services.worker.dispatcher, *this),
      held_(context.services.worker.blocks),
      replay_(context.services.worker.blocks) {}

Router::~Router() {
  if (!released_) reset(Reason::kNone);
}

size_t Router::room() const {
  switch (state_) {
    case State::kIdle:
      return kHeldBytes;
    case State::kUpstream:
      if (current_->open()) return held_.empty() ? current_->stream().room() : 0;
      return kHeldBytes - std::min(kHeldBytes, held_.size());
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
      if (state_ != State::kUpstream) break;
      for (Shadow* shadow = shadows_; shadow != nullptr; shadow = shadow->next) shadow->append(part.data());
      if (current_->open() && held_.empty()) {
        sendData(*current_, std::move(part.data()));
      } else {
        held_.append(std::move(part.data()));
      }
      break;
    case Part::Kind::kEnd:
      request_ended_ = true;
      request_trailers_ = part.trailers();
      if (state_ != State::kUpstream) break;
      endShadows(true);
      if (current_->active()) current_->onRequestEnd();
      if (current_->open()) pump(*current_);
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
  if (typed) local_head_->headers.set(HeaderId::kContentType, direct.format->content_type);
}

void Router::answer(uint16_t status, Reason reason, std::string_view body, std::string_view location) {
  if (context_.info.reason == Reason::kNone) context_.info.reason = reason;
  filter::LocalReply reply{reason, status, body, nullptr};
  context_.config.adapt(reply, context_.info, context_.arena);
  http::Head& head = reply.head != nullptr ? *reply.head : *context_.arena.make<http::Head>(context_.arena);
  head.status = reply.status;
  if (!takesNoBody(reply.status)) head.content_length = reply.body.size();
  if (!location.empty()) head.headers.addView(HeaderId::kLocation, http::headerName(HeaderId::kLocation), location);
  if (http::isGrpc(*request_)) {
    http::makeGrpcReply(head, reply.status == status ? reason : Reason::kNone, std::exchange(reply.body, {}));
  } else if (!reply.body.empty() && !head.headers.has(HeaderId::kContentType)) {
    head.headers.addView(HeaderId::kContentType, "content-type", "text/plain");
  }
  if (const Route* chosen = route()) {
    editResponse(head, *chosen, context_.info);
    edited_ = &head;
  }
  local_head_ = &head;
  local_body_ = request_->isHead() || takesNoBody(reply.status) ? std::string_view() : reply.body;
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
  context_.info.upstream_metadata = cluster_->config().notes.get();
  policy_ = action.policy.get();
  if (policy_ != nullptr && policy_->body_limit) replay_limit_ = *policy_->body_limit;
  if (policy_ != nullptr && policy_->redirects) original_ = copyRequest(request, context_.arena);
  takeTimeouts(request, action, retries_.begin(policy_, request));
  editForward(request, route, action);
  const HashPolicy* const of_cluster = cluster_->config().lb.hash_policy.get();
  if (const HashPolicy* const hashed = of_cluster != nullptr ? of_cluster : action.hash_policy.get()) {
    const HashPolicy::Outcome outcome = hashed->apply(request, context_.info);
    hash_ = outcome.hash;
    cookies_ = outcome.cookies;
  }
  ends_tunnel_ = action.tunnel != nullptr && (request.isConnect() || (action.tunnel->post && request.method == "POST"));
  state_ = State::kUpstream;
  if (policy_ != nullptr && !policy_->mirrors.empty()) startShadows(action);
  startAttempt(first_, {});
}

void Router::takeTimeouts(const http::Head& request, const ForwardAction& action, const RequestedTimeouts& requested) {
  route_timeout_ = orNever(action.timeout);
  if (requested.total) {
    route_timeout_ = orNever(*requested.total);
  } else if (requested.expected && context_.config.respect_expected_rq_timeout) {
    route_timeout_ = orNever(*requested.expected);
  }
  if (policy_ != nullptr) {
    try_deadlines_ = {orNever(policy_->retry.per_try_timeout), orNever(policy_->retry.per_try_idle_timeout)};
  }
  if (requested.per_try) try_deadlines_.whole = orNever(*requested.per_try);
  if (try_deadlines_.whole >= route_timeout_) try_deadlines_.whole = absl::InfiniteDuration();
  grpc_timeout_ = grpcTimeout(request, action);
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

std::optional<Part> Router::receive() {
  switch (state_) {
    case State::kLocal:
      return receiveLocal();
    case State::kUpstream:
      if (winner_ != nullptr) return receiveRest();
      if (!first_.open() && !second_) return std::nullopt;
      return receiveFirst();
    case State::kFailed:
      state_ = State::kDone;
      return Part::makeFailed(failure_, blocks());
    case State::kIdle:
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

void Router::fail(Reason reason) {
  failure_ = reason;
  state_ = State::kFailed;
  held_.clear();
  replay_.clear();
  endShadows(false);
  wakeOwner();
}

// The last attempt is over, and there was no response.
void Router::failUpstream(Reason reason) {
  countStatus(http::reasonInfo(reason).status);
  fail(reason);
}

void Router::countStatus(uint16_t status) {
  if (!context_.config.counts_responses) return;
  const upstream::ClusterStats& stats = cluster_->stats();
  shard().add(stats.rq_completed);
  const size_t place = status / 100 - 1;
  if (place < stats.rq_status.size()) shard().add(stats.rq_status[place]);
}

// Written where it stays.
void Router::setNumber(http::Head& head, HeaderId id, uint64_t number) {
  constexpr size_t kMost = 20;
  char* const digits = head.arena().allocateChars(kMost);
  const auto end = std::to_chars(digits, digits + kMost, number);
  const std::string_view text(digits, end.ptr - digits);
  if (head.headers.has(id)) return head.headers.set(id, text);
  head.headers.addView(id, http::headerName(id), text);
}

void Router::setNumber(http::Head& head, std::string_view name, uint64_t number) {
  char digits[20];
  const auto end = std::to_chars(digits, digits + sizeof(digits), number);
  head.headers.set(name, std::string_view(digits, end.ptr - digits));
}

void Router::leaveInKernel() {
  if (winner_ != nullptr && winner_->open()) winner_->stream().leaveInKernel();
}

void Router::reset(Reason reason) {
  if (released_) return;
  if (state_ == State::kUpstream) {
    const bool timeout = reason == Reason::kRouteTimeout;
    if (timeout) {
      shard().add(cluster_->stats().rq_timeout);
      if (winner_ == nullptr) countStatus(http::reasonInfo(reason).status);
    }
    for (UpstreamAttempt* const attempt : {&first_, other(first_)}) {
      if (attempt == nullptr || !attempt->open()) continue;
      if (timeout) {
        recordOutcome(*attempt, Outcome::kTimeout);
      } else {
        shard().add(cluster_->stats().rq_tx_reset);
      }
      attempt->reset(reason);
    }
  }
  first_.drop();
  if (second_) second_->drop();
  back_off_.cancel();
  next_lease_.release();
  held_.clear();
  replay_.clear();
  endShadows(false);
  state_ = State::kDone;
  released_ = true;
}

}  // namespace weir::proxy
