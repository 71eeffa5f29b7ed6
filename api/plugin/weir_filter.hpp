// The C++ SDK of weir's filter plugins (weir_plugin.h): header only, C++20, no dependencies.
//
// A filter is a class with the hooks that it needs; all are optional:
//
//   class AddHeader {
//    public:
//     explicit AddHeader(const Config& config);                       // one object per request
//     weir::Verdict onRequestHead(weir::Stream& s);                   // Continue, Pause, Buffer, or s.reply(...)
//     weir::Verdict onRequestData(weir::Stream& s);                   // s.requestBody() is the piece
//     weir::Verdict onRequestEnd(weir::Stream& s);
//     weir::Verdict onRequestWhole(weir::Stream& s);                  // after Buffer: the whole message
//     weir::Verdict onResponseHead/Data/End/Whole(weir::Stream& s);
//     void onComplete(weir::Stream& s);                               // once, last
//     weir::Verdict onTimer(weir::Stream& s, uint32_t id);
//     weir::Verdict onCall(weir::Stream& s, const weir::CallResult& result);
//   };
//   WEIR_HTTP_FILTER(AddHeader, Config, "add_header", "1.0")
//
// Config is any type that is made from a weir::ConfigReader&, once, at load; workers share it and read it only. A
// filter may have a nested type RouteConfig, made the same way, for s.routeConfig<RouteConfig>(). What a hook throws
// ends in the SDK: the stream gets a 500, and weir counts and logs it.
//
// A network filter has onOpen(s), onData(s, bool end), onWrite(s), onClose(s), onTimer(s, id) and onCall(s, result), and
// WEIR_NETWORK_FILTER.
//
// Built as a shared object:     g++ -std=c++20 -O2 -fPIC -shared -fno-gnu-unique -o add_header.so add_header.cc
// Built into a program, where it is called weir_plugin_entry_NAME: compile with -DWEIR_BUILT_IN=NAME.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "weir_plugin.h"

namespace weir {

enum class Verdict : weir_verdict {
  Continue = WEIR_CONTINUE,
  Pause = WEIR_PAUSE,
  Buffer = WEIR_BUFFER,
  Replied = WEIR_REPLIED,
  Failed = WEIR_FAILED,
  Close = WEIR_CLOSE,
};
inline constexpr Verdict Continue = Verdict::Continue, Pause = Verdict::Pause, Buffer = Verdict::Buffer,
                         Close = Verdict::Close;

enum class Direction : uint32_t { Request = WEIR_REQUEST, Response = WEIR_RESPONSE };

using Fields = std::vector<std::pair<std::string_view, std::string_view>>;

namespace sdk {

// The text of a call to the host; a view is `size` bytes at `data`.
inline weir_text text(std::string_view view) { return {view.data(), view.size()}; }
inline std::string_view view(weir_text text) { return {text.data, text.size}; }
inline uint64_t nanoseconds(std::chrono::nanoseconds after) {
  return after.count() < 0 ? 0 : static_cast<uint64_t>(after.count());
}

inline std::vector<weir_field> fieldList(const Fields& fields) {
  std::vector<weir_field> list;
  list.reserve(fields.size());
  for (const auto& [name, value] : fields) list.push_back({text(name), text(value)});
  return list;
}

}  // namespace sdk

// The fields of a head or of trailers.
class Headers {
 public:
  Headers(weir_stream stream, weir_fields which) : stream_(stream), which_(which) {}

  // By name in lower case, or ":path" and the like; views are valid until the hook returns.
  std::optional<std::string_view> get(std::string_view name) const {
    weir_text out{};
    if (api().field_get(stream_, which_, sdk::text(name), &out) != WEIR_OK) return std::nullopt;
    return sdk::view(out);
  }
  bool has(std::string_view name) const { return get(name).has_value(); }
  // False when it is too late, or when the name or the value is not allowed.
  bool set(std::string_view name, std::string_view value) {
    return api().field_set(stream_, which_, sdk::text(name), sdk::text(value)) == WEIR_OK;
  }
  bool append(std::string_view name, std::string_view value) {
    return api().field_append(stream_, which_, sdk::text(name), sdk::text(value)) == WEIR_OK;
  }
  bool remove(std::string_view name) { return api().field_remove(stream_, which_, sdk::text(name)) == WEIR_OK; }
  size_t size() const {
    size_t count = 0;
    api().field_count(stream_, which_, &count);
    return count;
  }
  // All fields in order.
  std::vector<std::pair<std::string_view, std::string_view>> list() const {
    std::vector<weir_field> raw(size());
    size_t filled = 0;
    if (api().field_list(stream_, which_, raw.data(), raw.size(), &filled) != WEIR_OK) filled = 0;
    std::vector<std::pair<std::string_view, std::string_view>> out;
    for (size_t i = 0; i < filled; ++i) out.emplace_back(sdk::view(raw[i].name), sdk::view(raw[i].value));
    return out;
  }

