#include "source/proxy/exchange.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "source/net/transport_info.h"
#include "source/proxy/exchange_pool.h"
#include "source/proxy/grpc_timeout.h"
#include "source/proxy/http_connection_manager.h"
#include "source/proxy/request_preparation.h"

namespace weir::proxy {
namespace {

using http::HeaderId;
using http::Part;
using http::Reason;

constexpr base::MonotonicTime kNever{std::numeric_limits<int64_t>::max()};
// How long the answer to a timeout may wait for the client to take it.
constexpr absl::Duration kMaxAnswerIdle = absl::Minutes(5);

bool equalsLower(std::string_view lower, std::string_view text) {
  return lower.size() == text.size() && std::equal(text.begin(), text.end(), lower.begin(), [](char a, char b) {
           return (a >= 'A' && a <= 'Z' ? static_cast<char>(a | 0x20) : a) == b;
         });
}

// Most limits are none, and the sum with an infinite duration takes a division to find that out.
base::MonotonicTime after(base::MonotonicTime from, absl::Duration limit) {
  return limit == absl::InfiniteDuration() ? kNever : from + limit;
}

// What the list says about the token, if it says anything.
std::optional<bool> said(const std::vector<std::pair<std::string, bool>>& upgrades, std::string_view token) {
  for (const auto& [name, allowed] : upgrades) {
    if (equalsLower(name, token)) return allowed;
  }
  return std::nullopt;
}

bool ignored(const std::vector<filter::StringMatcher>& tokens, std::string_view upgrade) {
  return std::any_of(tokens.begin(), tokens.end(), [upgrade](const auto& token) { return token.matches(upgrade); });
}

}  // namespace

std::optional<Part> Exchange::Intake::receive() {
  if (head_ != nullptr) return Part::makeHead(*std::exchange(head_, nullptr), *pool);
  if (replay_) {
    if (!replay_->empty()) return Part::makeData(std::exchange(*replay_, buffer::Buffer(*pool)));
    if (std::exchange(replay_ended_, true)) return std::nullopt;
    return Part::makeEnd(trailers_, *pool);
  }
  return stream_->receive();
}

Exchange::Exchange(const HttpConnectionManagerConfig& config, const Services& services,
                   const DownstreamInfo& downstream, const net::TransportInfo* transport, http::StreamPtr stream,
                   HttpConnectionManager& owner)
    : event::Wakeable(services.worker.dispatcher),
      config_(config),
      services_(services),
      owner_(owner),
      arena_(services.worker.chunks),
      downstream_(std::move(stream)),
      chain_(std::in_place, *config.filters, services.worker, arena_, info_, downstream_, downstream_.stream(),
             static_cast<filter::ChainOwner&>(*this)),
      router_(std::in_place, Router::Context{config, services, arena_, info_, *this, trail_}),
      timer_(services.worker.dispatcher, *this),
      last_progress_(now()),
      armed_until_(kNever),
      idle_timeout_(orNever(config.stream_idle_timeout)),
      max_duration_(orNever(config.max_stream_duration)) {
  info_.start = now();
  info_.start_wall = services.worker.dispatcher.wallNow();
  info_.connection_id = downstream.connection_id;
  info_.listener = config.listener.get();
  info_.connection_states = &owner.states();
  info_.downstream_local = downstream.local;
  info_.downstream_local_restored = downstream.local_restored;
  info_.downstream_direct_remote = downstream.remote;
  info_.downstream_remote = downstream.remote;
  info_.downstream_transport = transport;
  info_.requested_server_name = downstream.server_name;
  info_.fingerprints = downstream.fingerprints.get();
  if (downstream.proxy_tlvs != nullptr) info_.proxy_tlvs = *downstream.proxy_tlvs;
  downstream_.pool = &services.worker.blocks;
  downstream_.setOwner(*this, arena_);
  stats::Shard& shard = services.worker.stats;
  shard.add(config.stats.rq_total);
  shard.gaugeAdd(config.stats.rq_active, 1);
  wake();
}

Exchange::~Exchange() = default;

// Looks at the head before the chain does, so that what is refused here reaches no filter. False when there is no head.
bool Exchange::start() {
  std::optional<Part> part = downstream_.receive();
  if (!part) return false;
  started_ = true;
  if (part->kind() != Part::Kind::kHead) {
    info_.reason = part->kind() == Part::Kind::kFailed ? part->reason() : Reason::kBadRequest;
    return true;
  }
  http::Head& head = part->head();
  info_.protocol = head.version;
  if (!head.upgrade.empty() && ignored(config_.ignored_upgrades, head.upgrade)) head.upgrade = {};
  const bool http2 = head.version == http::Version::kHttp2;
  services_.worker.stats.add(http2 ? config_.stats.rq_http2_total : config_.stats.rq_http1_total);
  if (config_.request.external()) {
    for (const std::string& name : config_.routes->internal_only_headers) head.headers.remove(name);
  }
  const Preparation prepared = prepareRequest(head, info_, config_.request, services_.worker.random);
  const ClientCertificateOptions& certificate = config_.client_certificate;
  const net::TransportInfo* const transport = info_.downstream_transport;
  const bool presented = transport != nullptr && transport->peer != nullptr;
  const bool element = presented && certificate.wantsElement();
  forwardClientCertificate(certificate, presented, element ? owner_.clientCertificate() : "", head.headers);
  if (prepared.redirect) router_->redirectToPath();
  if (prepared.refusal == Reason::kNone) {
    downstream_.keep(head);
    return true;
  }
  info_.request_head = &head;
  stats::Shard& shard = services_.worker.stats;
  shard.add(prepared.refusal == Reason::kMissingHost ? config_.stats.rq_missing_host : config_.stats.rq_path_refused);
  chain_->replyOrReset(prepared.refusal, "");
  return true;
}

void Exchange::onWake() {
  if (!started_) {
    if (!start()) return;
    if (info_.reason != Reason::kNone) return finish(false);
  }
  const filter::HttpChain::State state = chain_->drive();
  if (http::Head* const target = router_->redirected()) return follow(*target);
  if (state == filter::HttpChain::State::kRunning && !router_->tunnelEnded()) {
    if (client_finished_ && router_->awaitsUpstream() && !router_->tunnel()) {
      if (info_.reason == Reason::kNone) info_.reason = Reason::kClientGone;
      return finish(false);
    }
    noteProgress();
    scheduleTimer();
    return;
  }
  finish(state != filter::HttpChain::State::kReset);
}

void Exchange::onClientFinished() {
  client_finished_ = true;
  wake();
}

void Exchange::chooseRoute(http::Head& request) {
  const Route* const route = config_.routes->match(request, info_, services_.worker.random);
  info_.route = route;
  virtual_cluster_ = route == nullptr ? nullptr : route->virtual_host->virtualClusterOf(request);
  idle_timeout_ = orNever(config_.stream_idle_timeout);
  max_duration_ = orNever(config_.max_stream_duration);
  if (route == nullptr) return;
  const auto* const forward = std::get_if<ForwardAction>(&route->action);
  if (forward == nullptr) return;
  if (forward->idle_timeout) idle_timeout_ = orNever(*forward->idle_timeout);
  if (forward->max_stream_duration) max_duration_ = orNever(*forward->max_stream_duration);
  if (forward->grpc_timeout_max) {
    if (const std::optional<absl::Duration> timeout = grpcTimeout(request, *forward)) max_duration_ = *timeout;
  }
}

http::Stream& Exchange::openTerminal(http::Head& request) {
  trail_.routes[std::min(trail_.followed, RedirectTrail::kMost - 1)] = static_cast<const Route*>(info_.route);
  if ((request.isConnect() || !request.upgrade.empty()) && !upgradeAllowed(request)) {
    services_.worker.stats.add(config_.stats.rq_upgrade_refused);
    router_->refuse(Reason::kUpgradeRefused);
  }
  return *router_;
}

bool Exchange::upgradeAllowed(const http::Head& request) const {
  const std::string_view token = request.isConnect() ? std::string_view("connect") : request.upgrade;
  if (info_.route == nullptr) return true;  // there is nothing to upgrade to: the router says so
  const auto* const forward = std::get_if<ForwardAction>(&static_cast<const Route*>(info_.route)->action);
  if (forward != nullptr) {
    if (const std::optional<bool> allowed = said(forward->upgrades, token)) return *allowed;
  }
  return said(config_.upgrades, token).value_or(false);
}

void Exchange::dropTerminal(Reason reason) { router_->reset(reason); }

void Exchange::onLocalReply(filter::LocalReply& reply) { config_.adapt(reply, info_, arena_); }

void Exchange::onResponseHead(http::Head& response) {
  if (response.isInterim()) return;
  if (info_.route != nullptr && !router_->edited(response)) {
    editResponse(response, *static_cast<const Route*>(info_.route), info_);
  }
  const bool overflow = info_.reason == Reason::kUpstreamOverflow || info_.reason == Reason::kPendingTimeout;
  if (overflow && !config_.suppress_envoy_headers) {
    response.headers.set(HeaderId::kXEnvoyOverloaded, "true");
  }
  if (config_.proxy_status && info_.reason != Reason::kNone) {
    addProxyStatus(response, info_.reason, *config_.proxy_status);
  }
  addServerHeaders(response);
  owner_.beforeResponseHead();
}

void Exchange::addServerHeaders(http::Head& response) {
  http::HeaderMap& headers = response.headers;
  const bool has_server = headers.has(HeaderId::kServer);
  if (config_.server_header == ServerHeader::kOverwrite ||
      (config_.server_header == ServerHeader::kAppendIfAbsent && !has_server)) {
    if (has_server) headers.remove(HeaderId::kServer);
    headers.addView(HeaderId::kServer, http::headerName(HeaderId::kServer), config_.server_name);
  }
  if (!headers.has(HeaderId::kDate)) {
    headers.add(HeaderId::kDate, services_.exchanges.date.text(services_.worker.dispatcher.wallNow()));
  }
  if (!config_.request.via.empty()) {
    const auto before = headers.joined("via");
    headers.set(HeaderId::kVia, before ? std::string_view(arena_.join(arena_.join(*before, ", "), config_.request.via))
                                       : std::string_view(config_.request.via));
  }
  if (config_.always_set_request_id_in_response && !info_.request_id.empty()) {
    headers.set(HeaderId::kXRequestId, info_.request_id);
  }
}

void Exchange::noteProgress() {
  const uint64_t progress =
      info_.bytes_received + info_.bytes_sent + (info_.request_complete ? 1 : 0) + (chain_->responseStarted() ? 1 : 0);
  if (progress == progress_) return;
  progress_ = progress;
  last_progress_ = now();
}

base::MonotonicTime Exchange::nearestDeadline() const {
  // A peer that does not take the answer must not hold what is left of the exchange for ever.
  if (timed_out_) return last_progress_ + std::min(idle_timeout_, kMaxAnswerIdle);
  base::MonotonicTime nearest = std::min(after(last_progress_, idle_timeout_), after(info_.start, max_duration_));
  nearest = std::min(nearest, router_->streamDeadline());
  if (!info_.request_complete) {
    return router_->tunnel() ? nearest : std::min(nearest, after(info_.start, orNever(config_.request_timeout)));
  }
  return std::min(nearest, after(*info_.request_complete, router_->routeTimeout()));
}

void Exchange::scheduleTimer() {
  const base::MonotonicTime nearest = nearestDeadline();
  if (nearest >= armed_until_) return;
  armed_until_ = nearest;
  timer_.armAt(nearest);
}

// The deadline that has passed, the most specific first.
Reason Exchange::dueReason() const {
  const base::MonotonicTime at = now();
  if (timed_out_) return nearestDeadline() <= at ? Reason::kStreamIdleTimeout : Reason::kNone;
  const bool complete = info_.request_complete.has_value();
  if (complete && *info_.request_complete + router_->routeTimeout() <= at) return Reason::kRouteTimeout;
  if (router_->streamDeadline() <= at) return Reason::kRouteTimeout;
  if (!complete && !router_->tunnel() && info_.start + orNever(config_.request_timeout) <= at) {
    return Reason::kRequestTimeout;
  }
  if (info_.start + max_duration_ <= at) return Reason::kMaxStreamDuration;
  if (last_progress_ + idle_timeout_ <= at) return Reason::kStreamIdleTimeout;
  return Reason::kNone;
}

void Exchange::onTimer(event::Timer&) {
  armed_until_ = kNever;
  const Reason reason = dueReason();
  if (reason == Reason::kNone) return scheduleTimer();
  countTimeout(reason);
  chain_->replyOrReset(reason, "");
  timed_out_ = true;
  last_progress_ = now();
  wake();
}

void Exchange::countTimeout(Reason reason) {
  stats::Shard& shard = services_.worker.stats;
  if (reason == Reason::kRequestTimeout) shard.add(config_.stats.rq_timeout);
  if (reason == Reason::kMaxStreamDuration) shard.add(config_.stats.rq_max_duration_reached);
  if (reason == Reason::kStreamIdleTimeout) shard.add(config_.stats.rq_idle_timeout);
}

void Exchange::countReset() {
  stats::Shard& shard = services_.worker.stats;
  const HttpStats& stats = config_.stats;
  const bool theirs = info_.reason == Reason::kClientGone;
  shard.add(theirs ? stats.rq_rx_reset : stats.rq_tx_reset);
  if (info_.protocol == http::Version::kHttp2) shard.add(theirs ? stats.http2.rx_reset : stats.http2.tx_reset);
}

void Exchange::finish(bool whole) {
  if (!whole) {
    countReset();
    downstream_.reset(info_.reason);
  }
  countAndLog();
  owner_.onExchangeOver(*this);
}

void Exchange::abandon(Reason reason) {
  if (info_.reason == Reason::kNone) info_.reason = reason;
  const bool theirs = info_.reason == Reason::kClientGone;
  services_.worker.stats.add(theirs ? config_.stats.rq_rx_reset : config_.stats.rq_tx_reset);
  countAndLog();
}

void Exchange::countAndLog() {
  if (std::exchange(over_, true)) return;
  if (!info_.complete) info_.complete = now();
  router_->reset(info_.reason == Reason::kNone ? Reason::kClientGone : info_.reason);
  chain_->complete();
  stats::Shard& shard = services_.worker.stats;
  const HttpStats& stats = config_.stats;
  shard.gaugeAdd(stats.rq_active, -1);
  shard.add(stats.rq_completed);
  if (info_.status >= 100 && info_.status < 600) shard.add(stats.rq_status[info_.status / 100 - 1]);
  if (info_.reason == Reason::kBodyTooLarge) shard.add(stats.rq_too_large);
  if (info_.reason == Reason::kOverloaded) shard.add(stats.rq_overload_close);
  if (!info_.request_complete && info_.status != 0) shard.add(stats.rq_response_before_rq_complete);
  if (info_.status != 0 && chain_->responseStarted() && info_.reason == Reason::kUpstreamTruncated) {
    shard.add(stats.rq_reset_after_downstream_response_started);
  }
  shard.record(stats.rq_time, static_cast<uint64_t>(base::millisecondsBetween(info_.start, *info_.complete)));
  countForRoute();
  for (const std::unique_ptr<filter::AccessLog>& log : config_.access_logs) log->log(info_, services_.worker);
}

void Exchange::countForRoute() {
  const auto* const route = static_cast<const Route*>(info_.route);
  if (route == nullptr || (virtual_cluster_ == nullptr && route->stats == nullptr)) return;
  if (!std::holds_alternative<ForwardAction>(route->action)) return;
  const bool timeout = info_.reason == Reason::kRouteTimeout;
  for (const RouteStats* const stats : {virtual_cluster_, route->stats.get()}) {
    if (stats == nullptr) continue;
    stats->count(services_.worker.stats, info_.status, info_.upstream_attempts, timeout, *info_.complete - info_.start);
  }
}

}  // namespace weir::proxy
