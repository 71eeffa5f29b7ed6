#include "source/extensions/filters/http/plugin/attributes.h"

#include "api/plugin/weir_plugin.h"
#include "source/http/head.h"
#include "source/http/reason.h"

namespace weir::extensions::plugin_filter {
namespace {

using Text = std::optional<std::string_view>;

Text known(std::string_view text) { return text.empty() ? Text() : Text(text); }

Text ofHead(const http::Head* head, std::string_view http::Head::*field) {
  return head == nullptr ? Text() : known(head->*field);
}

Text ofRoute(const filter::RouteInfo* route, std::string_view (filter::RouteInfo::*name)() const) {
  return route == nullptr ? Text() : known((route->*name)());
}

uint64_t nanoseconds(absl::Duration duration) { return static_cast<uint64_t>(absl::ToInt64Nanoseconds(duration)); }

}  // namespace

Text textAttribute(uint32_t id, const filter::StreamInfo& info, base::Arena& arena, AddressTexts& cache) {
  const auto address = [&](size_t slot, const net::Address& from) {
    if (cache[slot].empty()) cache[slot] = arena.copy(from.text());
    return known(cache[slot]);
  };
  switch (id) {
    case WEIR_METHOD:
      return ofHead(info.request_head, &http::Head::method);
    case WEIR_SCHEME:
      return ofHead(info.request_head, &http::Head::scheme);
    case WEIR_AUTHORITY:
      return ofHead(info.request_head, &http::Head::authority);
    case WEIR_PATH:
      return ofHead(info.request_head, &http::Head::path);
    case WEIR_PROTOCOL:
      return info.protocol ? Text(http::versionName(*info.protocol)) : Text();
    case WEIR_ROUTE_NAME:
      return ofRoute(info.route, &filter::RouteInfo::routeName);
    case WEIR_VIRTUAL_HOST:
      return ofRoute(info.route, &filter::RouteInfo::virtualHostName);
    case WEIR_CLUSTER:
      if (!info.upstream_cluster.empty()) return info.upstream_cluster;
      return ofRoute(info.route, &filter::RouteInfo::clusterName);
    case WEIR_DOWNSTREAM_REMOTE:
      return address(0, info.downstream_remote);
    case WEIR_DOWNSTREAM_DIRECT_REMOTE:
      return address(1, info.downstream_direct_remote);
    case WEIR_DOWNSTREAM_LOCAL:
      return address(2, info.downstream_local);
    case WEIR_UPSTREAM_REMOTE:  // may change with each attempt
      return info.upstream_remote ? known(arena.copy(info.upstream_remote->text())) : Text();
    case WEIR_REQUEST_ID:
      return known(info.request_id);
    case WEIR_REASON_NAME:
      return known(http::reasonInfo(info.reason).name);
    case WEIR_CLIENT_IP:
      if (!info.downstream_remote.isIp()) return std::nullopt;
      if (cache[3].empty()) cache[3] = arena.copy(info.downstream_remote.ip());
      return known(cache[3]);
    default:
      return std::nullopt;
  }
}

std::optional<uint64_t> numberAttribute(uint32_t id, const filter::StreamInfo& info, const net::WorkerContext& worker) {
  switch (id) {
    case WEIR_STATUS:
      return info.response_head != nullptr ? info.response_head->status : info.status;
    case WEIR_BYTES_RECEIVED:
      return info.bytes_received;
    case WEIR_BYTES_SENT:
      return info.bytes_sent;
    case WEIR_CONNECTION_ID:
      return info.connection_id;
    case WEIR_WORKER:
      return worker.index;
    case WEIR_DURATION:
      return nanoseconds(worker.dispatcher.now() - info.start);
    case WEIR_NOW:
      return static_cast<uint64_t>(worker.dispatcher.now().nanoseconds);
    case WEIR_WALL:
      return static_cast<uint64_t>(absl::ToUnixNanos(worker.dispatcher.wallNow()));
    case WEIR_RANDOM:
      return worker.random.next();
    case WEIR_UPSTREAM_ATTEMPTS:
      return info.upstream_attempts;
    default:
      return std::nullopt;
  }
}

}  // namespace weir::extensions::plugin_filter
