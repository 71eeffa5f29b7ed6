// Asks a cluster whether the key of a request is good, before the request goes on. While the answer is on its way the
// request is paused; nothing waits but this request.
#include "weir_filter.hpp"

namespace {

struct Config {
  static weir::Schema schema() {
    return weir::Schema("api_key.Config").text("cluster", weir::Required).text("header").text("path").number("timeout_ms");
  }
  explicit Config(const weir::ConfigReader& c)
      : cluster(c.text("cluster")),
        header(c.text("header", "x-api-key")),
        path(c.text("path", "/check")),
        timeout(static_cast<int64_t>(c.number("timeout_ms", 500))),
        allowed(c.counter("allowed")),
        denied(c.counter("denied")),
        errors(c.counter("errors")) {
    if (timeout.count() <= 0) c.error("timeout_ms", "must be above 0");
  }
  std::string cluster, header, path;
  std::chrono::milliseconds timeout;
  weir::Counter allowed, denied, errors;
};

class ApiKey {
 public:
  explicit ApiKey(const Config& config) : config_(config) {}

  weir::Verdict onRequestHead(weir::Stream& s) {
    const auto key = s.requestHeaders().get(config_.header);
    if (!key) {
      s.add(config_.denied);
      return s.reply(401, "a key is needed\n", {{"www-authenticate", "ApiKey"}});
    }
    const auto call = s.call({.cluster = config_.cluster,
                              .path = config_.path,
                              .fields = {{config_.header, *key}, {"x-original-path", s.path()}},
                              .timeout = config_.timeout});
    if (call) return weir::Pause;
    s.add(config_.errors);
    return s.reply(503, "keys cannot be checked now\n");
  }

  weir::Verdict onCall(weir::Stream& s, const weir::CallResult& result) {
    if (result.ok()) {
      s.add(config_.allowed);
      s.requestHeaders().remove(config_.header);
      if (const auto user = result.headers.get("x-user")) s.requestHeaders().set("x-user", *user);
      s.resume();
      return weir::Continue;
    }
    const bool refused = result.status == 401 || result.status == 403;
    s.add(refused ? config_.denied : config_.errors);
    return refused ? s.reply(403, "the key is not good\n") : s.reply(503, "keys cannot be checked now\n");
  }

 private:
  const Config& config_;
};

}  // namespace

WEIR_HTTP_FILTER(ApiKey, Config, "api_key", "1.0")
