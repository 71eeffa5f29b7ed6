// A plugin that does on demand what a plugin may do, and what it must not: the request's field x-do says what, and what
// the host answered is in the field x-got that the upstream sees (or the client, for the response).
#include <cstring>
#include <mutex>
#include <string>
#include <thread>

#include "weir_filter.hpp"

#ifndef PROBE_VERSION
#define PROBE_VERSION "1.0"
#endif

namespace {

std::string name(weir_result result) {
  const char* const names[] = {"ok", "stale", "invalid", "not_found", "too_small", "too_late"};
  return names[result];
}

struct Config {
  explicit Config(const weir::ConfigReader& c)
      : mode(c.text("mode", "")),
        cluster(c.text("cluster", "side")),
        hits(c.counter("hits")),
        level(c.gauge("level")),
        sizes(c.histogram("sizes")) {
    if (mode == "refuse") c.error("mode", "is refused by the plugin");
    if (mode == "throw_in_config") throw std::runtime_error("no such mode");
    if (mode == "metric_twice") c.gauge("hits");
  }
  std::string mode, cluster;
  weir::Counter hits;
  weir::Gauge level;
  weir::Histogram sizes;
  mutable std::mutex mutex;
  mutable std::vector<weir::Token> tokens;  // of other streams, to be used when they are gone
  mutable std::vector<weir::Stream> streams;
};

class Probe {
 public:
  struct RouteConfig {
    explicit RouteConfig(const weir::ConfigReader& c) : tag(c.text("tag")) {}
    std::string tag;
  };

  explicit Probe(const Config& config) : config_(config) {
    if (config.mode == "throw_in_constructor") throw std::runtime_error("constructor");
  }

  weir::Verdict onRequestHead(weir::Stream& s) {
    what_ = s.requestHeaders().get("x-do").value_or("");
    s.add(config_.hits);
    return act(s, "request_head", s.requestHeaders());
  }
  weir::Verdict onRequestData(weir::Stream& s) { return act(s, "request_data", s.requestHeaders()); }
  weir::Verdict onRequestEnd(weir::Stream& s) { return act(s, "request_end", s.requestHeaders()); }
  weir::Verdict onRequestWhole(weir::Stream& s) {
    if (what_ == "whole:edit") s.requestBody().replace("[" + s.requestBody().str() + "]");
    if (what_ == "whole:views") {
      const auto before = s.requestBody().slices();
      s.requestBody().drain(2);
      s.requestBody().append("more");
      std::string seen;
      for (const auto piece : before) seen += piece;
      s.requestHeaders().set("x-got", seen);
    }
    return act(s, "request_whole", s.requestHeaders());
  }
  weir::Verdict onResponseHead(weir::Stream& s) {
    if (what_ == "seen" || what_ == "reply_seen") s.responseHeaders().set("x-seen", "1");
    if (what_ == "version") s.responseHeaders().set("x-version", PROBE_VERSION);
    return act(s, "response_head", s.responseHeaders());
  }
  weir::Verdict onResponseData(weir::Stream& s) { return act(s, "response_data", s.responseHeaders()); }
  weir::Verdict onResponseEnd(weir::Stream& s) { return act(s, "response_end", s.responseHeaders()); }
  weir::Verdict onResponseWhole(weir::Stream& s) { return act(s, "response_whole", s.responseHeaders()); }
  void onComplete(weir::Stream& s) { act(s, "complete", s.responseHeaders()); }
  weir::Verdict onTimer(weir::Stream& s, uint32_t id) {
    if (what_ == "timer:throw") throw std::runtime_error("timer");
    if (what_ == "timer:reply") return s.reply(418, "timer");
    if (id != 7) throw std::logic_error("another timer");
    s.resume();
    return weir::Continue;
  }
  weir::Verdict onCall(weir::Stream& s, const weir::CallResult& result) {
    s.requestHeaders().set("x-got", std::to_string(result.status) + " " + result.body.str() + " " +
                                        std::string(result.headers.get("x-side").value_or("-")));
    if (what_ == "call:throw") throw std::runtime_error("call");
    s.resume();
    return weir::Continue;
  }

