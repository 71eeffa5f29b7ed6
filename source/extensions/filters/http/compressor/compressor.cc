#include "source/extensions/filters/http/compressor/compressor.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "envoy/config/core/v3/core.pb.h"
#include "envoy/extensions/filters/http/compressor/v3/compressor.pb.h"
#include "source/extensions/compression/compile_library.h"
#include "source/extensions/filters/http/compressor/accept_encoding.h"
#include "source/http/field_rules.h"
#include "source/http/grpc.h"
#include "source/stats/stats.h"

namespace weir::extensions::compressor {
namespace {

namespace api = envoy::extensions::filters::http::compressor::v3;
using compression::Coder;

// The API's own defaults.
constexpr uint64_t kMinLength = 30;
constexpr std::string_view kContentTypes[] = {"text/html",
                                              "text/plain",
                                              "text/css",
                                              "application/json",
                                              "text/xml",
                                              "application/javascript",
                                              "image/svg+xml",
                                              "application/xhtml+xml",
                                              "application/x-javascript"};

struct Stats {
  stats::CounterId compressed;
  stats::CounterId not_compressed;
  stats::CounterId bytes_in;
  stats::CounterId bytes_out;
  stats::CounterId too_small;
};

// Of requests, or of responses.
struct Direction {
  bool enabled = false;
  uint64_t min_length = kMinLength;
  std::vector<std::string> content_types;  // lower case
  Stats stats;
};

struct Config {
  std::unique_ptr<const compression::Library> coder;
  Direction request;
  Direction response;
  bool not_with_etag = false;
  bool remove_accept_encoding = false;
  bool says_status = false;
  std::vector<uint16_t> not_with_status;
  stats::CounterId not_compressed_etag;
};

struct RouteConfig final : filter::RouteFilterConfig {
  bool disabled = false;
  std::optional<bool> remove_accept_encoding;
};

bool isListed(const std::vector<std::string>& types, std::string_view content_type) {
  const std::string_view type = content_type.substr(0, content_type.find(';'));
  const std::string_view bare = type.substr(0, type.find_last_not_of(" \t") + 1);
  return std::any_of(types.begin(), types.end(),
                     [&](const std::string& listed) { return http::equalsLower(bare, listed); });
}

// Whether the body may be compressed at all, whoever asks.
bool isEligible(const http::Head& head, const Direction& direction) {
  const http::HeaderMap& headers = head.headers;
  if (headers.get("content-encoding") || headers.get("content-range")) return false;
  if (const auto control = headers.joined("cache-control"); control && hasToken(*control, "no-transform")) return false;
  const auto type = headers.get(http::HeaderId::kContentType);
  return type && isListed(direction.content_types, *type) && !http::isGrpcContentType(*type);
}

// The body of one message.
class Body {
 public:
  void begin(http::Head& head, const Config& config, const Direction& direction) {
    coder_ = config.coder->make();
    direction_ = &direction;
    head.content_length.reset();
    head.headers.set("content-encoding", config.coder->encoding());
  }
  void take(buffer::Buffer& data, stats::Shard& shard) {
    if (coder_ != nullptr && !data.empty()) run(data, data, Coder::Until::kFlush, shard);
  }
  void end(buffer::Buffer& tail, stats::Shard& shard) {
    if (coder_ == nullptr) return;
    buffer::Buffer none(tail.pool());
    run(none, tail, Coder::Until::kEnd, shard);
    coder_.reset();
  }

 private:
  void run(buffer::Buffer& in, buffer::Buffer& to, Coder::Until until, stats::Shard& shard) {
    shard.add(direction_->stats.bytes_in, in.size());
    buffer::Buffer out(in.pool());
    // Compressing has no failure.
    (void)coder_->take(in, out, until);
    shard.add(direction_->stats.bytes_out, out.size());
    to.append(std::move(out));
  }

  std::unique_ptr<Coder> coder_;  // null: the body passes as it is
  const Direction* direction_ = nullptr;
};

class CompressorFilter final : public filter::HttpFilter {
 public:
  CompressorFilter(const Config& config, const net::WorkerContext& worker) : config_(config), worker_(worker) {}

