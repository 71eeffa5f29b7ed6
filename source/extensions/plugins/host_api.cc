#include "source/extensions/plugins/host_api.h"

#include <span>
#include <utility>

#include "source/extensions/plugins/abi.h"
#include "source/extensions/plugins/plugin_stream.h"
#include "source/extensions/plugins/worker_state.h"

namespace weir::extensions::plugins {
namespace {

WorkerState& stateOf(weir_worker& worker) { return static_cast<WorkerState&>(worker); }

PluginStream* find(weir_stream stream) {
  return stream.worker == nullptr ? nullptr : stateOf(*stream.worker).find(stream);
}

bool isText(weir_text text) { return text.data != nullptr || text.size == 0; }

// --- reading

weir_result attributeText(weir_stream stream, uint32_t attribute, weir_text* out) {
  PluginStream* const s = find(stream);
  if (s == nullptr) return WEIR_STALE;
  if (out == nullptr || attribute > WEIR_CLIENT_IP) return s->misuse();
  const auto value = s->attributeText(attribute);
  if (!value) return WEIR_NOT_FOUND;
  *out = text(*value);
  return WEIR_OK;
}

weir_result attributeNumber(weir_stream stream, uint32_t attribute, uint64_t* out) {
  PluginStream* const s = find(stream);
  if (s == nullptr) return WEIR_STALE;
  if (out == nullptr || attribute > WEIR_UPSTREAM_ATTEMPTS) return s->misuse();
  const auto value = s->attributeNumber(attribute);
  if (!value) return WEIR_NOT_FOUND;
  *out = *value;
  return WEIR_OK;
}

weir_result routeConfig(weir_stream stream, void** out) {
  PluginStream* const s = find(stream);
  if (s == nullptr) return WEIR_STALE;
  if (out == nullptr) return s->misuse();
  return s->routeConfig(*out);
}

// --- fields

// Calls fn(PluginStream&, FieldSet&) where the set is there.
template <typename Fn>
weir_result withFields(weir_stream stream, weir_fields which, bool valid, Fn&& fn) {
  PluginStream* const s = find(stream);
  if (s == nullptr) return WEIR_STALE;
  if (which > WEIR_CALL_HEAD || !valid) return s->misuse();
  FieldSet set = s->fields(which);
  if (!set.there()) return WEIR_TOO_LATE;
  const weir_result result = fn(set);
  return result == WEIR_INVALID ? s->misuse() : result;
}

weir_result fieldCount(weir_stream stream, weir_fields which, size_t* out) {
  return withFields(stream, which, out != nullptr, [&](FieldSet& set) {
    *out = set.count();
    return WEIR_OK;
  });
}

weir_result fieldList(weir_stream stream, weir_fields which, weir_field* out, size_t capacity, size_t* filled) {
  return withFields(stream, which, filled != nullptr && (out != nullptr || capacity == 0), [&](FieldSet& set) {
    *filled = 0;
    if (set.count() > capacity) return WEIR_TOO_SMALL;
    set.list(out);
    *filled = set.count();
    return WEIR_OK;
  });
}

weir_result fieldGet(weir_stream stream, weir_fields which, weir_text name, weir_text* out) {
  return withFields(stream, which, out != nullptr && isText(name), [&](FieldSet& set) {
    const auto value = set.get(view(name));
    if (!value) return WEIR_NOT_FOUND;
    *out = text(*value);
    return WEIR_OK;
  });
}

weir_result setField(weir_stream stream, weir_fields which, weir_text name, weir_text value) {
  return withFields(stream, which, isText(name) && isText(value),
                    [&](FieldSet& set) { return set.set(view(name), view(value)); });
}

weir_result fieldAppend(weir_stream stream, weir_fields which, weir_text name, weir_text value) {
  return withFields(stream, which, isText(name) && isText(value),
                    [&](FieldSet& set) { return set.append(view(name), view(value)); });
}

weir_result fieldRemove(weir_stream stream, weir_fields which, weir_text name) {
  return withFields(stream, which, isText(name), [&](FieldSet& set) { return set.remove(view(name)); });
}

// --- bodies

enum class Access { kRead, kEdit };

// Calls fn(PluginStream&, Buffer&) where there is one.
template <typename Fn>
weir_result withBody(weir_stream stream, weir_body which, Access access, bool valid, Fn&& fn) {
  PluginStream* const s = find(stream);
  if (s == nullptr) return WEIR_STALE;
  if (which > WEIR_CONNECTION_OUTPUT || !valid) return s->misuse();
  if (access == Access::kEdit && which == WEIR_CALL_BODY) return s->misuse();
  buffer::Buffer* const body = s->body(which, access == Access::kEdit);
  if (body == nullptr) return WEIR_TOO_LATE;
  return fn(*s, *body);
}

weir_result bodySize(weir_stream stream, weir_body which, size_t* out) {
  return withBody(stream, which, Access::kRead, out != nullptr, [&](PluginStream&, buffer::Buffer& body) {
    *out = body.size();
    return WEIR_OK;
  });
}

size_t pieces(const buffer::Buffer& body) {
  size_t count = 0;
  body.forEachPiece([&count](std::string_view) {
    ++count;
    return true;
  });
  return count;
}

weir_result bodySliceCount(weir_stream stream, weir_body which, size_t* out) {
  return withBody(stream, which, Access::kRead, out != nullptr, [&](PluginStream&, buffer::Buffer& body) {
    *out = pieces(body);
    return WEIR_OK;
  });
}

weir_result bodySlices(weir_stream stream, weir_body which, weir_text* out, size_t capacity, size_t* filled) {
  const bool valid = filled != nullptr && (out != nullptr || capacity == 0);
  return withBody(stream, which, Access::kRead, valid, [&](PluginStream& s, buffer::Buffer& body) {
    *filled = 0;
    if (pieces(body) > capacity) return WEIR_TOO_SMALL;
    s.noteViews();
    body.forEachPiece([&](std::string_view piece) {
      out[(*filled)++] = text(piece);
      return true;
    });
    return WEIR_OK;
  });
}

weir_result bodyCopy(weir_stream stream, weir_body which, size_t offset, char* out, size_t size) {
  return withBody(stream, which, Access::kRead, out != nullptr || size == 0,
                  [&](PluginStream& s, buffer::Buffer& body) {
                    if (offset > body.size() || size > body.size() - offset) return s.misuse();
                    body.copyOut(offset, std::span<char>(out, size));
                    return WEIR_OK;
                  });
}

weir_result bodyDrain(weir_stream stream, weir_body which, size_t bytes) {
  return withBody(stream, which, Access::kEdit, true, [&](PluginStream& s, buffer::Buffer& body) {
    if (bytes > body.size()) return s.misuse();
    s.drain(body, bytes);
    return WEIR_OK;
  });
}

weir_result bodyAppend(weir_stream stream, weir_body which, weir_text bytes) {
  return withBody(stream, which, Access::kEdit, isText(bytes), [&](PluginStream&, buffer::Buffer& body) {
    body.append(view(bytes));
    return WEIR_OK;
  });
}

weir_result bodyReplace(weir_stream stream, weir_body which, weir_text bytes) {
  return withBody(stream, which, Access::kEdit, isText(bytes), [&](PluginStream& s, buffer::Buffer& body) {
    // What is put in its place may be a part of it.
    const size_t before = body.size();
    s.noteViews();
    buffer::Buffer fresh(body.pool());
    fresh.append(view(bytes));
    s.drain(body, before);
    body = std::move(fresh);
    return WEIR_OK;
  });
}

// --- answers

weir_result reply(weir_stream stream, const weir_reply* given) {
  PluginStream* const s = find(stream);
  if (s == nullptr) return WEIR_STALE;
  auto owned = OwnedReply::copy(given);
  if (owned == nullptr) return s->misuse();
  return s->reply(std::move(owned));
}

weir_result resume(weir_stream stream, uint32_t direction) {
  PluginStream* const s = find(stream);
  if (s == nullptr) return WEIR_STALE;
  return direction > WEIR_RESPONSE ? s->misuse() : s->resume(direction);
}

weir_result reroute(weir_stream stream) {
  PluginStream* const s = find(stream);
  return s == nullptr ? WEIR_STALE : s->reroute();
}

weir_result write(weir_stream stream, weir_text bytes) {
  PluginStream* const s = find(stream);
  if (s == nullptr) return WEIR_STALE;
  return isText(bytes) ? s->write(view(bytes)) : s->misuse();
}

// --- later

weir_result defer(weir_stream stream, uint32_t direction, weir_token* out) {
  PluginStream* const s = find(stream);
  if (s == nullptr) return WEIR_STALE;
  if (direction > WEIR_RESPONSE || out == nullptr) return s->misuse();
  const auto serial = s->pauseSerial(direction);
  if (!serial) return s->misuse();
  *out = stateOf(*stream.worker).makeToken(*s, direction, *serial);
  return WEIR_OK;
}

weir_result timerSet(weir_stream stream, uint32_t id, uint64_t after_ns) {
  PluginStream* const s = find(stream);
  return s == nullptr ? WEIR_STALE : s->setTimer(id, after_ns);
}

weir_result timerCancel(weir_stream stream, uint32_t id) {
  PluginStream* const s = find(stream);
  return s == nullptr ? WEIR_STALE : s->cancelTimer(id);
}

weir_result httpCall(weir_stream stream, const weir_call* call, uint32_t* id) {
  PluginStream* const s = find(stream);
  if (s == nullptr) return WEIR_STALE;
  if (call == nullptr || id == nullptr) return s->misuse();
  return s->httpCall(resized(*call), *id);
}

weir_result callCancel(weir_stream stream, uint32_t id) {
  PluginStream* const s = find(stream);
  return s == nullptr ? WEIR_STALE : s->cancelCall(id);
}

weir_result tokenResume(weir_token token) {
  return token.worker == nullptr ? WEIR_STALE : stateOf(*token.worker).answer(token, nullptr);
}

weir_result tokenReply(weir_token token, const weir_reply* given) {
  if (token.worker == nullptr) return WEIR_STALE;
  auto owned = OwnedReply::copy(given);
  return owned == nullptr ? WEIR_INVALID : stateOf(*token.worker).answer(token, std::move(owned));
}

weir_result tokenPost(weir_token token, weir_verdict (*run)(void*, weir_stream, void*), void (*drop)(void*),
                      void* data) {
  if (token.worker == nullptr || run == nullptr) {
    if (drop != nullptr) drop(data);
    return run == nullptr ? WEIR_INVALID : WEIR_STALE;
  }
  return stateOf(*token.worker).post(token, run, drop, data);
}

weir_result tokenDrop(weir_token token) {
  return token.worker == nullptr ? WEIR_STALE : stateOf(*token.worker).drop(token);
}

// --- counting

// Calls fn(shard, index) for a number that the plugin was given for a metric of that kind.
template <typename Fn>
weir_result withMetric(weir_stream stream, uint32_t id, Metric::Kind kind, Fn&& fn) {
  PluginStream* const s = find(stream);
  if (s == nullptr) return WEIR_STALE;
  const std::vector<Metric>& metrics = s->generation().metrics;
  if (id >= metrics.size() || metrics[id].kind != kind) return s->misuse();
  fn(s->worker().stats, metrics[id].index);
  return WEIR_OK;
}

weir_result counterAdd(weir_stream stream, uint32_t id, uint64_t n) {
  return withMetric(stream, id, Metric::Kind::kCounter,
                    [n](stats::Shard& shard, uint32_t index) { shard.add(stats::CounterId{index}, n); });
}

weir_result gaugeAdd(weir_stream stream, uint32_t id, int64_t n) {
  return withMetric(stream, id, Metric::Kind::kGauge,
                    [n](stats::Shard& shard, uint32_t index) { shard.gaugeAdd(stats::GaugeId{index}, n); });
}

weir_result histogramRecord(weir_stream stream, uint32_t id, uint64_t value) {
  return withMetric(stream, id, Metric::Kind::kHistogram,
                    [value](stats::Shard& shard, uint32_t index) { shard.record(stats::HistogramId{index}, value); });
}

constexpr weir_host_api kHost = {sizeof(weir_host_api),
                                 WEIR_ABI_MAJOR,
                                 WEIR_ABI_MINOR,
                                 hostLog,
                                 configGet,
                                 configKey,
                                 configMessage,
                                 configError,
                                 configCounter,
                                 configGauge,
                                 configHistogram,
                                 attributeText,
                                 attributeNumber,
                                 routeConfig,
                                 fieldCount,
                                 fieldList,
                                 fieldGet,
                                 setField,
                                 fieldAppend,
                                 fieldRemove,
                                 bodySize,
                                 bodySliceCount,
                                 bodySlices,
                                 bodyCopy,
                                 bodyDrain,
                                 bodyAppend,
                                 bodyReplace,
                                 reply,
                                 resume,
                                 reroute,
                                 write,
                                 defer,
                                 timerSet,
                                 timerCancel,
                                 httpCall,
                                 callCancel,
                                 tokenResume,
                                 tokenReply,
                                 tokenPost,
                                 tokenDrop,
                                 counterAdd,
                                 gaugeAdd,
                                 histogramRecord};

}  // namespace

const weir_host_api& hostApi() { return kHost; }

}  // namespace weir::extensions::plugins
