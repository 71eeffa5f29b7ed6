// A plugin that does, in every hook, whatever the next bytes of its program say: what is allowed and what is not, any
// number of times. The program is the configuration's field `program`, in hexadecimal. It aborts when a promise of the
// host is broken that only a plugin can see: a view changed within its hook, a stream was not freed, something ran
// after its end.
#include <atomic>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "weir_filter.hpp"

namespace {

constexpr size_t kMostSteps = 5000;

constexpr const char* kNames[] = {"x-a", ":path", ":method", "content-length", "bad name", "", ":status", "te"};
constexpr const char* kValues[] = {"1", "/other", "a\r\nb: c", "", "7", "no slash", "POST", "\x01"};

struct Config {
  explicit Config(const weir::ConfigReader& c) : counter(c.counter("chaos")) {
    const std::string hex = c.text("program", "");
    for (size_t i = 0; i + 1 < hex.size(); i += 2) {
      program.push_back(static_cast<uint8_t>(std::stoi(hex.substr(i, 2), nullptr, 16)));
    }
  }
  ~Config() {
    if (live != 0) std::abort();
  }
  uint8_t next() const { return program.empty() ? 0 : program[at++ % program.size()]; }

  weir::Counter counter;
  std::vector<uint8_t> program;
  mutable size_t at = 0;
  mutable int live = 0;
  // Of all streams, also of those that are gone.
  mutable std::vector<weir::Token> tokens;
  mutable std::vector<weir::Stream> streams;
};

class Chaos {
 public:
  static constexpr bool kEditsRequestBody = true;

  explicit Chaos(const Config& config) : config_(config) {
    if (config.next() % 32 == 1) throw std::runtime_error("in the constructor");
    ++config_.live;
  }
  ~Chaos() { --config_.live; }

  weir::Verdict onRequestHead(weir::Stream& s) { return act(s); }
  weir::Verdict onRequestData(weir::Stream& s) { return act(s); }
  weir::Verdict onRequestEnd(weir::Stream& s) { return act(s); }
  weir::Verdict onRequestWhole(weir::Stream& s) { return act(s); }
  weir::Verdict onResponseHead(weir::Stream& s) { return act(s); }
  weir::Verdict onResponseData(weir::Stream& s) { return act(s); }
  weir::Verdict onResponseEnd(weir::Stream& s) { return act(s); }
  weir::Verdict onResponseWhole(weir::Stream& s) { return act(s); }
  void onComplete(weir::Stream& s) {
    act(s);
    complete_ = true;
  }
  weir::Verdict onTimer(weir::Stream& s, uint32_t) { return act(s); }
  weir::Verdict onCall(weir::Stream& s, const weir::CallResult& result) {
    body(s.handle(), WEIR_CALL_BODY, result.body.size() > 0 ? 1 : 0);
    return act(s);
  }

 private:
  struct Seen {
    std::string_view view;
    std::string was;
  };

  weir::Verdict act(weir::Stream& s) {
    if (complete_ || inside_) std::abort();
    // A timer of no time that starts itself again, or a posted function that posts itself, would go on for ever.
    if (config_.at > kMostSteps) return weir::Continue;
    inside_ = true;
    seen_.clear();
    for (int i = config_.next() % 5; i > 0; --i) one(s, config_.next());
    // Whatever else was called: the first views are still what they were.
    for (const Seen& one : seen_) {
      if (one.view != one.was) std::abort();
    }
    inside_ = false;
    const uint8_t last = config_.next();
    if (last % 32 == 0) throw std::runtime_error("chaos");
    static constexpr weir_verdict kVerdicts[] = {
        WEIR_CONTINUE, WEIR_CONTINUE, WEIR_CONTINUE, WEIR_PAUSE, WEIR_PAUSE,
        WEIR_BUFFER,   WEIR_REPLIED,  WEIR_CLOSE,    99,         WEIR_CONTINUE};
    if (replied_) {
      replied_ = false;
      return weir::Verdict::Replied;
    }
    return static_cast<weir::Verdict>(kVerdicts[last % 10]);
  }

