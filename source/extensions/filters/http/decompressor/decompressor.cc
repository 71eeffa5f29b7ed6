#include "source/extensions/filters/http/decompressor/decompressor.h"

#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "envoy/config/core/v3/core.pb.h"
#include "envoy/extensions/filters/http/decompressor/v3/decompressor.pb.h"
#include "source/extensions/compression/compile_library.h"
#include "source/http/field_rules.h"
#include "source/stats/stats.h"

namespace weir::extensions::decompressor {
namespace {

namespace api = envoy::extensions::filters::http::decompressor::v3;
using compression::Coder;

// Of requests, or of responses.
struct Direction {
  bool enabled = true;
  bool ignore_no_transform = false;
  stats::CounterId decompressed;
  stats::CounterId not_decompressed;
  stats::CounterId failed;
  stats::CounterId bytes_in;
  stats::CounterId bytes_out;
};

struct Config {
  std::unique_ptr<const compression::Library> coder;
  Direction request;
  Direction response;
  bool advertise = true;
};

// The body of one message.
class Body {
 public:
  // Where the body is of the library's coding, and nothing else.
  void begin(http::Head& head, const Config& config, const Direction& direction, stats::Shard& shard) {
    if (!direction.enabled) return;
    http::HeaderMap& headers = head.headers;
    const auto encoding = headers.joined("content-encoding");
    const auto control = headers.joined("cache-control");
    const bool untouchable =
        !direction.ignore_no_transform && control && control->find("no-transform") != std::string_view::npos;
    if (!encoding || !http::equalsLower(*encoding, config.coder->encoding()) || untouchable) {
      return shard.add(direction.not_decompressed);
    }
    shard.add(direction.decompressed);
    headers.remove("content-encoding");
    // They are about the bytes, which change.
    headers.remove("content-md5");
    headers.remove("digest");
    head.content_length.reset();
    direction_ = &direction;
    coder_ = config.coder->make();
  }
  bool take(buffer::Buffer& data, stats::Shard& shard) {
    return coder_ == nullptr || run(data, data, Coder::Until::kFlush, shard);
  }
  bool end(buffer::Buffer& tail, stats::Shard& shard) {
    if (coder_ == nullptr) return true;
    buffer::Buffer none(tail.pool());
    const bool ok = run(none, tail, Coder::Until::kEnd, shard);
    coder_.reset();
    return ok;
  }

 private:
  bool run(buffer::Buffer& in, buffer::Buffer& to, Coder::Until until, stats::Shard& shard) {
    shard.add(direction_->bytes_in, in.size());
    buffer::Buffer out(in.pool());
    const bool ok = coder_->take(in, out, until);
    shard.add(ok ? direction_->bytes_out : direction_->failed, ok ? out.size() : 1);
    if (!ok) in.clear();
    to.append(std::move(out));
    return ok;
  }

  std::unique_ptr<Coder> coder_;  // null: the body passes as it is
  const Direction* direction_ = nullptr;
};

class DecompressorFilter final : public filter::HttpFilter {
 public:
  DecompressorFilter(const Config& config, const net::WorkerContext& worker) : config_(config), worker_(worker) {}

  filter::Verdict onRequestHead(http::Head& head) override {
    if (!head.upgrade.empty() || head.isConnect()) return filter::Verdict::next();
    if (config_.advertise && config_.response.enabled) advertise(head.headers);
    is_head_ = head.isHead();
    request_.begin(head, config_, config_.request, worker_.stats);
    return filter::Verdict::next();
  }
  filter::Verdict onRequestData(buffer::Buffer& data) override {
    return request_.take(data, worker_.stats) ? filter::Verdict::next() : refuse(http::Reason::kBadRequest);
  }
  filter::Verdict onRequestEnd(filter::End& end) override {
    return request_.end(end.tail, worker_.stats) ? filter::Verdict::next() : refuse(http::Reason::kBadRequest);
  }
  filter::Verdict onResponseHead(http::Head& head) override {
    const bool bodiless = is_head_ || head.status == 101 || head.status == 204 || head.status == 304;
    if (!head.isInterim() && !bodiless) response_.begin(head, config_, config_.response, worker_.stats);
    return filter::Verdict::next();
  }
  filter::Verdict onResponseData(buffer::Buffer& data) override {
    return response_.take(data, worker_.stats) ? filter::Verdict::next() : refuse(http::Reason::kUpstreamProtocol);
  }
  filter::Verdict onResponseEnd(filter::End& end) override {
    return response_.end(end.tail, worker_.stats) ? filter::Verdict::next() : refuse(http::Reason::kUpstreamProtocol);
  }

 private:
  void advertise(http::HeaderMap& headers) const {
    const auto before = headers.joined("accept-encoding");
    if (!before || before->empty()) return headers.set("accept-encoding", config_.coder->encoding());
    if (before->find(config_.coder->encoding()) != std::string_view::npos) return;
    base::Arena& arena = headers.arena();
    headers.set("accept-encoding", arena.join(arena.join(*before, ","), config_.coder->encoding()));
  }

  filter::Verdict refuse(http::Reason reason) {
    auto* const reply = host().arena().make<filter::LocalReply>();
    reply->reason = reason;
    reply->status = http::reasonInfo(reason).status;
    reply->body = "the compressed body is damaged, or grows too much";
    return filter::Verdict::reply(*reply);
  }

  const Config& config_;
  const net::WorkerContext& worker_;
  bool is_head_ = false;
  Body request_;
  Body response_;
};

void compileDirection(const api::Decompressor::CommonDirectionConfig& message, Direction& direction) {
  if (message.has_enabled()) direction.enabled = message.enabled().default_value().value();
  direction.ignore_no_transform = message.ignore_no_transform_header();
}

std::unique_ptr<filter::HttpFilterFactory> make(const google::protobuf::Message& any,
                                                const filter::FactoryContext& context) {
  const auto& message = static_cast<const api::Decompressor&>(any);
  Config config;
  config.coder = compression::compileDecompressor(message.decompressor_library(), context.diagnostics,
                                                  context.path.at("decompressor_library"));
  if (config.coder == nullptr) return nullptr;
  const auto& request = message.request_direction_config();
  compileDirection(request.common_config(), config.request);
  compileDirection(message.response_direction_config().common_config(), config.response);
  if (request.has_advertise_accept_encoding()) config.advertise = request.advertise_accept_encoding().value();
  for (const bool of_requests : {true, false}) {
    const auto counter = [&](const std::string& metric) {
      return context.stats.counter(
          {"http", context.stat_prefix,
           absl::StrCat("decompressor.", message.decompressor_library().name(), ".",
                        std::string(config.coder->encoding()), of_requests ? ".request." : ".response.", metric)});
    };
    Direction& direction = of_requests ? config.request : config.response;
    direction.decompressed = counter("decompressed");
    direction.not_decompressed = counter("not_decompressed");
    direction.failed = counter("failed");
    direction.bytes_in = counter("total_compressed_bytes");
    direction.bytes_out = counter("total_uncompressed_bytes");
  }
  return filter::factoryOf<DecompressorFilter>(std::make_unique<Config>(std::move(config)));
}

}  // namespace

filter::HttpFilterType decompressorType() {
  filter::HttpFilterType type;
  type.config_type = api::Decompressor::descriptor()->full_name();
  type.usual_name = "envoy.filters.http.decompressor";
  type.make = make;
  return type;
}

}  // namespace weir::extensions::decompressor
