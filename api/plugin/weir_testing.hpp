// A fake host for tests of filter plugins: runs a filter without a proxy, on a clock that the test moves. Header only.
//
//   #include "add_header.cc"             // the filter itself, with its WEIR_HTTP_FILTER
//   #include "weir_testing.hpp"
//
//   int main() {
//     weir::testing::Host host(weir_plugin_entry, R"({"name": "x-a", "value": "b"})");
//     auto x = host.exchange();
//     x->request({{":path", "/"}});
//     WEIR_EXPECT(x->passed() && x->requestField("x-a") == "b");
//     return weir::testing::result();
//   }
//
// An exchange holds parts until the filter lets them pass, as the proxy does. Calls are answered by the test, through
// Host::answer(); what is answered, posted or due runs in Host::run(), never inside a call of the filter.
#pragma once

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "weir_filter.hpp"

namespace weir::testing {

using FieldList = std::vector<std::pair<std::string, std::string>>;

// --- expectations

inline int& failures() {
  static int count = 0;
  return count;
}
// What main() returns: 0 when every expectation held.
inline int result() {
  std::printf(failures() == 0 ? "ok\n" : "%d failed\n", failures());
  return failures() == 0 ? 0 : 1;
}
#define WEIR_EXPECT(condition)                                                          \
  do {                                                                                  \
    if (!(condition)) {                                                                 \
      std::fprintf(stderr, "%s:%d: expected %s\n", __FILE__, __LINE__, #condition);     \
      ++::weir::testing::failures();                                                    \
    }                                                                                   \
  } while (false)

// --- configurations: JSON text

struct Json {
  uint32_t kind = WEIR_VALUE_NULL;
  bool boolean = false;
  double number = 0;
  std::string text;
  std::vector<Json> items;
  std::map<std::string, Json> entries;

  static Json parse(std::string_view text) {
    Json json;
    json.read(text);
    return json;
  }
  const Json* find(std::string_view path) const {
    if (path.empty()) return this;
    if (path[0] == '.') return find(path.substr(1));
    if (path[0] == '[') {
      const size_t end = path.find(']');
      const size_t index = static_cast<size_t>(std::atol(std::string(path.substr(1, end - 1)).c_str()));
      return index < items.size() ? items[index].find(path.substr(end + 1)) : nullptr;
    }
    const size_t end = std::min(path.find_first_of(".["), path.size());
    const auto found = entries.find(std::string(path.substr(0, end)));
    return found == entries.end() ? nullptr : found->second.find(path.substr(end));
  }

 private:
  static void skip(std::string_view& text) {
    while (!text.empty() && std::isspace(static_cast<unsigned char>(text[0]))) text.remove_prefix(1);
  }
  static std::string readText(std::string_view& text) {
    std::string out;
    for (text.remove_prefix(1); !text.empty() && text[0] != '"'; text.remove_prefix(1)) {
      if (text[0] == '\\') {
        text.remove_prefix(1);
        out += text[0] == 'n' ? '\n' : text[0] == 't' ? '\t' : text[0];
      } else {
        out += text[0];
      }
    }
    text.remove_prefix(text.empty() ? 0 : 1);
    return out;
  }
  void read(std::string_view& text) {
    skip(text);
    if (text.empty()) return;
    if (text[0] == '{' || text[0] == '[') {
      const bool map = text[0] == '{';
      kind = map ? WEIR_VALUE_MAP : WEIR_VALUE_LIST;
      text.remove_prefix(1);
      for (skip(text); !text.empty() && text[0] != '}' && text[0] != ']'; skip(text)) {
        std::string key;
        if (map) {
          key = readText(text);
          skip(text);
          text.remove_prefix(1);  // ':'
        }
        Json value;
        value.read(text);
        if (map) {
          entries[key] = std::move(value);
        } else {
          items.push_back(std::move(value));
        }
        skip(text);
        if (!text.empty() && text[0] == ',') text.remove_prefix(1);
      }
      text.remove_prefix(text.empty() ? 0 : 1);
    } else if (text[0] == '"') {
      kind = WEIR_VALUE_TEXT;
      this->text = readText(text);
    } else {
      const size_t end = std::min(text.find_first_of(",]} \n\t"), text.size());
      const std::string word(text.substr(0, end));
      text.remove_prefix(end);
      kind = word == "null" ? WEIR_VALUE_NULL : word == "true" || word == "false" ? WEIR_VALUE_BOOL : WEIR_VALUE_NUMBER;
      boolean = word == "true";
      number = std::atof(word.c_str());
    }
  }
};

// A request that the filter sent, and that the test answers.
struct PendingCall {
  weir_stream stream;
  uint32_t id;
  std::string cluster, method, path, body;
  FieldList fields;
};

class Exchange;
class Connection;

// --- the host

class Host : public weir_worker {
 public:
  // `config`: JSON. A configuration that is refused leaves refused() true.
  explicit Host(weir_plugin_entry_fn entry, std::string_view config = "{}", std::string_view route_config = {})
      : weir_worker{sizeof(weir_worker), &table()} {
    active() = this;
    plugin_ = entry(&table());
    WEIR_EXPECT(plugin_ != nullptr);
    if (plugin_ == nullptr) return;
    ConfigSource source(*this, config);
    config_ = plugin_->http != nullptr ? plugin_->http->config_new(&source) : plugin_->network->config_new(&source);
    if (config_ == nullptr && errors_.empty()) errors_.push_back(": could not be initialised");
    if (!route_config.empty() && plugin_->http != nullptr && plugin_->http->route_config_new != nullptr) {
      ConfigSource route(*this, route_config);
      route_config_ = plugin_->http->route_config_new(&route, config_);
    }
  }
  ~Host() {
    for (Posted& one : posted_) {
      if (one.drop) one.drop();
    }
    if (route_config_ != nullptr) plugin_->http->route_config_free(route_config_);
    if (config_ != nullptr) {
      plugin_->http != nullptr ? plugin_->http->config_free(config_) : plugin_->network->config_free(config_);
    }
  }
  Host(const Host&) = delete;

  bool refused() const { return !errors_.empty(); }
  // "path: message"
  const std::vector<std::string>& errors() const { return errors_; }
  const std::vector<std::string>& log() const { return log_; }
  uint64_t metric(const std::string& name) const {
    const auto found = metrics_.find(name);
    return found == metrics_.end() ? 0 : found->second;
  }
  // Calls with handles of what is gone.
  uint64_t stale() const { return stale_; }

  inline std::unique_ptr<Exchange> exchange();
  inline std::unique_ptr<Connection> connection();

  // Runs what was posted and what is due.
  inline void run();
  void advance(std::chrono::nanoseconds by) {
    run();
    const uint64_t until = now_ + static_cast<uint64_t>(by.count());
    while (!timers_.empty() && timers_.begin()->first.first <= until) {
      now_ = std::max(now_, timers_.begin()->first.first);
      run();
    }
    now_ = until;
    run();
  }

  // Requests of the filter that have no answer yet, in order.
  std::deque<PendingCall>& calls() { return calls_; }
  // Answers the first of them; a status below 100 is a failure. Runs the filter.
  inline void answer(uint32_t status, std::string_view body = {}, const FieldList& fields = {});

 private:
  friend class Side;
  friend class Exchange;
  friend class Connection;
  struct ConfigSource final : weir_config {
    ConfigSource(Host& host, std::string_view text)
        : weir_config{sizeof(weir_config), &Host::table()}, owner(host), json(Json::parse(text)), message(text) {}
    Host& owner;
    Json json;
    std::string message;
  };
  struct Posted {
    std::function<void()> run;
    std::function<void()> drop;
  };
  // What a handle leads to.
  class Stream;
  struct TokenState {
    weir_stream stream;
    uint32_t direction;
    uint32_t serial;
    bool live;
  };

  static Host*& active() {
    static Host* host = nullptr;
    return host;
  }
  static Host& of(weir_worker* worker) { return *static_cast<Host*>(worker); }
  inline static Stream* find(weir_stream stream);
  inline static const weir_host_api& table();
  static weir_result define(const weir_config* config, weir_text name, uint32_t* id) {
    Host& host = static_cast<const ConfigSource*>(config)->owner;
    *id = static_cast<uint32_t>(host.names_.size());
    host.names_.emplace_back(sdk::view(name));
    host.metrics_.emplace(host.names_.back(), 0);
    return WEIR_OK;
  }
  void post(Posted posted) {
    const std::lock_guard lock(mutex_);
    posted_.push_back(std::move(posted));
  }
  TokenState* findToken(weir_token token) {
    if (token.slot < tokens_.size() && tokens_[token.slot].live) return &tokens_[token.slot];
    ++stale_;
    return nullptr;
  }

  const weir_plugin* plugin_ = nullptr;
  void* config_ = nullptr;
  void* route_config_ = nullptr;
  std::vector<std::string> errors_;
  std::vector<std::string> log_;
  std::vector<std::string> names_;
  std::map<std::string, uint64_t> metrics_;
  uint64_t stale_ = 0;
  uint64_t now_ = 1'000'000'000;
  uint64_t random_ = 88172645463325252u;
  std::vector<Stream*> streams_;
  std::map<std::pair<uint64_t, uint64_t>, std::pair<weir_stream, uint32_t>> timers_;  // when and which
  uint64_t timer_number_ = 0;
  std::deque<PendingCall> calls_;
  uint32_t call_number_ = 0;
  std::mutex mutex_;  // guards tokens_ and posted_
  std::vector<TokenState> tokens_;
  std::deque<Posted> posted_;
};

// A head or trailers, with what begins with ':' first.
struct Message {
  FieldList head;
  std::optional<FieldList> trailers;
  std::string body;  // what has passed the filter
};

// What exchanges and connections have in common.
class Host::Stream {
 public:
  explicit Stream(Host& host) : host_(host), handle_{&host, static_cast<uint32_t>(host.streams_.size()), 1} {
    host.streams_.push_back(this);
  }
  virtual ~Stream() {
    host_.streams_[handle_.slot] = nullptr;
    const std::lock_guard lock(host_.mutex_);
    for (TokenState& token : host_.tokens_) {
      if (token.stream.slot == handle_.slot) token.live = false;
    }
  }

  virtual FieldList* fields(weir_fields which, bool edit) = 0;
  virtual std::string* body(weir_body which, bool edit) = 0;
  virtual weir_result reply(const weir_reply& reply) = 0;
  virtual weir_result resume(uint32_t direction) = 0;
  virtual std::optional<uint32_t> pause(uint32_t direction) const = 0;
  virtual weir_result write(std::string_view bytes) = 0;
  virtual void onTimer(uint32_t id) = 0;
  virtual void onVerdict(weir_verdict verdict) = 0;
  virtual std::string attribute(uint32_t id) const = 0;
  virtual uint32_t status() const = 0;

  Host& host_;
  weir_stream handle_;
  void* self_ = nullptr;
  std::vector<std::max_align_t> memory_;
  std::deque<std::string> texts_;  // what views point to
  FieldList call_head_;
  std::string call_body_;
  bool in_call_ = false;
};

// One request and its response through the filter.
class Exchange final : private Host::Stream {
 public:
  explicit Exchange(Host& host) : Stream(host), table_(*host.plugin_->http) {
    memory_.resize(table_.stream_size / sizeof(std::max_align_t) + 1);
    if (table_.stream_new(memory_.data(), host.config_, handle_) == WEIR_CONTINUE) {
      self_ = memory_.data();
    } else {
      failed_ = true;
    }
  }
  ~Exchange() override {
    if (self_ == nullptr) return;
    hook(table_.complete);
    table_.stream_free(self_);
  }

  // --- the client and the upstream
  // A GET of "/" at "test", where the fields say nothing else; with `end`, the whole request.
  void request(FieldList fields, bool end = true) {
    for (const auto& [name, value] : FieldList{{":method", "GET"}, {":path", "/"}, {":authority", "test"}}) {
      if (!get(fields, name)) sides_[0].message.head.emplace_back(name, value);
    }
    head(0, std::move(fields), end);
  }
  void requestData(std::string bytes) { data(0, std::move(bytes)); }
  void requestEnd(std::optional<FieldList> trailers = {}) { end(0, std::move(trailers)); }
  void response(uint32_t status, FieldList fields = {}, bool end = true) {
    sides_[1].message.head.emplace_back(":status", std::to_string(status));
    head(1, std::move(fields), end);
  }
  void responseData(std::string bytes) { data(1, std::move(bytes)); }
  void responseEnd(std::optional<FieldList> trailers = {}) { end(1, std::move(trailers)); }

  // --- what came of it
  // The request's head has passed the filter.
  bool passed() const { return sides_[0].head_passed; }
  bool requestEnded() const { return sides_[0].ended; }
  bool responsePassed() const { return sides_[1].head_passed; }
  bool responseEnded() const { return sides_[1].ended; }
  bool paused(Direction direction = Direction::Request) const { return sides_[static_cast<uint32_t>(direction)].paused; }
  std::string requestField(std::string_view name) const { return get(sides_[0].message.head, name).value_or(""); }
  std::string responseField(std::string_view name) const { return get(sides_[1].message.head, name).value_or(""); }
  // What has passed of the bodies.
  const std::string& requestBody() const { return sides_[0].message.body; }
  const std::string& responseBody() const { return sides_[1].message.body; }
  // The filter's own answer: its status, 500 when it failed; 0: none.
  uint32_t replied() const { return failed_ ? 500 : reply_status_; }
  const std::string& replyBody() const { return reply_body_; }
  std::string replyField(std::string_view name) const { return get(reply_fields_, name).value_or(""); }
  // Where the request comes from.
  std::string client = "192.0.2.1:1234";
  std::string route = "route", virtual_host = "host", cluster = "cluster";

 private:
  friend class Host;
  using Hook = weir_verdict (*)(void*, weir_stream);
  struct Part {
    enum Kind { kHead, kData, kEnd } kind;
    std::string data;
    std::optional<FieldList> trailers;
  };
  struct Side {
    Message message;
    std::deque<Part> waiting;
    std::string piece;  // that the hook sees
    bool paused = false, in_hook = false, whole = false, head_here = false;
    bool head_passed = false, ended = false;
    uint32_t serial = 0;
  };

  static std::optional<std::string> get(const FieldList& fields, std::string_view name) {
    std::optional<std::string> joined;
    for (const auto& [key, value] : fields) {
      if (key == name) joined = joined ? *joined + "," + value : value;
    }
    return joined;
  }
  weir_verdict hook(Hook hook) { return hook == nullptr ? WEIR_CONTINUE : hook(self_, handle_); }

  void head(uint32_t side, FieldList fields, bool end) {
    for (auto& field : fields) sides_[side].message.head.push_back(std::move(field));
    sides_[side].waiting.push_back({Part::kHead, {}, {}});
    if (end) sides_[side].waiting.push_back({Part::kEnd, {}, {}});
    drive(side);
  }
  void data(uint32_t side, std::string bytes) {
    sides_[side].waiting.push_back({Part::kData, std::move(bytes), {}});
    drive(side);
  }
  void end(uint32_t side, std::optional<FieldList> trailers) {
    sides_[side].waiting.push_back({Part::kEnd, {}, std::move(trailers)});
    drive(side);
  }

  // Takes the parts that wait through the hooks, until one pauses.
  void drive(uint32_t number) {
    Side& side = sides_[number];
    while (!side.paused && !side.waiting.empty() && replied() == 0) {
      const Part::Kind kind = side.waiting.front().kind;
      const bool request = number == WEIR_REQUEST;
      Hook hook = nullptr;
      if (kind == Part::kHead) {
        side.head_here = true;
        hook = request ? table_.request_head : table_.response_head;
      } else if (side.whole) {
        if (kind == Part::kData) {
          side.piece += side.waiting.front().data;
          side.waiting.pop_front();
          continue;
        }
        side.message.trailers = side.waiting.front().trailers;
        hook = request ? table_.request_whole : table_.response_whole;
      } else if (kind == Part::kData) {
        side.piece = side.waiting.front().data;
        hook = request ? table_.request_data : table_.response_data;
      } else {
        side.piece.clear();
        side.message.trailers = side.waiting.front().trailers;
        hook = request ? table_.request_end : table_.response_end;
      }
      ++side.serial;
      side.in_hook = true;
      const weir_verdict verdict = this->hook(hook);
      side.in_hook = false;
      if (verdict == WEIR_FAILED) failed_ = true;
      if (replied() != 0) break;
      if (verdict == WEIR_PAUSE) {
        side.paused = true;
      } else {
        side.whole = side.whole || verdict == WEIR_BUFFER;
        pass(side, verdict == WEIR_BUFFER);
      }
    }
  }
  // The part at the front goes on.
  void pass(Side& side, bool collect) {
    const Part part = std::move(side.waiting.front());
    side.waiting.pop_front();
    if (part.kind == Part::kHead) {
      if (collect) return;
      side.head_passed = true;
      side.head_here = false;
      return;
    }
    side.message.body += std::exchange(side.piece, {});
    if (part.kind != Part::kEnd) return;
    side.head_passed = side.ended = true;
    side.head_here = side.whole = false;
  }

  FieldList* fields(weir_fields which, bool edit) override {
    if (which == WEIR_CALL_HEAD) return in_call_ && !edit ? &call_head_ : nullptr;
    Side& side = sides_[which / 2];
    if (which % 2 == 1) return side.message.trailers ? &*side.message.trailers : nullptr;
    const bool here = side.head_here && (side.in_hook || side.paused);
    return side.message.head.empty() || (edit && !here) ? nullptr : &side.message.head;
  }
  std::string* body(weir_body which, bool edit) override {
    if (which == WEIR_CALL_BODY) return in_call_ && !edit ? &call_body_ : nullptr;
    if (which > WEIR_RESPONSE_BODY) return nullptr;
    Side& side = sides_[which];
    const bool there = !side.waiting.empty() && (side.waiting.front().kind != Part::kHead);
    return there && (side.in_hook || side.paused) ? &side.piece : nullptr;
  }
  weir_result reply(const weir_reply& reply) override {
    const bool now = sides_[0].in_hook || sides_[1].in_hook || sides_[0].paused || sides_[1].paused;
    if (replied() != 0 || !now || reply.status < 200 || reply.status > 599) return WEIR_INVALID;
    reply_status_ = reply.status;
    reply_body_ = sdk::view(reply.body);
    for (uint32_t i = 0; i < reply.field_count; ++i) {
      reply_fields_.emplace_back(sdk::view(reply.fields[i].name), sdk::view(reply.fields[i].value));
    }
    sides_[0].paused = sides_[1].paused = false;
    return WEIR_OK;
  }
  weir_result resume(uint32_t direction) override {
    if (direction > 1 || !sides_[direction].paused) return WEIR_INVALID;
    sides_[direction].paused = false;
    pass(sides_[direction], false);
    host_.post({[handle = handle_, direction] {
                  if (Stream* const s = Host::find(handle)) static_cast<Exchange*>(s)->drive(direction);
                },
                nullptr});
    return WEIR_OK;
  }
  std::optional<uint32_t> pause(uint32_t direction) const override {
    const Side& side = sides_[direction];
    return side.in_hook || side.paused ? std::optional<uint32_t>(side.serial) : std::nullopt;
  }
  weir_result write(std::string_view) override { return WEIR_INVALID; }
  void onTimer(uint32_t id) override { onVerdict(table_.timer(self_, handle_, id)); }
  void onVerdict(weir_verdict verdict) override {
    if (verdict == WEIR_FAILED) failed_ = true;
  }
  std::string attribute(uint32_t id) const override {
    switch (id) {
      case WEIR_METHOD:
        return requestField(":method");
      case WEIR_AUTHORITY:
        return requestField(":authority");
      case WEIR_PATH:
        return requestField(":path");
      case WEIR_ROUTE_NAME:
        return route;
      case WEIR_VIRTUAL_HOST:
        return virtual_host;
      case WEIR_CLUSTER:
        return cluster;
      case WEIR_DOWNSTREAM_REMOTE:
      case WEIR_DOWNSTREAM_DIRECT_REMOTE:
        return client;
      case WEIR_CLIENT_IP:
        return client.substr(0, client.rfind(':'));
      default:
        return {};
    }
  }
  uint32_t status() const override { return static_cast<uint32_t>(std::atoi(responseField(":status").c_str())); }

  const weir_http_filter& table_;
  Side sides_[2];
  uint32_t reply_status_ = 0;
  std::string reply_body_;
  FieldList reply_fields_;
  bool failed_ = false;
};

// One connection through a network filter.
class Connection final : private Host::Stream {
 public:
  explicit Connection(Host& host) : Stream(host), table_(*host.plugin_->network) {
    memory_.resize(table_.stream_size / sizeof(std::max_align_t) + 1);
    if (table_.stream_new(memory_.data(), host.config_, handle_) == WEIR_CONTINUE) self_ = memory_.data();
    closed_ = self_ == nullptr;
    if (!closed_ && table_.open != nullptr) take(sides_[0], table_.open(self_, handle_));
  }
  ~Connection() override {
    if (self_ == nullptr) return;
    if (table_.closed != nullptr) table_.closed(self_, handle_);
    table_.stream_free(self_);
  }

  // What the client sends.
  void data(std::string_view bytes, bool end = false) {
    sides_[0].waiting += bytes;
    ended_ = ended_ || end;
    drive(0);
  }
  // What the proxy sends to the client.
  void output(std::string_view bytes) {
    sides_[1].waiting += bytes;
    drive(1);
  }
  const std::string& passed() const { return sides_[0].passed; }  // what has passed the filter to the proxy
  const std::string& sent() const { return sides_[1].passed; }    // and to the client
  const std::string& written() const { return written_; }         // what the filter itself sent to the client
  bool closed() const { return closed_; }
  bool paused(Direction direction = Direction::Request) const { return sides_[static_cast<uint32_t>(direction)].paused; }
  std::string client = "192.0.2.1:1234";

 private:
  friend class Host;
  struct Side {
    std::string held;     // that the hook sees, or holds
    std::string waiting;  // behind it
    std::string passed;
    bool paused = false, in_hook = false;
    uint32_t serial = 0;
  };

  void drive(uint32_t number) {
    Side& side = sides_[number];
    const bool hook = number == WEIR_REQUEST ? table_.data != nullptr : table_.output != nullptr;
    if (closed_ || side.paused) return;
    side.held = std::exchange(side.waiting, {});
    if (hook) {
      ++side.serial;
      side.in_hook = true;
      take(side, number == WEIR_REQUEST ? table_.data(self_, handle_, ended_ ? 1 : 0) : table_.output(self_, handle_));
      side.in_hook = false;
    }
    if (!closed_ && !side.paused) side.passed += std::exchange(side.held, {});
  }
  void take(Side& side, weir_verdict verdict) {
    onVerdict(verdict);
    side.paused = verdict == WEIR_PAUSE;
  }

  FieldList* fields(weir_fields which, bool edit) override {
    return which == WEIR_CALL_HEAD && in_call_ && !edit ? &call_head_ : nullptr;
  }
  std::string* body(weir_body which, bool edit) override {
    if (which == WEIR_CALL_BODY) return in_call_ && !edit ? &call_body_ : nullptr;
    if (which != WEIR_CONNECTION_DATA && which != WEIR_CONNECTION_OUTPUT) return nullptr;
    Side& side = sides_[which == WEIR_CONNECTION_DATA ? 0 : 1];
    return side.in_hook || side.paused ? &side.held : nullptr;
  }
  weir_result reply(const weir_reply&) override { return WEIR_INVALID; }
  weir_result resume(uint32_t direction) override {
    if (direction > 1 || !sides_[direction].paused) return WEIR_INVALID;
    Side& side = sides_[direction];
    side.paused = false;
    side.passed += std::exchange(side.held, {});
    host_.post({[handle = handle_, direction] {
                  Stream* const s = Host::find(handle);
                  auto* const c = static_cast<Connection*>(s);
                  if (s != nullptr && !c->sides_[direction].waiting.empty()) c->drive(direction);
                },
                nullptr});
    return WEIR_OK;
  }
  std::optional<uint32_t> pause(uint32_t direction) const override {
    const Side& side = sides_[direction];
    return side.in_hook || side.paused ? std::optional<uint32_t>(side.serial) : std::nullopt;
  }
  weir_result write(std::string_view bytes) override {
    written_ += bytes;
    return WEIR_OK;
  }
  void onTimer(uint32_t id) override { onVerdict(table_.timer(self_, handle_, id)); }
  void onVerdict(weir_verdict verdict) override {
    if (verdict == WEIR_FAILED || verdict == WEIR_CLOSE) closed_ = true;
  }
  std::string attribute(uint32_t id) const override {
    if (id == WEIR_CLIENT_IP) return client.substr(0, client.rfind(':'));
    return id == WEIR_DOWNSTREAM_REMOTE ? client : std::string();
  }
  uint32_t status() const override { return 0; }

  const weir_network_filter& table_;
  Side sides_[2];
  std::string written_;
  bool ended_ = false, closed_ = false;
};

inline std::unique_ptr<Exchange> Host::exchange() { return std::make_unique<Exchange>(*this); }
inline std::unique_ptr<Connection> Host::connection() { return std::make_unique<Connection>(*this); }

inline Host::Stream* Host::find(weir_stream handle) {
  if (handle.worker == nullptr) return nullptr;
  Host& host = of(handle.worker);
  if (handle.slot < host.streams_.size() && host.streams_[handle.slot] != nullptr) return host.streams_[handle.slot];
  ++host.stale_;
  return nullptr;
}

inline void Host::run() {
  for (;;) {
    Posted next;
    {
      const std::lock_guard lock(mutex_);
      if (!posted_.empty()) {
        next = std::move(posted_.front());
        posted_.pop_front();
      }
    }
    if (next.run) {
      next.run();
    } else if (!timers_.empty() && timers_.begin()->first.first <= now_) {
      const auto [stream, id] = timers_.begin()->second;
      timers_.erase(timers_.begin());
      if (Stream* const s = find(stream)) s->onTimer(id);
    } else {
      return;
    }
  }
}

inline void Host::answer(uint32_t status, std::string_view body, const FieldList& fields) {
  WEIR_EXPECT(!calls_.empty());
  if (calls_.empty()) return;
  const PendingCall call = std::move(calls_.front());
  calls_.pop_front();
  if (Stream* const s = find(call.stream)) {
    s->call_head_ = fields;
    s->call_body_ = body;
    s->in_call_ = status >= 100;
    const auto hook = plugin_->http != nullptr ? plugin_->http->call_done : plugin_->network->call_done;
    s->onVerdict(hook(s->self_, call.stream, call.id, status));
    s->in_call_ = false;
  }
  run();
}

// The functions that the plugin calls.
inline const weir_host_api& Host::table() {
  using S = Stream;
  static const auto lower = [](weir_text name) {
    std::string out(sdk::view(name));
    for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return out;
  };
  static const auto keep = [](S& s, std::string value, weir_text* out) {
    s.texts_.push_back(std::move(value));
    *out = sdk::text(s.texts_.back());
    return weir_result{WEIR_OK};
  };
  static const auto count = [](weir_stream stream, uint32_t id, uint64_t n) -> weir_result {
    S* const s = find(stream);
    if (s == nullptr) return WEIR_STALE;
    if (id >= s->host_.names_.size()) return WEIR_INVALID;
    s->host_.metrics_[s->host_.names_[id]] += n;
    return WEIR_OK;
  };
  static const weir_host_api host = [] {
    weir_host_api api{};
    api.size = sizeof(api);
    api.major = WEIR_ABI_MAJOR;
    api.minor = WEIR_ABI_MINOR;
    api.log = [](uint32_t, weir_text line) { active()->log_.emplace_back(sdk::view(line)); };
    api.config_get = [](const weir_config* config, weir_text path, weir_value* out) -> weir_result {
      const Json* const json = static_cast<const ConfigSource*>(config)->json.find(sdk::view(path));
      if (json == nullptr) return WEIR_NOT_FOUND;
      *out = {sizeof(weir_value),       json->kind, json->boolean ? 1 : 0, json->number, sdk::text(json->text),
              json->items.size() + json->entries.size()};
      return WEIR_OK;
    };
    api.config_key = [](const weir_config* config, weir_text path, size_t index, weir_text* out) -> weir_result {
      const Json* const json = static_cast<const ConfigSource*>(config)->json.find(sdk::view(path));
      if (json == nullptr || index >= json->entries.size()) return WEIR_NOT_FOUND;
      *out = sdk::text(std::next(json->entries.begin(), static_cast<std::ptrdiff_t>(index))->first);
      return WEIR_OK;
    };
    api.config_message = [](const weir_config* config, weir_text* out) -> weir_result {
      *out = sdk::text(static_cast<const ConfigSource*>(config)->message);
      return WEIR_OK;
    };
    api.config_error = [](const weir_config* config, weir_text path, weir_text message) {
      static_cast<const ConfigSource*>(config)->owner.errors_.push_back(std::string(sdk::view(path)) + ": " +
                                                                        std::string(sdk::view(message)));
    };
    api.config_counter = api.config_gauge = api.config_histogram = define;
    api.attribute_text = [](weir_stream stream, uint32_t id, weir_text* out) -> weir_result {
      S* const s = find(stream);
      if (s == nullptr) return WEIR_STALE;
      std::string value = s->attribute(id);
      if (value.empty()) return WEIR_NOT_FOUND;
      return keep(*s, std::move(value), out);
    };
    api.attribute_number = [](weir_stream stream, uint32_t id, uint64_t* out) -> weir_result {
      S* const s = find(stream);
      if (s == nullptr) return WEIR_STALE;
      Host& h = s->host_;
      h.random_ ^= h.random_ << 13;
      h.random_ ^= h.random_ >> 7;
      h.random_ ^= h.random_ << 17;
      *out = id == WEIR_NOW || id == WEIR_WALL ? h.now_ : id == WEIR_RANDOM ? h.random_ : id == WEIR_STATUS ? s->status() : 0;
      return WEIR_OK;
    };
    api.route_config = [](weir_stream stream, void** out) -> weir_result {
      S* const s = find(stream);
      if (s == nullptr) return WEIR_STALE;
      *out = s->host_.route_config_;
      return *out == nullptr ? WEIR_NOT_FOUND : WEIR_OK;
    };
    api.field_count = [](weir_stream stream, weir_fields which, size_t* out) -> weir_result {
      S* const s = find(stream);
      FieldList* const fields = s == nullptr ? nullptr : s->fields(which, false);
      if (fields == nullptr) return s == nullptr ? WEIR_STALE : WEIR_TOO_LATE;
      *out = static_cast<size_t>(
          std::count_if(fields->begin(), fields->end(), [](const auto& field) { return field.first[0] != ':'; }));
      return WEIR_OK;
    };
    api.field_list = [](weir_stream stream, weir_fields which, weir_field* out, size_t capacity,
                        size_t* filled) -> weir_result {
      S* const s = find(stream);
      FieldList* const fields = s == nullptr ? nullptr : s->fields(which, false);
      if (fields == nullptr) return s == nullptr ? WEIR_STALE : WEIR_TOO_LATE;
      *filled = 0;
      for (const auto& [name, value] : *fields) {
        if (name[0] == ':') continue;
        if (*filled == capacity) return *filled = 0, WEIR_TOO_SMALL;
        weir_field& one = out[(*filled)++];
        keep(*s, name, &one.name);
        keep(*s, value, &one.value);
      }
      return WEIR_OK;
    };
    api.field_get = [](weir_stream stream, weir_fields which, weir_text name, weir_text* out) -> weir_result {
      S* const s = find(stream);
      FieldList* const fields = s == nullptr ? nullptr : s->fields(which, false);
      if (fields == nullptr) return s == nullptr ? WEIR_STALE : WEIR_TOO_LATE;
      auto value = Exchange::get(*fields, sdk::view(name));
      if (!value) return WEIR_NOT_FOUND;
      return keep(*s, std::move(*value), out);
    };
    api.field_append = [](weir_stream stream, weir_fields which, weir_text name, weir_text value) -> weir_result {
      S* const s = find(stream);
      FieldList* const fields = s == nullptr ? nullptr : s->fields(which, true);
      if (fields == nullptr) return s == nullptr ? WEIR_STALE : WEIR_TOO_LATE;
      if (name.size == 0 || sdk::view(value).find_first_of("\r\n") != std::string_view::npos) return WEIR_INVALID;
      fields->emplace_back(lower(name), sdk::view(value));
      return WEIR_OK;
    };
    api.field_remove = [](weir_stream stream, weir_fields which, weir_text name) -> weir_result {
      S* const s = find(stream);
      FieldList* const fields = s == nullptr ? nullptr : s->fields(which, true);
      if (fields == nullptr) return s == nullptr ? WEIR_STALE : WEIR_TOO_LATE;
      const std::string key = lower(name);
      const size_t before = fields->size();
      fields->erase(std::remove_if(fields->begin(), fields->end(), [&](const auto& f) { return f.first == key; }),
                    fields->end());
      return fields->size() < before ? WEIR_OK : WEIR_NOT_FOUND;
    };
    static const auto append = api.field_append;
    static const auto remove = api.field_remove;
    api.field_set = [](weir_stream stream, weir_fields which, weir_text name, weir_text value) -> weir_result {
      const weir_result removed = remove(stream, which, name);
      return removed == WEIR_OK || removed == WEIR_NOT_FOUND ? append(stream, which, name, value) : removed;
    };
    static const auto body = [](weir_stream stream, weir_body which, bool edit, auto&& use) -> weir_result {
      S* const s = find(stream);
      std::string* const bytes = s == nullptr ? nullptr : s->body(which, edit);
      if (bytes == nullptr) return s == nullptr ? WEIR_STALE : WEIR_TOO_LATE;
      return use(*s, *bytes);
    };
    api.body_size = [](weir_stream stream, weir_body which, size_t* out) {
      return body(stream, which, false, [&](S&, std::string& bytes) -> weir_result { return *out = bytes.size(), WEIR_OK; });
    };
    // In two pieces, so that filters do not take a body for one.
    api.body_slice_count = [](weir_stream stream, weir_body which, size_t* out) {
      return body(stream, which, false, [&](S&, std::string& bytes) -> weir_result {
        return *out = std::min<size_t>(bytes.size(), 2), WEIR_OK;
      });
    };
    api.body_slices = [](weir_stream stream, weir_body which, weir_text* out, size_t capacity, size_t* filled) {
      return body(stream, which, false, [&](S& s, std::string& bytes) -> weir_result {
        *filled = 0;
        const size_t pieces = std::min<size_t>(bytes.size(), 2);
        if (pieces > capacity) return WEIR_TOO_SMALL;
        const size_t half = bytes.size() / 2;
        if (pieces == 2) keep(s, bytes.substr(0, half), &out[(*filled)++]);
        if (pieces > 0) keep(s, bytes.substr(pieces == 2 ? half : 0), &out[(*filled)++]);
        return WEIR_OK;
      });
    };
    api.body_copy = [](weir_stream stream, weir_body which, size_t offset, char* out, size_t size) {
      return body(stream, which, false, [&](S&, std::string& bytes) -> weir_result {
        if (offset > bytes.size() || size > bytes.size() - offset) return WEIR_INVALID;
        std::memcpy(out, bytes.data() + offset, size);
        return WEIR_OK;
      });
    };
    api.body_drain = [](weir_stream stream, weir_body which, size_t size) {
      return body(stream, which, true, [&](S&, std::string& bytes) -> weir_result {
        if (size > bytes.size()) return WEIR_INVALID;
        return bytes.erase(0, size), WEIR_OK;
      });
    };
    api.body_append = [](weir_stream stream, weir_body which, weir_text more) {
      return body(stream, which, true,
                  [&](S&, std::string& bytes) -> weir_result { return bytes += sdk::view(more), WEIR_OK; });
    };
    api.body_replace = [](weir_stream stream, weir_body which, weir_text fresh) {
      return body(stream, which, true,
                  [&](S&, std::string& bytes) -> weir_result { return bytes = sdk::view(fresh), WEIR_OK; });
    };
    api.reply = [](weir_stream stream, const weir_reply* reply) -> weir_result {
      S* const s = find(stream);
      return s == nullptr ? WEIR_STALE : s->reply(*reply);
    };
    api.resume = [](weir_stream stream, uint32_t direction) -> weir_result {
      S* const s = find(stream);
      return s == nullptr ? WEIR_STALE : s->resume(direction);
    };
    api.reroute = [](weir_stream stream) -> weir_result { return find(stream) == nullptr ? WEIR_STALE : WEIR_OK; };
    api.write = [](weir_stream stream, weir_text bytes) -> weir_result {
      S* const s = find(stream);
      return s == nullptr ? WEIR_STALE : s->write(sdk::view(bytes));
    };
    api.defer = [](weir_stream stream, uint32_t direction, weir_token* out) -> weir_result {
      S* const s = find(stream);
      const auto serial = s == nullptr ? std::nullopt : s->pause(direction);
      if (!serial) return s == nullptr ? WEIR_STALE : WEIR_INVALID;
      const std::lock_guard lock(s->host_.mutex_);
      *out = {stream.worker, static_cast<uint32_t>(s->host_.tokens_.size()), 1};
      s->host_.tokens_.push_back({stream, direction, *serial, true});
      return WEIR_OK;
    };
    api.timer_set = [](weir_stream stream, uint32_t id, uint64_t after) -> weir_result {
      S* const s = find(stream);
      if (s == nullptr) return WEIR_STALE;
      s->host_.table().timer_cancel(stream, id);
      s->host_.timers_[{s->host_.now_ + after, s->host_.timer_number_++}] = {stream, id};
      return WEIR_OK;
    };
    api.timer_cancel = [](weir_stream stream, uint32_t id) -> weir_result {
      S* const s = find(stream);
      if (s == nullptr) return WEIR_STALE;
      for (auto one = s->host_.timers_.begin(); one != s->host_.timers_.end(); ++one) {
        if (one->second.first.slot == stream.slot && one->second.second == id) {
          s->host_.timers_.erase(one);
          return WEIR_OK;
        }
      }
      return WEIR_NOT_FOUND;
    };
    api.http_call = [](weir_stream stream, const weir_call* call, uint32_t* id) -> weir_result {
      S* const s = find(stream);
      if (s == nullptr) return WEIR_STALE;
      PendingCall made{stream,
                       *id = ++s->host_.call_number_,
                       std::string(sdk::view(call->cluster)),
                       std::string(sdk::view(call->method)),
                       std::string(sdk::view(call->path)),
                       std::string(sdk::view(call->body)),
                       {}};
      for (size_t i = 0; i < call->field_count; ++i) {
        made.fields.emplace_back(sdk::view(call->fields[i].name), sdk::view(call->fields[i].value));
      }
      s->host_.calls_.push_back(std::move(made));
      return WEIR_OK;
    };
    api.call_cancel = [](weir_stream stream, uint32_t id) -> weir_result {
      S* const s = find(stream);
      if (s == nullptr) return WEIR_STALE;
      auto& calls = s->host_.calls_;
      const auto found = std::find_if(calls.begin(), calls.end(), [id](const PendingCall& call) { return call.id == id; });
      if (found == calls.end()) return WEIR_NOT_FOUND;
      calls.erase(found);
      return WEIR_OK;
    };
    static const auto settle = [](weir_token token, std::function<void(S&)> answer) -> weir_result {
      if (token.worker == nullptr) return WEIR_STALE;
      Host& host = of(token.worker);
      TokenState state;
      {
        const std::lock_guard lock(host.mutex_);
        TokenState* const found = host.findToken(token);
        if (found == nullptr) return WEIR_STALE;
        found->live = false;
        state = *found;
      }
      host.post({[state, answer] {
                   S* const s = find(state.stream);
                   if (s != nullptr && s->pause(state.direction) == state.serial) answer(*s);
                 },
                 nullptr});
      return WEIR_OK;
    };
    api.token_resume = [](weir_token token) {
      uint32_t direction = 0;
      if (token.worker != nullptr && token.slot < of(token.worker).tokens_.size()) {
        direction = of(token.worker).tokens_[token.slot].direction;
      }
      return settle(token, [direction](S& s) { s.resume(direction); });
    };
    api.token_reply = [](weir_token token, const weir_reply* reply) {
      auto fields = std::make_shared<FieldList>();
      for (uint32_t i = 0; i < reply->field_count; ++i) {
        fields->emplace_back(sdk::view(reply->fields[i].name), sdk::view(reply->fields[i].value));
      }
      return settle(token, [fields, status = reply->status, body = std::string(sdk::view(reply->body))](S& s) {
        std::vector<weir_field> list;
        for (const auto& [name, value] : *fields) list.push_back({sdk::text(name), sdk::text(value)});
        const weir_reply copy{sizeof(weir_reply), status, static_cast<uint32_t>(list.size()), list.data(),
                              sdk::text(body)};
        s.reply(copy);
      });
    };
    api.token_post = [](weir_token token, weir_verdict (*run)(void*, weir_stream, void*), void (*drop)(void*),
                        void* data) -> weir_result {
      Host& h = of(token.worker);
      const std::lock_guard lock(h.mutex_);
      const TokenState* const found = h.findToken(token);
      if (found == nullptr) {
        drop(data);
        return WEIR_STALE;
      }
      h.posted_.push_back({[stream = found->stream, run, drop, data] {
                             S* const s = find(stream);
                             if (s == nullptr) {
                               drop(data);
                             } else {
                               s->onVerdict(run(s->self_, stream, data));
                             }
                           },
                           [drop, data] { drop(data); }});
      return WEIR_OK;
    };
    api.token_drop = [](weir_token token) -> weir_result {
      Host& h = of(token.worker);
      const std::lock_guard lock(h.mutex_);
      TokenState* const found = h.findToken(token);
      if (found == nullptr) return WEIR_STALE;
      found->live = false;
      return WEIR_OK;
    };
    api.counter_add = [](weir_stream stream, uint32_t id, uint64_t n) { return count(stream, id, n); };
    api.gauge_add = [](weir_stream stream, uint32_t id, int64_t n) {
      return count(stream, id, static_cast<uint64_t>(n));
    };
    api.histogram_record = [](weir_stream stream, uint32_t id, uint64_t) { return count(stream, id, 1); };
    return api;
  }();
  return host;
}

}  // namespace weir::testing