 private:
  // What is asked for in this hook: "hook:what", or "what" in the request head.
  weir::Verdict act(weir::Stream& s, std::string_view hook, weir::Headers headers) {
    std::string_view what = what_;
    if (what.substr(0, hook.size() + 1) == std::string(hook) + ":") {
      what.remove_prefix(hook.size() + 1);
    } else if (hook != "request_head" || what.find(':') != std::string_view::npos) {
      if (hook != "request_head") return weir::Continue;
    }
    if (what == "throw") throw std::runtime_error("on demand");
    if (what == "throw_int") throw 7;
    if (what == "reply" || what == "reply_seen") return s.reply(403, "no", {{"x-why", "because"}});
    if (what == "whole" || what.substr(0, 6) == "whole:" || what.substr(0, 14) == "request_whole:") return weir::Buffer;
    if (what == "response_whole:throw") return weir::Continue;
    if (what == "nonsense") return static_cast<weir::Verdict>(99);
    if (what == "buffer") return weir::Buffer;
    if (what == "pause") return weir::Pause;
    if (what == "replied_without") return weir::Verdict::Replied;
    if (what == "timer:throw" || what == "timer:reply" || what == "timer") {
      s.startTimer(7, std::chrono::milliseconds(20));
      return weir::Pause;
    }
    if (what.substr(0, 4) == "call") return call(s);
    if (what == "reply_twice") {
      s.reply(403, "first");
      s.requestHeaders().set("x-got", "");
      const weir_reply second{sizeof(weir_reply), 404, 0, nullptr, {"second", 6}};
      if (api(s).reply(s.handle(), &second) != WEIR_INVALID) throw std::logic_error("answered twice");
      return weir::Verdict::Replied;
    }
    if (what == "thread" || what == "thread_reply" || what == "thread_post" || what == "thread_twice") return defer(s);
    if (what == "stash") {
      const std::lock_guard lock(config_.mutex);
      config_.tokens.push_back(s.defer());
      config_.streams.push_back(s);
      return weir::Continue;
    }
    if (what == "stale") return useStale(s, headers);
    if (what == "fields") return tryFields(s, headers);
    if (what == "bodies") return tryBodies(s, headers);
    if (what == "views") return twoViews(s, headers);
    if (what == "attributes") return attributes(s, headers);
    if (what == "metrics") return metrics(s, headers);
    if (what == "route") {
      const auto* const route = s.routeConfig<RouteConfig>();
      headers.set("x-got", route == nullptr ? "none" : route->tag);
    }
    return weir::Continue;
  }

  const weir_host_api& api(weir::Stream& s) const { return *s.handle().worker->api; }

  weir::Verdict call(weir::Stream& s) {
    const std::string body = "ask";
    const auto id = s.call({.cluster = config_.cluster,
                            .method = "POST",
                            .path = "/side",
                            .fields = {{"x-ask", "1"}},
                            .body = body,
                            .timeout = std::chrono::seconds(2)});
    if (!id) return s.reply(500, "no call");
    return weir::Pause;
  }

  weir::Verdict defer(weir::Stream& s) {
    const weir::Token token = s.defer();
    std::thread([token, what = what_] {
      if (what == "thread") token.resume();
      if (what == "thread_reply") token.reply(429, "later");
      if (what == "thread_twice") {
        token.resume();
        token.resume();
      }
      if (what == "thread_post") {
        token.post<Probe>([token](Probe& self, weir::Stream& stream) {
          stream.requestHeaders().set("x-got", "posted " + self.what_);
          token.resume();
        });
      }
    }).join();
    return weir::Pause;
  }

  weir::Verdict useStale(weir::Stream& s, weir::Headers headers) {
    const std::lock_guard lock(config_.mutex);
    std::string got;
    for (const weir::Token& token : config_.tokens) got += token.resume() ? "resumed " : "stale ";
    for (const weir::Token& token : config_.tokens) got += token.reply(500) ? "replied " : "stale ";
    bool ran = false;
    for (const weir::Token& token : config_.tokens) token.post<Probe>([&ran](Probe&, weir::Stream&) { ran = true; });
    for (weir::Stream& other : config_.streams) {
      got += other.requestHeaders().set("a", "b") ? "set " : "stale ";
      got += other.resume() ? "resumed " : "stale ";
      weir_stream never = other.handle();
      never.slot = 1000000;
      weir_text out{};
      got += name(api(s).attribute_text(never, WEIR_PATH, &out)) + " ";
    }
    // Another thread is not the worker.
    weir_result elsewhere = WEIR_OK;
    std::thread([&] {
      weir_text out{};
      elsewhere = s.handle().worker->api->attribute_text(s.handle(), WEIR_PATH, &out);
    }).join();
    headers.set("x-got", got + name(elsewhere) + (ran ? " ran" : ""));
    return weir::Continue;
  }