 private:
  const weir_host_api& api() const { return *stream_.worker->api; }
  weir_stream stream_;
  weir_fields which_;
};

// The piece of a body that a hook was called for, or the whole of it.
class Body {
 public:
  Body(weir_stream stream, weir_body which) : stream_(stream), which_(which) {}

  size_t size() const {
    size_t bytes = 0;
    api().body_size(stream_, which_, &bytes);
    return bytes;
  }
  bool empty() const { return size() == 0; }
  // Its pieces in order, without copying.
  std::vector<std::string_view> slices() const {
    size_t count = 0;
    api().body_slice_count(stream_, which_, &count);
    std::vector<weir_text> raw(count);
    size_t filled = 0;
    if (api().body_slices(stream_, which_, raw.data(), raw.size(), &filled) != WEIR_OK) filled = 0;
    std::vector<std::string_view> out;
    for (size_t i = 0; i < filled; ++i) out.push_back(sdk::view(raw[i]));
    return out;
  }
  std::string str() const { return str(0, size()); }
  // `bytes` from `offset` on, or what is there of them.
  std::string str(size_t offset, size_t bytes) const {
    const size_t all = size();
    if (offset >= all) return {};
    std::string out(bytes < all - offset ? bytes : all - offset, '\0');
    if (api().body_copy(stream_, which_, offset, out.data(), out.size()) != WEIR_OK) out.clear();
    return out;
  }
  bool drain(size_t bytes) { return api().body_drain(stream_, which_, bytes) == WEIR_OK; }
  bool append(std::string_view bytes) { return api().body_append(stream_, which_, sdk::text(bytes)) == WEIR_OK; }
  bool replace(std::string_view bytes) { return api().body_replace(stream_, which_, sdk::text(bytes)) == WEIR_OK; }

 private:
  const weir_host_api& api() const { return *stream_.worker->api; }
  weir_stream stream_;
  weir_body which_;
};

class Stream;

namespace sdk {

using Posted = std::function<void(void* self, Stream& stream)>;
inline weir_verdict runPosted(void* self, weir_stream handle, void* data);
inline void dropPosted(void* data) { delete static_cast<Posted*>(data); }

}  // namespace sdk

// The right to answer a pause, once, from any thread; a plain value. False: the stream is gone, or it was answered.
class Token {
 public:
  Token() = default;
  explicit Token(weir_token token) : token_(token) {}

  bool resume() const { return token_.worker != nullptr && api().token_resume(token_) == WEIR_OK; }
  bool reply(uint32_t status, std::string_view body = {}, const Fields& fields = {}) const {
    if (token_.worker == nullptr) return false;
    const std::vector<weir_field> list = sdk::fieldList(fields);
    const weir_reply reply{sizeof(weir_reply), status, static_cast<uint32_t>(list.size()), list.data(),
                           sdk::text(body)};
    return api().token_reply(token_, &reply) == WEIR_OK;
  }
  // Runs `fn` with the filter on its worker; it is destroyed unused when the stream is gone.
  template <typename Filter>
  bool post(std::function<void(Filter&, Stream&)> fn) const {
    if (token_.worker == nullptr) return false;
    auto* const posted = new sdk::Posted(
        [fn = std::move(fn)](void* self, Stream& stream) { fn(*static_cast<Filter*>(self), stream); });
    return api().token_post(token_, sdk::runPosted, sdk::dropPosted, posted) == WEIR_OK;
  }

