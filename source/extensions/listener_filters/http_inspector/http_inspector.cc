#include "source/extensions/listener_filters/http_inspector/http_inspector.h"

#include <algorithm>
#include <string>

#include "envoy/extensions/filters/listener/http_inspector/v3/http_inspector.pb.h"

namespace weir::extensions::http_inspector {
namespace {

using envoy::extensions::filters::listener::http_inspector::v3::HttpInspector;

constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";  // RFC 9113 section 3.4
constexpr size_t kMaxLine = 64 * 1024;
constexpr size_t kMaxMethod = 32;

// RFC 9110 section 5.6.2.
bool isTokenChar(char c) {
  if ((c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z')) return true;
  return c != '\0' && std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

struct Found {
  bool more = false;
  std::string_view protocol;  // empty: not HTTP
};

// request-line = method SP target SP HTTP-version LF; empty lines may come before it (RFC 9112 section 2.2).
Found look(std::string_view bytes) {
  if (kPreface.starts_with(bytes.substr(0, kPreface.size()))) {
    return bytes.size() < kPreface.size() ? Found{true, {}} : Found{false, "h2c"};
  }
  const size_t start = bytes.find_first_not_of("\r\n");
  if (start == std::string_view::npos) return {bytes.size() < kMaxMethod, {}};
  bytes.remove_prefix(start);
  const size_t method = static_cast<size_t>(std::find_if_not(bytes.begin(), bytes.end(), isTokenChar) - bytes.begin());
  if (method > kMaxMethod || method == 0) return {};
  if (method == bytes.size()) return {true, {}};
  if (bytes[method] != ' ') return {};
  const size_t end = bytes.find('\n');
  if (end == std::string_view::npos) return {bytes.size() < kMaxLine - start, {}};
  std::string_view line = bytes.substr(0, end);
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (line.ends_with(" HTTP/1.1")) return {false, "http/1.1"};
  if (line.ends_with(" HTTP/1.0")) return {false, "http/1.0"};
  return {};
}

class Inspector final : public proxy::ListenerFilter {
 public:
  Inspector(stats::Registry& registry, std::string_view instance) {
    const auto counter = [&](std::string_view metric) { return registry.counter({"listener", instance, metric}); };
    http10_ = counter("http_inspector.http10_found");
    http11_ = counter("http_inspector.http11_found");
    http2_ = counter("http_inspector.http2_found");
    not_found_ = counter("http_inspector.http_not_found");
  }

  Verdict inspect(Look& look_at, proxy::Inspected& result) const override {
    if (result.transport_protocol == "tls") return Verdict::kDone;
    const Found found = look(look_at.bytes);
    if (found.more && !look_at.end) return Verdict::kMore;
    look_at.shard.add(found.protocol.empty()         ? not_found_
                      : found.protocol == "h2c"      ? http2_
                      : found.protocol == "http/1.1" ? http11_
                                                     : http10_);
    if (!found.protocol.empty()) result.application_protocols = {std::string(found.protocol)};
    return Verdict::kDone;
  }
  size_t maxBytes() const override { return kMaxLine; }

 private:
  stats::CounterId http10_;
  stats::CounterId http11_;
  stats::CounterId http2_;
  stats::CounterId not_found_;
};

}  // namespace

proxy::ListenerFilterType httpInspectorType() {
  return {std::string(HttpInspector::descriptor()->full_name()), "envoy.filters.listener.http_inspector",
          [](const google::protobuf::Message&, const proxy::ListenerFilterContext& context) {
            return std::make_unique<Inspector>(context.stats, context.instance);
          }};
}

}  // namespace weir::extensions::http_inspector