  filter::Verdict onRequestHead(http::Head& head) override {
    const auto* const route = static_cast<const RouteConfig*>(host().routeConfig());
    off_ = (route != nullptr && route->disabled) || !head.upgrade.empty() || head.isConnect();
    if (off_) return filter::Verdict::next();
    is_head_ = head.isHead();
    const auto accepted = head.headers.joined("accept-encoding");
    accepted_ = accepted && acceptsEncoding(*accepted, config_.coder->encoding());
    const bool remove = route != nullptr ? route->remove_accept_encoding.value_or(config_.remove_accept_encoding)
                                         : config_.remove_accept_encoding;
    if (remove && config_.response.enabled) head.headers.remove("accept-encoding");
    if (config_.request.enabled && isEligible(head, config_.request) && isLongEnough(head, config_.request)) {
      worker_.stats.add(config_.request.stats.compressed);
      request_.begin(head, config_, config_.request);
    } else if (config_.request.enabled) {
      worker_.stats.add(config_.request.stats.not_compressed);
    }
    return filter::Verdict::next();
  }
  filter::Verdict onRequestData(buffer::Buffer& data) override {
    request_.take(data, worker_.stats);
    return filter::Verdict::next();
  }
  filter::Verdict onRequestEnd(filter::End& end) override {
    request_.end(end.tail, worker_.stats);
    return filter::Verdict::next();
  }

  filter::Verdict onResponseHead(http::Head& head) override {
    if (off_ || !config_.response.enabled || head.isInterim()) return filter::Verdict::next();
    const std::optional<uint64_t> length = head.content_length;
    const bool compressed = mayCompress(head);
    if (config_.says_status) sayStatus(head.headers, compressed ? length : std::nullopt);
    if (compressed) {
      worker_.stats.add(config_.response.stats.compressed);
      response_.begin(head, config_, config_.response);
    } else {
      worker_.stats.add(config_.response.stats.not_compressed);
    }
    return filter::Verdict::next();
  }
  filter::Verdict onResponseData(buffer::Buffer& data) override {
    response_.take(data, worker_.stats);
    return filter::Verdict::next();
  }
  filter::Verdict onResponseEnd(filter::End& end) override {
    response_.end(end.tail, worker_.stats);
    return filter::Verdict::next();
  }

 private:
  bool isLongEnough(const http::Head& head, const Direction& direction) {
    if (!head.content_length || *head.content_length >= direction.min_length) return true;
    worker_.stats.add(direction.stats.too_small);
    return false;
  }

  bool mayCompress(http::Head& head) {
    if (is_head_ || head.status == 101 || head.status == 204 || head.status == 304) return false;
    const auto& codes = config_.not_with_status;
    if (std::find(codes.begin(), codes.end(), head.status) != codes.end()) return refuse("StatusCodeNotAllowed");
    if (!isEligible(head, config_.response)) return refuse("ContentTypeNotAllowed");
    if (!isLongEnough(head, config_.response)) return refuse("ContentLengthTooSmall");
    const auto etag = head.headers.get("etag");
    if (etag && config_.not_with_etag) {
      worker_.stats.add(config_.not_compressed_etag);
      return refuse("EtagNotAllowed");
    }
    // From here on it depends on the client, which caches must know.
    addVary(head.headers);
    if (!accepted_) return false;
    // RFC 9110 section 8.8.1: a strong one names the bytes, which change.
    if (etag && etag->substr(0, 2) != "W/") head.headers.remove("etag");
    status_ = "Compressed";
    return true;
  }

  bool refuse(std::string_view why) {
    status_ = why;
    return false;
  }
  // Nothing of what has no body, and of what the client did not ask for.
  void sayStatus(http::HeaderMap& headers, std::optional<uint64_t> original_length) const {
    if (status_.empty()) return;
    std::string text = absl::StrCat(std::string(config_.coder->encoding()), ";", std::string(status_));
    if (original_length) absl::StrAppend(&text, ";OriginalLength=", *original_length);
    headers.set("x-envoy-compression-status", headers.arena().copy(text));
  }

  static void addVary(http::HeaderMap& headers) {
    const auto vary = headers.joined("vary");
    if (!vary || vary->empty()) {
      headers.set("vary", "Accept-Encoding");
    } else if (*vary != "*" && !hasToken(*vary, "accept-encoding")) {
      headers.set("vary", headers.arena().join(*vary, ", Accept-Encoding"));
    }
  }