  weir::Verdict tryFields(weir::Stream& s, weir::Headers headers) {
    const weir_stream h = s.handle();
    const auto set = [&](const char* field, const char* value) {
      return name(api(s).field_set(h, WEIR_REQUEST_HEAD, {field, std::strlen(field)}, {value, std::strlen(value)})) +
             " ";
    };
    std::string got = set("good", "1") + set("bad name", "1") + set("bad", "a\r\nb: c") + set("connection", "close") +
                      set("transfer-encoding", "chunked") + set(":path", "no slash") + set(":path", "/new") +
                      set(":status", "200") + set("content-length", "x") + set("", "1");
    weir_field one[1];
    size_t filled = 9;
    got += name(api(s).field_list(h, WEIR_REQUEST_HEAD, one, 0, &filled)) + " ";
    got += name(api(s).field_list(h, 77, one, 1, &filled)) + " ";
    got += name(api(s).field_get(h, WEIR_RESPONSE_HEAD, {"a", 1}, nullptr)) + " ";
    weir_text out{};
    got += name(api(s).field_get(h, WEIR_RESPONSE_HEAD, {"a", 1}, &out)) + " ";
    got += name(api(s).attribute_text(h, 999, &out)) + " ";
    got += name(api(s).resume(h, 0)) + " " + name(api(s).resume(h, 5)) + " " + name(api(s).write(h, {"x", 1}));
    headers.set("x-got", got);
    return weir::Continue;
  }

  weir::Verdict tryBodies(weir::Stream& s, weir::Headers) {
    const weir_stream h = s.handle();
    size_t size = 0;
    size_t count = 0;
    size_t filled = 0;
    weir_text one[1];
    char byte = 0;
    api(s).body_size(h, WEIR_REQUEST_BODY, &size);
    api(s).body_slice_count(h, WEIR_REQUEST_BODY, &count);
    std::string got = name(api(s).body_slices(h, WEIR_REQUEST_BODY, one, count - 1, &filled)) + " " +
                      name(api(s).body_copy(h, WEIR_REQUEST_BODY, size, &byte, 1)) + " " +
                      name(api(s).body_copy(h, WEIR_REQUEST_BODY, SIZE_MAX, &byte, 2)) + " " +
                      name(api(s).body_drain(h, WEIR_REQUEST_BODY, size + 1)) + " " +
                      name(api(s).body_size(h, 42, &size)) + " " +
                      name(api(s).body_append(h, WEIR_RESPONSE_BODY, {"x", 1})) + " " +
                      name(api(s).body_append(h, WEIR_REQUEST_BODY, {nullptr, 7}));
    s.requestBody().replace(got);
    return weir::Continue;
  }

  // Each getter twice, and what the first gave is still what it was.
  weir::Verdict twoViews(weir::Stream& s, weir::Headers headers) {
    headers.set("a", "first");
    const std::string_view before = *headers.get("a");
    const std::string_view path = s.path();
    headers.set("a", "second-and-longer");
    headers.set(":path", "/elsewhere");
    for (int i = 0; i < 100; ++i) headers.append("many", "values");
    const std::string_view joined = *headers.get("many");
    const std::string ip(s.clientIp());
    s.clientIp();
    headers.remove("many");
    headers.set("x-got", std::string(before) + " " + std::string(path) + " " + std::to_string(joined.size()));
    return weir::Continue;
  }

  weir::Verdict attributes(weir::Stream& s, weir::Headers headers) {
    std::string got;
    for (uint32_t id = 0; id <= WEIR_CLIENT_IP; ++id) got += std::string(s.attribute(id)) + "|";
    got += std::to_string(s.number(WEIR_WORKER)) + (s.random() != s.random() ? " random" : "");
    headers.set("x-got", got);
    return weir::Continue;
  }

  weir::Verdict metrics(weir::Stream& s, weir::Headers headers) {
    s.add(config_.hits, 4);
    s.add(config_.level, 3);
    s.record(config_.sizes, 10);
    headers.set("x-got", name(api(s).counter_add(s.handle(), 12345, 1)) + " " +
                             name(api(s).counter_add(s.handle(), config_.level.id, 1)));
    return weir::Continue;
  }

  const Config& config_;
  std::string what_;
};

}  // namespace

WEIR_HTTP_FILTER(Probe, Config, "probe", PROBE_VERSION)
