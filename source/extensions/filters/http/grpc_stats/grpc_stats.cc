#include "source/extensions/filters/http/grpc_stats/grpc_stats.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "envoy/config/core/v3/core.pb.h"
#include "envoy/extensions/filters/http/grpc_stats/v3/grpc_stats.pb.h"
#include "source/extensions/filters/http/grpc_stats/call_counters.h"
#include "source/http/grpc.h"
#include "source/http/grpc_framing.h"

namespace weir::extensions::grpc_stats {
namespace {

using http::GrpcStatus;
using FilterConfig = envoy::extensions::filters::http::grpc_stats::v3::FilterConfig;

// Longer names of methods are counted together.
constexpr size_t kMaxNameBytes = 256;

enum class Own : uint8_t { kNone, kListed, kAll };

struct Config {
  Config(stats::Registry& registry, stats::CounterId over_limit, bool timed) : table(registry, over_limit, timed) {}
  Own own = Own::kNone;
  std::set<std::string, std::less<>> listed;  // "/SERVICE/METHOD"
  bool replace_dots = false;
  CallCountersTable table;
};

bool isNameByte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
}

// The path of a call, "/SERVICE/METHOD", without a query.
bool isCallPath(std::string_view path) {
  const size_t slash = path.find('/', 1);
  return path.size() <= kMaxNameBytes && path[0] == '/' && slash != std::string_view::npos && slash > 1 &&
         slash + 1 < path.size() && path.find('/', slash + 1) == std::string_view::npos;
}

class GrpcStatsFilter final : public filter::HttpFilter {
 public:
  GrpcStatsFilter(const Config& config, const net::WorkerContext& worker) : config_(config), worker_(worker) {}

  filter::Verdict onRequestHead(http::Head& head) override {
    grpc_ = http::isGrpc(head);
    if (grpc_) method_ = methodOf(head);
    return filter::Verdict::next();
  }
  filter::Verdict onRequestData(buffer::Buffer& data) override {
    if (grpc_) follow(data, request_);
    return filter::Verdict::next();
  }
  filter::Verdict onResponseHead(http::Head& head) override {
    if (!grpc_ || head.isInterim()) return filter::Verdict::next();
    http_status_ = head.status;
    status_ = http::grpcStatusOf(head.headers);
    return filter::Verdict::next();
  }
  filter::Verdict onResponseData(buffer::Buffer& data) override {
    if (grpc_) follow(data, response_);
    return filter::Verdict::next();
  }
  filter::Verdict onResponseEnd(filter::End& end) override {
    if (!grpc_) return filter::Verdict::next();
    if (end.trailers != nullptr) {
      if (const std::optional<GrpcStatus> last = http::grpcStatusOf(*end.trailers)) status_ = last;
    }
    if (!status_) status_ = http::grpcStatusFor(http_status_);
    return filter::Verdict::next();
  }
  void onComplete(const filter::StreamInfo& info) override;

 private:
  std::string_view methodOf(const http::Head& head) const;
  void follow(const buffer::Buffer& data, http::GrpcFraming& framing);
  void countMessages();
  bool findCounters();

