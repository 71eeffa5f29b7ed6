// The part of the Router that takes a request to its upstream: attempts are started, heads, bodies and deadlines sent.
#include <algorithm>
#include <span>
#include <utility>

#include "source/http/authority.h"
#include "source/http/grpc.h"
#include "source/net/proxy_header.h"
#include "source/net/transport.h"
#include "source/proxy/exchange_pool.h"
#include "source/proxy/retry_priority.h"
#include "source/proxy/router.h"
#include "source/proxy/shadow.h"
#include "source/proxy/wanted_name.h"
#include "source/upstream/demand.h"

namespace weir::proxy {

using http::HeaderId;
using http::Part;

// Where the client was going, unless the request has a header that says where to go.
std::string_view Router::wantedAddress(const upstream::DemandConfig& config) {
  upstream::DemandConfig::KeyText text;
  if (!config.header.empty()) {
    if (const auto given = request_->headers.get(config.header)) {
      const absl::StatusOr<net::Address> address = net::Address::parse(*given);
      const std::string_view key = address.ok() ? config.keyOf(*address, text) : std::string_view();
      if (!key.empty()) return context_.arena.copy(key);
      shard().add(cluster_->stats().original_dst_host_invalid);
    }
  }
  if (!context_.info.downstream_local_restored) return {};
  return context_.arena.copy(config.keyOf(context_.info.downstream_local, text));
}

// The name that a filter has chosen, or that the request has, with its port.
std::string_view Router::wantedHost(const upstream::DemandConfig& config) {
  if (config.kind == upstream::DemandConfig::Kind::kAddresses) return wantedAddress(config);
  const std::string_view named = context_.info.upstream_target;
  return wantedName(named.empty() ? request_->authority : named, config.default_port, context_.arena);
}

// What TLS is to ask for: the host of the request, without its port.
std::string_view Router::requestedName() {
  const auto authority = http::parseAuthority(request_->authority);
  return authority ? context_.arena.copyLower(authority->host) : std::string_view();
}

void Router::avoid(const upstream::HostRef& host) {
  if (host) tried_[tried_count_++ % tried_.size()] = host;
}

// What the policy of retries makes of a host whose attempt has failed.
void Router::noteTried(const upstream::HostRef& host) {
  if (policy_ == nullptr || !host) return;
  if (policy_->retry.other_host) avoid(host);
  if (policy_->retry.priority_update == 0) return;
  if (priorities_ == nullptr) priorities_ = context_.arena.make<RetryPriority>(policy_->retry.priority_update);
  const upstream::HostSet& hosts = cluster_->hosts();
  priorities_->attempted(hosts.priorityOf(*host), hosts.balancer.loads().capacity);
}

void Router::startAttempt(UpstreamAttempt& attempt, upstream::RetryLease lease) {
  upstream::PickContext pick;
  pick.priority = action().priority;
  pick.resend = resend_counts_;
  pick.version = request_->version;
  pick.attempted = std::span<const upstream::HostRef>(tried_.data(), std::min<size_t>(tried_count_, tried_.size()));
  if (policy_ != nullptr && retries_.taken() > 0) {
    pick.omitted = policy_->retry.omitted;
    if (priorities_ != nullptr) pick.priority_loads = priorities_->loads();
  }
  if (policy_ != nullptr && (policy_->retry.other_host || !pick.omitted.empty())) {
    pick.more_picks = policy_->retry.host_attempts;
  }
  pick.hash = hash_;
  if (cluster_->config().demand != nullptr) pick.wanted = wantedHost(cluster_->config().demand->config());
  if (cluster_->config().server_name_of_request) pick.server_name = requestedName();
  pick.subset = action().subset.get();
  for (const std::string& header : cluster_->config().lb.override_headers) {
    if (const auto hosts = request_->headers.get(header); hosts.has_value() && pick.preferred.empty()) {
      pick.preferred = *hosts;
    }
  }
  ++context_.info.upstream_attempts;
  if (cluster_->config().tells_client) {
    const net::ClientAddresses client{context_.info.downstream_direct_remote, context_.info.downstream_local,
                                      std::string(context_.info.proxy_tlvs)};
    pick.client = &client;
    attempt.start(*cluster_, pick, std::move(lease), try_deadlines_, ends_tunnel_);
  } else {
    attempt.start(*cluster_, pick, std::move(lease), try_deadlines_, ends_tunnel_);
  }
  if (request_ended_) attempt.onRequestEnd();
}

void Router::onAttemptOpen(UpstreamAttempt& attempt) {
  showAttempt(attempt);
  const absl::Duration most = orNever(cluster_->config().max_stream_duration);
  if (most != absl::InfiniteDuration()) stream_deadline_ = now() + most;
  sendHead(attempt);
  if (ends_tunnel_ && action().tunnel->proxy_header) sendProxyHeader(attempt);
  pump(attempt);
  // Of a request that is here whole nothing more is pulled; for the rest the stream wakes.
  if (!request_ended_ || ends_tunnel_ || most != absl::InfiniteDuration()) wakeOwner();
}

// What logs tell of the upstream.
void Router::showAttempt(const UpstreamAttempt& attempt) {
  filter::StreamInfo& info = context_.info;
  shown_ = &attempt;
  host_ = attempt.host();
  info.upstream_remote = attempt.host()->address;
  info.upstream_local = attempt.local();
  info.upstream_transport = attempt.transport();
  info.upstream_host_name = attempt.host()->hostname;
}

void Router::sendHead(UpstreamAttempt& attempt) {
  if (context_.config.scheme_of_upstream) {
    const net::TransportFactory* const transport = cluster_->config().transportOf(*attempt.host());
    request_->scheme = transport != nullptr && transport->protects() ? "https" : "http";
  }
  const std::string& hostname = attempt.host()->hostname;
  if (action().auto_host_rewrite && !hostname.empty()) {
    if (context_.info.upstream_attempts == 1) {
      setHost(*request_, action(), hostname);
    } else {
      request_->authority = hostname;
    }
  }
  if (policy_ != nullptr && policy_->attempt_count_in_request) {
    setNumber(*request_, "x-envoy-attempt-count", context_.info.upstream_attempts);
  }
  if (policy_ != nullptr && policy_->timeout_retry_header && context_.info.upstream_attempts > 1) {
    if (timeout_retry_) {
      request_->headers.set("x-envoy-is-timeout-retry", "true");
    } else {
      request_->headers.remove("x-envoy-is-timeout-retry");
    }
  }
  passDeadlineOn(attempt);
  if (!context_.info.upstream_first_sent) context_.info.upstream_first_sent = now();
  attempt.stream().send(Part::makeHead(*request_, blocks()));
}

void Router::sendProxyHeader(UpstreamAttempt& attempt) {
  const net::ClientAddresses client{context_.info.downstream_direct_remote, context_.info.downstream_local,
                                    std::string(context_.info.proxy_tlvs)};
  buffer::Buffer header(blocks());
  header.append(net::proxyHeader(*action().tunnel->proxy_header, &client));
  attempt.stream().send(Part::makeData(std::move(header)));
}

// The upstream is told what is left of the time that it has: of the route's, which runs from the end of the request,
// and of what a gRPC client gave, which runs from its beginning and is said anew only if it is not what the client
// said.
void Router::passDeadlineOn(UpstreamAttempt&) {
  const filter::StreamInfo& info = context_.info;
  if (!context_.config.suppress_envoy_headers) {
    absl::Duration left = route_timeout_;
    if (info.request_complete && *info.request_complete != now()) left -= now() - *info.request_complete;
    left = std::min(left, try_deadlines_.whole);
    if (left != absl::InfiniteDuration()) {
      const int64_t milliseconds = std::max<int64_t>(absl::ToInt64Milliseconds(left), 0);
      setNumber(*request_, HeaderId::kXEnvoyExpectedRqTimeoutMs, static_cast<uint64_t>(milliseconds));
    }
  }
  if (!grpc_timeout_) return;
  const absl::Duration elapsed = now() - info.start;
  if (elapsed <= absl::ZeroDuration() && info.upstream_attempts == 1 && !action().grpc_timeout_max) return;
  request_->headers.set(HeaderId::kGrpcTimeout, http::formatGrpcTimeout(*grpc_timeout_ - elapsed, context_.arena));
}

// Sends what is held, as far as there is room, and then the end.
void Router::pump(UpstreamAttempt& attempt) {
  buffer::Buffer& source = &attempt == current_ ? held_ : attempt.out;
  while (!source.empty() && attempt.stream().room() > 0) {
    buffer::Buffer fitting(blocks());
    fitting.moveFrom(source, attempt.stream().room());
    sendData(attempt, std::move(fitting));
  }
  if (!source.empty() || !request_ended_ || std::exchange(attempt.end_sent, true)) return;
  context_.info.upstream_last_sent = now();
  attempt.stream().send(Part::makeEnd(request_trailers_, blocks()));
}

void Router::sendData(UpstreamAttempt& attempt, buffer::Buffer data) {
  if (&attempt == current_) keepForResend(attempt, data);
  context_.info.upstream_bytes_sent += data.size();
  attempt.stream().send(Part::makeData(std::move(data)));
}

// Whether anything may still lead to another attempt.
bool Router::mayKeep(const UpstreamAttempt& attempt) const {
  if (winner_ != nullptr) return false;
  return retries_.possible() || original_ != nullptr || attempt.reused() || attempt.multiplexed();
}

void Router::keepForResend(const UpstreamAttempt& attempt, const buffer::Buffer& data) {
  if (!replayable_ || winner_ != nullptr) return;
  if (!mayKeep(attempt) || replay_.size() + data.size() > replay_limit_) {
    if (retries_.possible()) shard().add(cluster_->stats().retry_or_shadow_abandoned);
    replayable_ = false;
    replay_.clear();
    return;
  }
  replay_.appendShared(data);
}

void Router::startShadows(const ForwardAction& action) {
  if (request_->isConnect() || !request_->upgrade.empty() || ends_tunnel_) return;
  const net::WorkerContext& worker = context_.services.worker;
  for (const MirrorPolicy& mirror : policy_->mirrors) {
    if (!mirror.fraction.hit(worker.random)) continue;
    std::string_view name = mirror.cluster;
    if (!mirror.cluster_header.empty()) name = request_->headers.get(mirror.cluster_header).value_or("");
    upstream::WorkerCluster* const cluster = context_.services.clusters.find(name);
    if (cluster == nullptr) continue;
    Shadow& shadow = context_.services.exchanges.shadows.take(worker);
    shadow.next = shadows_;
    shadows_ = &shadow;
    shadow.start(*cluster, *request_, mirror, action.priority, route_timeout_);
  }
}

// The request has ended, whole or not: its shadows go on without it.
void Router::endShadows(bool whole) {
  while (shadows_ != nullptr) {
    Shadow& shadow = *std::exchange(shadows_, shadows_->next);
    whole ? shadow.finish(request_trailers_) : shadow.abandon();
  }
}

}  // namespace weir::proxy