 private:
  const weir_host_api& api() const { return *token_.worker->api; }
  weir_token token_{};
};

// A request of the filter's own; see Stream::call().
struct Call {
  std::string_view cluster;
  std::string_view method = "GET";
  std::string_view path = "/";
  std::string_view authority = {};
  Fields fields = {};
  std::string_view body = {};
  std::chrono::nanoseconds timeout = std::chrono::seconds(1);
};

// How it ended; valid in onCall().
struct CallResult {
  uint32_t id;
  uint32_t status;  // of the response; below 100: WEIR_CALL_FAILED, WEIR_CALL_TIMED_OUT, WEIR_CALL_TOO_LARGE
  Headers headers;
  Body body;
  bool ok() const { return status >= 200 && status < 300; }
};

// Numbers that ConfigReader gave.
struct Counter {
  uint32_t id = UINT32_MAX;
};
struct Gauge {
  uint32_t id = UINT32_MAX;
};
struct Histogram {
  uint32_t id = UINT32_MAX;
};

enum class LogLevel : uint32_t { Debug = WEIR_DEBUG, Info = WEIR_INFO, Warning = WEIR_WARNING, Error = WEIR_ERROR };

// One exchange, or one connection. A plain value: keep it, copy it. When what it names is gone, it does nothing.
class Stream {
 public:
  explicit Stream(weir_stream handle) : handle_(handle) {}
  weir_stream handle() const { return handle_; }

  Headers requestHeaders() const { return {handle_, WEIR_REQUEST_HEAD}; }
  Headers requestTrailers() const { return {handle_, WEIR_REQUEST_TRAILERS}; }
  Headers responseHeaders() const { return {handle_, WEIR_RESPONSE_HEAD}; }
  Headers responseTrailers() const { return {handle_, WEIR_RESPONSE_TRAILERS}; }
  Body requestBody() const { return {handle_, WEIR_REQUEST_BODY}; }
  Body responseBody() const { return {handle_, WEIR_RESPONSE_BODY}; }
  // Network filters: what was received, in onData(); what is about to be sent, in onWrite().
  Body data() const { return {handle_, WEIR_CONNECTION_DATA}; }
  Body output() const { return {handle_, WEIR_CONNECTION_OUTPUT}; }

  // WEIR_METHOD, WEIR_CLIENT_IP, ...; empty when it is not known.
  std::string_view attribute(uint32_t id) const {
    weir_text out{};
    return api().attribute_text(handle_, id, &out) == WEIR_OK ? sdk::view(out) : std::string_view();
  }
  // WEIR_STATUS, WEIR_CONNECTION_ID, ...; 0 when it is not known.
  uint64_t number(uint32_t id) const {
    uint64_t out = 0;
    api().attribute_number(handle_, id, &out);
    return out;
  }
  std::string_view method() const { return attribute(WEIR_METHOD); }
  std::string_view path() const { return attribute(WEIR_PATH); }
  std::string_view clientIp() const { return attribute(WEIR_CLIENT_IP); }
  uint32_t status() const { return static_cast<uint32_t>(number(WEIR_STATUS)); }
  std::chrono::nanoseconds now() const { return std::chrono::nanoseconds(number(WEIR_NOW)); }
  uint64_t random() const { return number(WEIR_RANDOM); }

  // The configuration of the chosen route, or null.
  template <typename RouteConfig>
  const RouteConfig* routeConfig() const {
    void* out = nullptr;
    return api().route_config(handle_, &out) == WEIR_OK ? static_cast<const RouteConfig*>(out) : nullptr;
  }

  // Answers the request; a hook returns it: return s.reply(403, "no");
  Verdict reply(uint32_t status, std::string_view body = {}, const Fields& fields = {}) const {
    const std::vector<weir_field> list = sdk::fieldList(fields);
    const weir_reply reply{sizeof(weir_reply), status, static_cast<uint32_t>(list.size()), list.data(),
                           sdk::text(body)};
    return api().reply(handle_, &reply) == WEIR_OK ? Verdict::Replied : Verdict::Failed;
  }
  // Ends a pause, from onTimer(), onCall() or what was posted.
  bool resume(Direction direction = Direction::Request) const {
    return api().resume(handle_, static_cast<uint32_t>(direction)) == WEIR_OK;
  }
  bool reroute() const { return api().reroute(handle_) == WEIR_OK; }
  // Network filters: to the client.
  bool write(std::string_view bytes) const { return api().write(handle_, sdk::text(bytes)) == WEIR_OK; }