  void one(weir::Stream& s, uint8_t what) {
    const weir_host_api& api = *s.handle().worker->api;
    const uint8_t more = config_.next();
    switch (what % 20) {
      case 0:
      case 1:
        replied_ = s.reply(what % 40 < 20 ? 403 : 1000u * more, "chaos", {{kNames[more % 8], "x"}}) ==
                       weir::Verdict::Replied ||
                   replied_;
        return;
      case 2:
        api.resume(s.handle(), more % 4);
        return;
      case 3:
        config_.tokens.push_back(s.defer(static_cast<weir::Direction>(more % 3)));
        return;
      case 4:
      case 5:
        return useToken(more);
      case 6:
        s.startTimer(more % 70, std::chrono::milliseconds(more % 4));
        return;
      case 7:
        s.stopTimer(more % 70);
        return;
      case 8:
        s.call({.cluster = more % 8 == 0 ? "" : "side", .method = kValues[more % 8], .path = kValues[more % 3]});
        return;
      case 9:
        s.cancelCall(more % 4);
        return;
      case 10:
        return fields(s, more);
      case 11:
      case 12:
        return body(s.handle(), more % 7, more / 7);
      case 13:
        s.reroute();
        return;
      case 14:
        config_.streams.push_back(s);
        return;
      case 15:
        for (weir::Stream& other : config_.streams) {
          if (other.handle().slot == s.handle().slot && other.handle().generation == s.handle().generation) continue;
          other.requestHeaders().get("x-a");
          other.resume();
          other.reply(500);
        }
        return;
      case 16:
        s.write("bytes");
        return;
      case 17:
        look(s.attribute(more % 20));
        look(s.attribute(more % 20));
        s.number(more % 14);
        return;
      case 18:
        s.add(config_.counter);
        api.counter_add(s.handle(), more, 1);
        return;
      default: {
        weir_stream made = s.handle();
        made.slot += more;
        made.generation += more / 2;
        size_t size = 0;
        api.body_size(made, more % 6, &size);
        return;
      }
    }
  }

  // Not in the order in which they were made, from here or from another thread, and more than once.
  void useToken(uint8_t more) {
    if (config_.tokens.empty()) return;
    const weir::Token token = config_.tokens[more % config_.tokens.size()];
    const auto use = [token, more] {
      if (more % 4 == 0) token.resume();
      if (more % 4 == 1) token.reply(418, "late");
      if (more % 4 == 2) token.post<Chaos>([](Chaos& self, weir::Stream& stream) { self.act(stream); });
      if (more % 8 == 3) token.resume() && token.reply(500);
    };
    more % 3 == 0 ? std::thread(use).join() : use();
  }

  void fields(weir::Stream& s, uint8_t more) {
    weir::Headers headers(s.handle(), more % 6);
    const char* const name = kNames[more / 6 % 8];
    const char* const value = kValues[more / 8 % 8];
    if (const auto before = headers.get(name)) look(*before);
    if (more % 3 == 0) headers.set(name, value);
    if (more % 3 == 1) headers.append(name, value);
    if (more % 5 == 2) headers.remove(name);
    if (const auto after = headers.get(name)) look(*after);
    for (const auto& [key, text] : headers.list()) look(text);
  }

  void body(weir_stream handle, weir_body which, uint8_t more) {
    weir::Body body(handle, which);
    for (const std::string_view piece : body.slices()) look(piece);
    const size_t size = body.size();
    char out[4] = {};
    const weir_host_api& api = *handle.worker->api;
    api.body_copy(handle, which, size - more % 3, out, sizeof(out));
    api.body_copy(handle, which, more % 2 == 0 ? SIZE_MAX : size + 1, out, 1);
    if (more % 4 == 0) body.append("+");
    if (more % 4 == 1) body.drain(size + more % 2);
    if (more % 4 == 2) body.replace(body.str().substr(0, more % 9));
    if (more % 8 == 3) body.drain(size / 2);
    for (const std::string_view piece : body.slices()) look(piece);
  }

  void look(std::string_view view) { seen_.push_back({view, std::string(view)}); }

  const Config& config_;
  std::vector<Seen> seen_;
  bool inside_ = false;
  bool complete_ = false;
  bool replied_ = false;
};

}  // namespace

WEIR_HTTP_FILTER(Chaos, Config, "chaos", "1.0")