  const Config& config_;
  const net::WorkerContext& worker_;
  bool grpc_ = false;
  uint16_t http_status_ = 0;
  std::optional<GrpcStatus> status_;
  std::string_view method_;  // as the counters have it
  const CallCounters* counters_ = nullptr;
  http::GrpcFraming request_;
  http::GrpcFraming response_;
  uint64_t counted_requests_ = 0;  // messages
  uint64_t counted_responses_ = 0;
};

// "SERVICE.METHOD", or nothing for a call that has no counters of its own.
std::string_view GrpcStatsFilter::methodOf(const http::Head& head) const {
  if (config_.own == Own::kNone) return "";
  const std::string_view path = head.path.substr(0, head.path.find('?'));
  if (!isCallPath(path)) return "";
  if (config_.own == Own::kListed && config_.listed.find(path) == config_.listed.end()) return "";
  const size_t slash = path.find('/', 1);
  char* const name = head.arena().allocateChars(path.size() - 1);
  for (size_t i = 1; i < path.size(); ++i) {
    const char c = path[i];
    if (i != slash && config_.own == Own::kAll && !isNameByte(c)) return "";
    name[i - 1] = i == slash ? '.' : (c == '.' && i < slash && config_.replace_dots) ? '_' : c;
  }
  return std::string_view(name, path.size() - 1);
}

void GrpcStatsFilter::follow(const buffer::Buffer& data, http::GrpcFraming& framing) {
  data.forEachPiece([&framing](std::string_view piece) {
    while (!piece.empty()) piece.remove_prefix(framing.take(piece));
    return true;
  });
  countMessages();
}

// Long streams are counted while they last, from when their cluster is known.
void GrpcStatsFilter::countMessages() {
  const uint64_t requests = request_.messages() - counted_requests_;
  const uint64_t responses = response_.messages() - counted_responses_;
  if (requests + responses == 0 || !findCounters()) return;
  counters_->addMessages(worker_.stats, requests, responses);
  counted_requests_ += requests;
  counted_responses_ += responses;
}

bool GrpcStatsFilter::findCounters() {
  if (counters_ != nullptr) return true;
  const filter::StreamInfo& info = host().info();
  std::string_view cluster = info.upstream_cluster;
  if (cluster.empty() && info.route != nullptr) cluster = info.route->clusterName();
  if (cluster.empty()) return false;
  counters_ = &config_.table.find(cluster, method_, worker_.stats);
  return true;
}

void GrpcStatsFilter::onComplete(const filter::StreamInfo& info) {
  // What no cluster was chosen for is none of a cluster's calls.
  if (!grpc_ || !findCounters()) return;
  countMessages();
  if (!status_ && info.response_head != nullptr) status_ = http::grpcStatusOf(info.response_head->headers);
  if (!status_) {
    status_ = info.reason == http::Reason::kClientGone
                  ? GrpcStatus::kCancelled
                  : http::grpcStatusFor(http::reasonInfo(info.reason).status, info.reason);
  }
  counters_->addCall(worker_.stats, *status_);
  if (info.upstream_first_sent && info.upstream_last_received) {
    const absl::Duration took = *info.upstream_last_received - *info.upstream_first_sent;
    counters_->addTime(worker_.stats, static_cast<uint64_t>(std::max<int64_t>(absl::ToInt64Milliseconds(took), 0)));
  }
}

void compileList(const envoy::config::core::v3::GrpcMethodList& list, const filter::FactoryContext& context,
                 Config& config) {
  const base::FieldPath path = context.path.at("individual_method_stats_allowlist");
  for (int i = 0; i < list.services_size(); ++i) {
    const auto& service = list.services(i);
    for (int k = 0; k < service.method_names_size(); ++k) {
      const std::string call = "/" + service.name() + "/" + service.method_names(k);
      if (!isCallPath(call)) {
        context.diagnostics.error(
            path.at("services", static_cast<size_t>(i)).at("method_names", static_cast<size_t>(k)),
            "\"" + call +
                "\" is not the path of a call; allowed: a service and a method without '/', together at most " +
                std::to_string(kMaxNameBytes) + " bytes");
      }
      config.listed.insert(call);
    }
  }
  if (config.listed.size() > CallCountersTable::kMaxMethods) {
    context.diagnostics.error(path, "lists " + std::to_string(config.listed.size()) + " methods; allowed: at most " +
                                        std::to_string(CallCountersTable::kMaxMethods));
  }
}

std::unique_ptr<filter::HttpFilterFactory> make(const google::protobuf::Message& message,
                                                const filter::FactoryContext& context) {
  const auto& configured = static_cast<const FilterConfig&>(message);
  const size_t errors = context.diagnostics.errors();
  const stats::CounterId over_limit =
      context.stats.counter({"http", context.stat_prefix, "grpc_stats.methods_over_limit"});
  auto config = std::make_unique<Config>(context.stats, over_limit, configured.enable_upstream_stats());
  config->replace_dots = configured.replace_dots_in_grpc_service_name();
  if (configured.has_individual_method_stats_allowlist()) {
    config->own = Own::kListed;
    compileList(configured.individual_method_stats_allowlist(), context, *config);
  } else if (configured.stats_for_all_methods().value()) {
    config->own = Own::kAll;
  }
  if (context.diagnostics.errors() > errors) return nullptr;
  return filter::factoryOf<GrpcStatsFilter>(std::move(config));
}

}  // namespace

filter::HttpFilterType grpcStatsType() {
  filter::HttpFilterType type;
  type.config_type = FilterConfig::descriptor()->full_name();
  type.usual_name = "envoy.filters.http.grpc_stats";
  type.make = make;
  return type;
}

}  // namespace weir::extensions::grpc_stats