  // For the Pause that the hook is about to return.
  Token defer(Direction direction = Direction::Request) const {
    weir_token token{};
    if (api().defer(handle_, static_cast<uint32_t>(direction), &token) != WEIR_OK) return Token();
    return Token(token);
  }
  bool startTimer(uint32_t id, std::chrono::nanoseconds after) const {
    return api().timer_set(handle_, id, sdk::nanoseconds(after)) == WEIR_OK;
  }
  bool stopTimer(uint32_t id) const { return api().timer_cancel(handle_, id) == WEIR_OK; }
  // The id that onCall() will get; none: there is no such cluster.
  std::optional<uint32_t> call(const Call& call) const {
    const std::vector<weir_field> list = sdk::fieldList(call.fields);
    const weir_call raw{sizeof(weir_call),         sdk::text(call.cluster), sdk::text(call.method),
                        sdk::text(call.authority), sdk::text(call.path),    list.data(),
                        list.size(),               sdk::text(call.body),    sdk::nanoseconds(call.timeout)};
    uint32_t id = 0;
    if (api().http_call(handle_, &raw, &id) != WEIR_OK) return std::nullopt;
    return id;
  }
  bool cancelCall(uint32_t id) const { return api().call_cancel(handle_, id) == WEIR_OK; }

  void add(Counter counter, uint64_t n = 1) const { api().counter_add(handle_, counter.id, n); }
  void add(Gauge gauge, int64_t n) const { api().gauge_add(handle_, gauge.id, n); }
  void record(Histogram histogram, uint64_t value) const { api().histogram_record(handle_, histogram.id, value); }
  void log(LogLevel level, std::string_view line) const {
    api().log(static_cast<uint32_t>(level), sdk::text(line));
  }

 private:
  const weir_host_api& api() const { return *handle_.worker->api; }
  weir_stream handle_;
};

// What a Config is made from. Paths are those of the configuration: "rules[0].name".
class ConfigReader {
 public:
  explicit ConfigReader(const weir_config& config) : config_(config) {}

  bool has(std::string_view path) const { return value(path).kind != WEIR_VALUE_NULL; }
  // Without a default it must be there: else the configuration is refused, with its line.
  std::string text(std::string_view path) const { return required(path, text(path, {})); }
  std::string text(std::string_view path, std::string_view otherwise) const {
    const weir_value found = value(path);
    if (found.kind == WEIR_VALUE_NULL) return std::string(otherwise);
    if (found.kind != WEIR_VALUE_TEXT) error(path, "expected a string");
    return std::string(sdk::view(found.text));
  }
  double number(std::string_view path) const { return required(path, number(path, 0)); }
  double number(std::string_view path, double otherwise) const {
    const weir_value found = value(path);
    if (found.kind == WEIR_VALUE_NULL) return otherwise;
    if (found.kind == WEIR_VALUE_NUMBER) return found.number;
    if (found.kind == WEIR_VALUE_TEXT) {  // 64-bit integers, and fractions in YAML
      const std::string digits(sdk::view(found.text));
      char* end = nullptr;
      const double read = std::strtod(digits.c_str(), &end);
      if (!digits.empty() && *end == '\0') return read;
    }
    error(path, "expected a number");
    return otherwise;
  }
  bool boolean(std::string_view path, bool otherwise = false) const {
    const weir_value found = value(path);
    if (found.kind == WEIR_VALUE_NULL) return otherwise;
    if (found.kind != WEIR_VALUE_BOOL) error(path, "expected true or false");
    return found.boolean != 0;
  }
  // Items of a list or entries of a map; 0 for anything else.
  size_t size(std::string_view path) const { return value(path).count; }
  std::string key(std::string_view path, size_t index) const {
    weir_text out{};
    if (config_.api->config_key(&config_, sdk::text(path), index, &out) != WEIR_OK) return {};
    return std::string(sdk::view(out));
  }
  // The configuration in protobuf's binary form.
  std::string_view message() const {
    weir_text out{};
    config_.api->config_message(&config_, &out);
    return sdk::view(out);
  }
  void error(std::string_view path, std::string_view message) const {
    config_.api->config_error(&config_, sdk::text(path), sdk::text(message));
  }