  const Config& config_;
  const net::WorkerContext& worker_;
  bool off_ = true;
  bool is_head_ = false;
  bool accepted_ = false;
  std::string_view status_;  // of the response
  Body request_;
  Body response_;
};

class Factory final : public filter::HttpFilterFactory {
 public:
  explicit Factory(Config config) : config_(std::move(config)) {}
  filter::HttpFilter* create(base::Arena& arena, const net::WorkerContext& worker) const override {
    return arena.make<CompressorFilter>(config_, worker);
  }
  // Requests are looked at beyond their head only where they are compressed.
  filter::HookMask hooks() const override {
    filter::HookMask mask = filter::hooksOf<CompressorFilter>();
    constexpr unsigned kRequestBody = filter::HookMask::kRequestData | filter::HookMask::kRequestEnd;
    constexpr unsigned kResponse =
        filter::HookMask::kResponseHead | filter::HookMask::kResponseData | filter::HookMask::kResponseEnd;
    if (!config_.request.enabled) mask.bits = static_cast<uint16_t>(mask.bits & ~kRequestBody);
    if (!config_.response.enabled) mask.bits = static_cast<uint16_t>(mask.bits & ~kResponse);
    return mask;
  }

 private:
  const Config config_;
};

Direction compileDirection(const api::Compressor::CommonDirectionConfig& message) {
  Direction direction;
  direction.enabled = !message.has_enabled() || message.enabled().default_value().value();
  if (message.has_min_content_length()) direction.min_length = message.min_content_length().value();
  for (const std::string& type : message.content_type()) {
    direction.content_types.push_back(absl::AsciiStrToLower(type));
  }
  if (direction.content_types.empty())
    direction.content_types.assign(std::begin(kContentTypes), std::end(kContentTypes));
  return direction;
}

std::unique_ptr<filter::HttpFilterFactory> make(const google::protobuf::Message& any,
                                                const filter::FactoryContext& context) {
  const auto& message = static_cast<const api::Compressor&>(any);
  Config config;
  config.coder = compression::compileCompressor(message.compressor_library(), context.diagnostics,
                                                context.path.at("compressor_library"));
  if (config.coder == nullptr) return nullptr;
  if (message.has_request_direction_config()) {
    config.request = compileDirection(message.request_direction_config().common_config());
  }
  const auto& response = message.response_direction_config();
  config.response = compileDirection(response.common_config());
  config.not_with_etag = response.disable_on_etag_header();
  config.remove_accept_encoding = response.remove_accept_encoding_header();
  config.says_status = response.status_header_enabled();
  for (const uint32_t code : response.uncompressible_response_codes()) {
    config.not_with_status.push_back(static_cast<uint16_t>(code));
  }
  const auto counter = [&](std::string_view metric) {
    return context.stats.counter({"http", context.stat_prefix,
                                  absl::StrCat("compressor.", message.compressor_library().name(), ".",
                                               std::string(config.coder->encoding()), ".", std::string(metric))});
  };
  const auto counters = [&](const std::string& direction) -> Stats {
    return {counter(direction + ".compressed"), counter(direction + ".not_compressed"),
            counter(direction + ".total_uncompressed_bytes"), counter(direction + ".total_compressed_bytes"),
            counter(direction + ".content_length_too_small")};
  };
  config.request.stats = counters("request");
  config.response.stats = counters("response");
  config.not_compressed_etag = counter("response.not_compressed_etag");
  return std::make_unique<Factory>(std::move(config));
}

std::unique_ptr<filter::RouteFilterConfig> makeRouteConfig(const google::protobuf::Message& any,
                                                           const filter::FactoryContext&) {
  const auto& message = static_cast<const api::CompressorPerRoute&>(any);
  auto config = std::make_unique<RouteConfig>();
  config->disabled = message.disabled();
  const auto& overrides = message.overrides().response_direction_config();
  if (overrides.has_remove_accept_encoding_header()) {
    config->remove_accept_encoding = overrides.remove_accept_encoding_header().value();
  }
  return config;
}

}  // namespace

filter::HttpFilterType compressorType() {
  filter::HttpFilterType type;
  type.config_type = api::Compressor::descriptor()->full_name();
  type.route_config_type = api::CompressorPerRoute::descriptor()->full_name();
  type.usual_name = "envoy.filters.http.compressor";
  type.make = make;
  type.make_route_config = makeRouteConfig;
  return type;
}

}  // namespace weir::extensions::compressor