  Counter counter(std::string_view name) const { return {metric(config_.api->config_counter, name)}; }
  Gauge gauge(std::string_view name) const { return {metric(config_.api->config_gauge, name)}; }
  Histogram histogram(std::string_view name) const { return {metric(config_.api->config_histogram, name)}; }

 private:
  weir_value value(std::string_view path) const {
    weir_value out{sizeof(weir_value), WEIR_VALUE_NULL, 0, 0, {nullptr, 0}, 0};
    if (config_.api->config_get(&config_, sdk::text(path), &out) != WEIR_OK) out.kind = WEIR_VALUE_NULL;
    return out;
  }
  template <typename T>
  T required(std::string_view path, T found) const {
    if (!has(path)) error(path, "is missing");
    return found;
  }
  uint32_t metric(weir_result (*define)(const weir_config*, weir_text, uint32_t*), std::string_view name) const {
    uint32_t id = UINT32_MAX;
    if (define(&config_, sdk::text(name), &id) != WEIR_OK) {
      error("", "the metric \"" + std::string(name) + "\" is not allowed, or is of another kind");
    }
    return id;
  }

  const weir_config& config_;
};

// A configuration that is not looked at.
struct NoConfig {
  explicit NoConfig(const ConfigReader&) {}
};

// Describes the message of a configuration, so that weir checks it: unknown names, wrong kinds and missing values are
// errors with file, line and column. Instead of a .proto file, for what is flat:
//
//   struct Config {
//     static weir::Schema schema() { return weir::Schema("add_header.Config").text("name", weir::Required); }
//
// Fields are numbered in the order in which they are named. For a .proto file, Config has kDescriptorSet (what
// `protoc --descriptor_set_out --include_imports` writes) and kMessageType instead.
enum Presence { Optional, Required };
class Schema {
 public:
  explicit Schema(std::string type) : type_(std::move(type)) {}

  Schema&& text(std::string_view name, Presence presence = Optional) && {
    return std::move(*this).add(name, 9, 1, presence == Required ? "string { min_len: 1 }" : "");
  }
  Schema&& number(std::string_view name) && { return std::move(*this).add(name, 1, 1, ""); }
  Schema&& integer(std::string_view name) && { return std::move(*this).add(name, 13, 1, ""); }
  Schema&& boolean(std::string_view name) && { return std::move(*this).add(name, 8, 1, ""); }
  Schema&& texts(std::string_view name, Presence presence = Optional) && {
    return std::move(*this).add(name, 9, 3, presence == Required ? "repeated { min_items: 1 }" : "");
  }

  const std::string& type() const { return type_; }
  // A google.protobuf.FileDescriptorSet.
  std::string descriptorSet() const {
    const size_t dot = type_.rfind('.');
    std::string message = field(1, dot == std::string::npos ? type_ : type_.substr(dot + 1)) + fields_ + oneofs_;
    std::string file = field(1, type_ + ".proto");
    if (dot != std::string::npos) file += field(2, type_.substr(0, dot));
    if (ruled_) file += field(3, "weir/options.proto");
    file += field(4, message) + field(12, "proto3");
    return field(1, file);
  }

 private:
  static std::string varint(uint64_t value) {
    std::string out;
    for (; value >= 128; value >>= 7) out += static_cast<char>(value | 128);
    return out + static_cast<char>(value);
  }
  static std::string field(uint32_t number, std::string_view bytes) {
    return varint(uint64_t{number} << 3 | 2) + varint(bytes.size()) + std::string(bytes);
  }
  static std::string field(uint32_t number, uint64_t value) {
    return varint(uint64_t{number} << 3) + varint(value);
  }
  // `type` and `label` are numbers of google.protobuf.FieldDescriptorProto; `rule` is that of weir/options.proto.
  Schema&& add(std::string_view name, uint64_t type, uint64_t label, std::string_view rule) && {
    std::string one = field(1, name) + field(3, ++count_) + field(4, label) + field(5, type);
    if (label == 1) {  // an optional field, which tells false and "" from nothing, stands in a oneof of its own
      one += field(9, presences_++) + field(17, 1);
      oneofs_ += field(8, field(1, "_" + std::string(name)));
    }
    if (!rule.empty()) one += field(8, field(71100, rule));
    ruled_ = ruled_ || !rule.empty();
    fields_ += field(2, one);
    return std::move(*this);
  }

  std::string type_;
  std::string fields_;
  std::string oneofs_;
  uint64_t count_ = 0;
  uint64_t presences_ = 0;
  bool ruled_ = false;
};

namespace sdk {

inline void logFailure(const weir_host_api& api, const char* hook, const char* what) {
  api.log(WEIR_ERROR, text(std::string("plugin: ") + hook + ": " + what));
}

// Calls `fn`; what it throws becomes `failed`.
template <typename Fn, typename T>
T guard(const weir_host_api& api, const char* hook, T failed, Fn&& fn) noexcept {
  try {
    return fn();
  } catch (const std::exception& error) {
    logFailure(api, hook, error.what());
  } catch (...) {
    logFailure(api, hook, "something was thrown that is no std::exception");
  }
  return failed;
}

inline weir_verdict runPosted(void* self, weir_stream handle, void* data) {
  const std::unique_ptr<Posted> posted(static_cast<Posted*>(data));
  return guard(*handle.worker->api, "posted", weir_verdict{WEIR_FAILED}, [&] {
    Stream stream(handle);
    (*posted)(self, stream);
    return weir_verdict{WEIR_CONTINUE};
  });
}

// Remembers that a configuration was refused while it was read.
template <typename Config>
void* makeConfig(const weir_config* config) noexcept {
  return guard(*config->api, "configuration", static_cast<void*>(nullptr), [config]() -> void* {
    const ConfigReader reader(*config);
    try {
      return new Config(reader);
    } catch (const std::exception& error) {
      reader.error("", error.what());
      return nullptr;
    }
  });
}

template <typename Config>
void freeConfig(void* config) {
  delete static_cast<Config*>(config);
}

template <typename Filter, typename = void>
struct RouteConfigOf {
  static constexpr decltype(weir_http_filter::route_config_new) make = nullptr;
  static constexpr decltype(weir_http_filter::route_config_free) free = nullptr;
};
template <typename Filter>
struct RouteConfigOf<Filter, std::void_t<typename Filter::RouteConfig>> {
  static void* make(const weir_config* config, void*) noexcept {
    return makeConfig<typename Filter::RouteConfig>(config);
  }
  static void free(void* config) { freeConfig<typename Filter::RouteConfig>(config); }
};

template <typename Filter, typename Config>
weir_verdict makeFilter(void* memory, const void* config, weir_stream handle) noexcept {
  return guard(*handle.worker->api, "constructor", weir_verdict{WEIR_FAILED}, [&] {
    const Config& configured = *static_cast<const Config*>(config);
    if constexpr (std::is_constructible_v<Filter, const Config&, Stream>) {
      new (memory) Filter(configured, Stream(handle));
    } else if constexpr (std::is_constructible_v<Filter, const Config&>) {
      new (memory) Filter(configured);
    } else {
      new (memory) Filter();
    }
    return weir_verdict{WEIR_CONTINUE};
  });
}

template <typename Filter>
void freeFilter(void* self) {
  static_cast<Filter*>(self)->~Filter();
}

// Calls one hook, whether it returns a Verdict or nothing.
template <typename Fn>
weir_verdict call(const char* name, weir_stream handle, Fn&& fn) noexcept {
  return guard(*handle.worker->api, name, weir_verdict{WEIR_FAILED}, [&] {
    Stream stream(handle);
    if constexpr (std::is_void_v<decltype(fn(stream))>) {
      fn(stream);
      return weir_verdict{WEIR_CONTINUE};
    } else {
      return static_cast<weir_verdict>(fn(stream));
    }
  });
}

// The table's entry for a hook: null where the class has none.
#define WEIR_SDK_HOOK(function, method, ...)                                                      \
  template <typename Filter>                                                                      \
  constexpr auto function() {                                                                     \
    using Hook = weir_verdict (*)(void*, weir_stream);                                            \
    if constexpr (requires(Filter & f, Stream & s) { f.method(s); }) {                            \
      return Hook([](void* self, weir_stream handle) noexcept -> weir_verdict {                   \
        return call(#method, handle, [&](Stream& s) { return static_cast<Filter*>(self)->method(s); }); \
      });                                                                                         \
    } else {                                                                                      \
      return Hook(nullptr);                                                                       \
    }                                                                                             \
  }
WEIR_SDK_HOOK(requestHead, onRequestHead)
WEIR_SDK_HOOK(requestData, onRequestData)
WEIR_SDK_HOOK(requestEnd, onRequestEnd)
WEIR_SDK_HOOK(requestWhole, onRequestWhole)
WEIR_SDK_HOOK(responseHead, onResponseHead)
WEIR_SDK_HOOK(responseData, onResponseData)
WEIR_SDK_HOOK(responseEnd, onResponseEnd)
WEIR_SDK_HOOK(responseWhole, onResponseWhole)
WEIR_SDK_HOOK(complete, onComplete)
WEIR_SDK_HOOK(opened, onOpen)
WEIR_SDK_HOOK(output, onWrite)
WEIR_SDK_HOOK(closed, onClose)
#undef WEIR_SDK_HOOK

template <typename Filter>
constexpr auto timer() {
  using Hook = weir_verdict (*)(void*, weir_stream, uint32_t);
  if constexpr (requires(Filter & f, Stream & s) { f.onTimer(s, 1u); }) {
    return Hook([](void* self, weir_stream handle, uint32_t id) noexcept -> weir_verdict {
      return call("onTimer", handle, [&](Stream& s) { return static_cast<Filter*>(self)->onTimer(s, id); });
    });
  } else {
    return Hook(nullptr);
  }
}

template <typename Filter>
constexpr auto callDone() {
  using Hook = weir_verdict (*)(void*, weir_stream, uint32_t, uint32_t);
  if constexpr (requires(Filter & f, Stream & s, const CallResult& r) { f.onCall(s, r); }) {
    return Hook([](void* self, weir_stream handle, uint32_t id, uint32_t outcome) noexcept -> weir_verdict {
      return call("onCall", handle, [&](Stream& s) {
        const CallResult result{id, outcome, Headers(handle, WEIR_CALL_HEAD), Body(handle, WEIR_CALL_BODY)};
        return static_cast<Filter*>(self)->onCall(s, result);
      });
    });
  } else {
    return Hook(nullptr);
  }
}

template <typename Filter>
constexpr auto data() {
  using Hook = weir_verdict (*)(void*, weir_stream, int32_t);
  if constexpr (requires(Filter & f, Stream & s) { f.onData(s, true); }) {
    return Hook([](void* self, weir_stream handle, int32_t end) noexcept -> weir_verdict {
      return call("onData", handle, [&](Stream& s) { return static_cast<Filter*>(self)->onData(s, end != 0); });
    });
  } else {
    return Hook(nullptr);
  }
}

// WEIR_EDITS_REQUEST_BODY where the class says `static constexpr bool kEditsRequestBody = true;`, and so on.
template <typename Filter>
constexpr uint32_t flags() {
  uint32_t bits = 0;
  if constexpr (requires { Filter::kEditsRequestBody; }) bits |= Filter::kEditsRequestBody ? WEIR_EDITS_REQUEST_BODY : 0;
  if constexpr (requires { Filter::kEditsResponseBody; }) {
    bits |= Filter::kEditsResponseBody ? WEIR_EDITS_RESPONSE_BODY : 0;
  }
  return bits;
}

template <typename Filter, typename Config>
constexpr weir_http_filter httpFilter() {
  return {sizeof(weir_http_filter),
          flags<Filter>(),
          alignof(Filter),
          sizeof(Filter),
          makeConfig<Config>,
          freeConfig<Config>,
          RouteConfigOf<Filter>::make,
          RouteConfigOf<Filter>::free,
          makeFilter<Filter, Config>,
          freeFilter<Filter>,
          requestHead<Filter>(),
          requestData<Filter>(),
          requestEnd<Filter>(),
          requestWhole<Filter>(),
          responseHead<Filter>(),
          responseData<Filter>(),
          responseEnd<Filter>(),
          responseWhole<Filter>(),
          complete<Filter>(),
          timer<Filter>(),
          callDone<Filter>()};
}

template <typename Filter, typename Config>
constexpr weir_network_filter networkFilter() {
  return {sizeof(weir_network_filter), 0,
          alignof(Filter),             sizeof(Filter),
          makeConfig<Config>,          freeConfig<Config>,
          makeFilter<Filter, Config>,  freeFilter<Filter>,
          opened<Filter>(),            data<Filter>(),
          closed<Filter>(),            timer<Filter>(),
          output<Filter>(),            callDone<Filter>()};
}

// What a configuration type says about its message: schema(), or kDescriptorSet and kMessageType, or nothing.
template <typename Config>
std::string descriptorSet() {
  if constexpr (requires { Config::schema(); }) {
    return Config::schema().descriptorSet();
  } else if constexpr (requires { Config::kDescriptorSet; }) {
    return std::string(Config::kDescriptorSet);
  } else {
    return {};
  }
}
template <typename Config>
std::string messageType() {
  if constexpr (requires { Config::schema(); }) {
    return Config::schema().type();
  } else if constexpr (requires { Config::kMessageType; }) {
    return std::string(Config::kMessageType);
  } else {
    return {};
  }
}

struct NoRouteConfig {};
template <typename Filter, typename = void>
struct RouteTypeOf {
  using Type = NoRouteConfig;
};
template <typename Filter>
struct RouteTypeOf<Filter, std::void_t<typename Filter::RouteConfig>> {
  using Type = typename Filter::RouteConfig;
};

}  // namespace sdk
}  // namespace weir

// The name of the entry symbol.
#ifdef WEIR_BUILT_IN
#define WEIR_SDK_JOIN2(a, b) a##b
#define WEIR_SDK_JOIN(a, b) WEIR_SDK_JOIN2(a, b)
#define WEIR_SDK_ENTRY WEIR_SDK_JOIN(weir_plugin_entry_, WEIR_BUILT_IN)
#else
#define WEIR_SDK_ENTRY weir_plugin_entry
#endif

// The tables have internal linkage: two versions of one plugin in one process never see each other's.
#define WEIR_SDK_PLUGIN(Filter, Config, plugin_name, plugin_version, http_table, network_table)                      \
  namespace {                                                                                                        \
  const weir_plugin& weirSdkPlugin() {                                                                               \
    using Route = ::weir::sdk::RouteTypeOf<Filter>::Type;                                                            \
    static const std::string set = ::weir::sdk::descriptorSet<Config>() + ::weir::sdk::descriptorSet<Route>();       \
    static const std::string type = ::weir::sdk::messageType<Config>();                                              \
    static const std::string route_type = ::weir::sdk::messageType<Route>();                                         \
    static const weir_plugin plugin = {sizeof(weir_plugin),                                                          \
                                       WEIR_ABI_MAJOR,                                                               \
                                       WEIR_ABI_MINOR,                                                               \
                                       ::weir::sdk::text(plugin_name),                                               \
                                       ::weir::sdk::text(plugin_version),                                            \
                                       ::weir::sdk::text(set),                                                       \
                                       ::weir::sdk::text(type),                                                      \
                                       ::weir::sdk::text(route_type),                                                \
                                       http_table,                                                                   \
                                       network_table,                                                                \
                                       nullptr};                                                                     \
    return plugin;                                                                                                   \
  }                                                                                                                  \
  }                                                                                                                  \
  extern "C" __attribute__((visibility("default"))) const weir_plugin* WEIR_SDK_ENTRY(const weir_host_api* host);    \
  extern "C" const weir_plugin* WEIR_SDK_ENTRY(const weir_host_api* host) {                                          \
    if (host == nullptr || host->major != WEIR_ABI_MAJOR) return nullptr;                                            \
    return ::weir::sdk::guard(*host, "entry", static_cast<const weir_plugin*>(nullptr),                              \
                              [] { return &weirSdkPlugin(); });                                                      \
  }

#define WEIR_HTTP_FILTER(Filter, Config, plugin_name, plugin_version)                                 \
  static constexpr weir_http_filter kWeirSdkHttp = ::weir::sdk::httpFilter<Filter, Config>();         \
  WEIR_SDK_PLUGIN(Filter, Config, plugin_name, plugin_version, &kWeirSdkHttp, nullptr)

#define WEIR_NETWORK_FILTER(Filter, Config, plugin_name, plugin_version)                                    \
  static constexpr weir_network_filter kWeirSdkNetwork = ::weir::sdk::networkFilter<Filter, Config>();      \
  WEIR_SDK_PLUGIN(Filter, Config, plugin_name, plugin_version, nullptr, &kWeirSdkNetwork)
