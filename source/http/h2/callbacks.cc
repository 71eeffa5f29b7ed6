// The library's own checks of messages are off: it would drop some bad fields in silence and take others for errors of
// the connection. weir checks all of it by itself, in HeaderReceiver and H2Stream, with one stream at stake. What the
// library still checks is the framing and the state of streams.
#include "source/http/h2/callbacks.h"

#include <nghttp2/nghttp2.h>

#include <array>
#include <cstring>
#include <memory>

#include "source/http/h2/h2_stream.h"

namespace weir::http::h2 {
namespace {

Wire& wireOf(void* user) { return *static_cast<Wire*>(user); }

H2Stream* find(nghttp2_session* session, int32_t id) {
  return static_cast<H2Stream*>(nghttp2_session_get_stream_user_data(session, id));
}

// A header section is refused: the stream is reset and the rest of the section is not looked at.
int refuse(nghttp2_session* session, Wire& wire, int32_t id, Reason reason) {
  wire.receiver.end();
  if (H2Stream* const stream = find(session, id)) {
    stream->fault(wire.server() ? reason : responseReason(reason));
  } else {
    nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, id, NGHTTP2_PROTOCOL_ERROR);
    if (wire.server()) wire.owner.onRefused(reason);
  }
  return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

int onBeginHeaders(nghttp2_session* session, const nghttp2_frame* frame, void* user) {
  Wire& wire = wireOf(user);
  const int32_t id = frame->hd.stream_id;
  const H2Stream* const stream = find(session, id);
  if (wire.server() && frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
    wire.receiver.begin(Section::kRequest);
    // Streams take turns; without this one would be served to its end before the next.
    const nghttp2_extpri fair{NGHTTP2_EXTPRI_DEFAULT_URGENCY, 1};
    nghttp2_session_change_extpri_stream_priority(session, id, &fair, 1);
    return 0;
  }
  wire.receiver.begin(!wire.server() && stream != nullptr && stream->awaitsHead() ? Section::kResponse
                                                                                  : Section::kTrailers);
  return 0;
}

int onHeader(nghttp2_session* session, const nghttp2_frame* frame, nghttp2_rcbuf* name, nghttp2_rcbuf* value, uint8_t,
             void* user) {
  Wire& wire = wireOf(user);
  const nghttp2_vec n = nghttp2_rcbuf_get_buf(name);
  const nghttp2_vec v = nghttp2_rcbuf_get_buf(value);
  const Reason reason = wire.receiver.add(std::string_view(reinterpret_cast<const char*>(n.base), n.len),
                                          std::string_view(reinterpret_cast<const char*>(v.base), v.len));
  return reason == Reason::kNone ? 0 : refuse(session, wire, frame->hd.stream_id, reason);
}

void beginRequest(nghttp2_session* session, Wire& wire, int32_t id, bool ends) {
  H2Stream& stream = H2Stream::make(wire, id);
  nghttp2_session_set_stream_user_data(session, id, &stream);
  wire.owner.onStream(StreamPtr(&stream));
  // It may have been dropped at once.
  if (H2Stream* const kept = find(session, id)) kept->onHead(ends);
}

void onHeaderSection(nghttp2_session* session, Wire& wire, const nghttp2_frame& frame) {
  const int32_t id = frame.hd.stream_id;
  const bool ends = (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
  H2Stream* const stream = find(session, id);
  const bool request = wire.receiver.section() == Section::kRequest;
  const Reason reason = wire.receiver.finish(ends);
  if (reason != Reason::kNone) {
    refuse(session, wire, id, reason);
  } else if (request) {
    beginRequest(session, wire, id, ends);
  } else if (stream != nullptr) {
    wire.receiver.section() == Section::kTrailers ? stream->onTrailers() : stream->onHead(ends);
  }
  wire.receiver.end();
}

void onPing(Wire& wire, const nghttp2_frame& frame) {
  if ((frame.hd.flags & NGHTTP2_FLAG_ACK) == 0) return;
  const auto is = [&frame](std::string_view payload) {
    return std::memcmp(frame.ping.opaque_data, payload.data(), payload.size()) == 0;
  };
  if (is(kKeepalivePing)) wire.pinging = false;
  if (is(kDrainPing) && wire.drain == Wire::Drain::kAnnounced) wire.drain_acknowledged = true;
}

int onFrameReceived(nghttp2_session* session, const nghttp2_frame* frame, void* user) {
  Wire& wire = wireOf(user);
  switch (frame->hd.type) {
    case NGHTTP2_HEADERS:
      onHeaderSection(session, wire, *frame);
      break;
    case NGHTTP2_DATA:
      if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0) break;
      if (H2Stream* const stream = find(session, frame->hd.stream_id)) stream->onEnd();
      break;
    case NGHTTP2_SETTINGS:
      if ((frame->hd.flags & NGHTTP2_FLAG_ACK) == 0) wire.settings_seen = true;
      break;
    case NGHTTP2_PING:
      onPing(wire, *frame);
      break;
    case NGHTTP2_GOAWAY:
      wire.goaway_seen = true;
      break;
    default:
      break;
  }
  return 0;
}

// The bytes stay where they are until the library has returned: then the codec moves them.
int onData(nghttp2_session* session, uint8_t, int32_t id, const uint8_t* data, size_t size, void* user) {
  Wire& wire = wireOf(user);
  wire.found = {find(session, id), reinterpret_cast<const char*>(data), size};
  if (wire.found.stream == nullptr) nghttp2_session_consume(session, id, size);
  return NGHTTP2_ERR_PAUSE;
}

int onStreamClosed(nghttp2_session* session, int32_t id, uint32_t code, void*) {
  if (H2Stream* const stream = find(session, id)) stream->onClosed(code);
  return 0;
}

// An error of the connection ends it; one of a stream makes the library reset that.
int onInvalidFrame(nghttp2_session*, const nghttp2_frame* frame, int error, void* user) {
  const bool of_stream =
      frame->hd.stream_id != 0 &&
      (error == NGHTTP2_ERR_HTTP_HEADER || error == NGHTTP2_ERR_HTTP_MESSAGING || error == NGHTTP2_ERR_REFUSED_STREAM ||
       error == NGHTTP2_ERR_FLOW_CONTROL || error == NGHTTP2_ERR_STREAM_CLOSED || error == NGHTTP2_ERR_PROTO);
  if (!of_stream) wireOf(user).noteFault(Reason::kH2Protocol);
  return 0;
}

// --- writing

int sendData(nghttp2_session* session, nghttp2_frame* frame, const uint8_t* header, size_t size, nghttp2_data_source*,
             void* user) {
  constexpr size_t kFrameHeader = 9;
  H2Stream* const stream = find(session, frame->hd.stream_id);
  if (stream == nullptr) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  buffer::Buffer& out = wireOf(user).io.out;
  out.append(std::string_view(reinterpret_cast<const char*>(header), kFrameHeader));
  stream->moveData(size, out);
  return 0;
}

// Resets that weir sends by its own will say CANCEL, INTERNAL_ERROR or NO_ERROR.
bool provoked(uint32_t code) {
  return code != NGHTTP2_NO_ERROR && code != NGHTTP2_CANCEL && code != NGHTTP2_INTERNAL_ERROR;
}

int onFrameSent(nghttp2_session* session, const nghttp2_frame* frame, void* user) {
  Wire& wire = wireOf(user);
  switch (frame->hd.type) {
    case NGHTTP2_HEADERS:
      wire.budgets.onContentSent();
      if (H2Stream* const stream = find(session, frame->hd.stream_id)) stream->onHeadSent();
      break;
    case NGHTTP2_RST_STREAM:
      if (provoked(frame->rst_stream.error_code)) wire.noteFault(wire.budgets.onProvokedReset());
      return 0;
    case NGHTTP2_GOAWAY:
      if (frame->goaway.error_code != NGHTTP2_NO_ERROR) wire.noteFault(Reason::kH2Protocol);
      // Behind it and not before, so that the answer says that the client has seen it.
      if (wire.drain == Wire::Drain::kAnnounced) {
        nghttp2_submit_ping(session, NGHTTP2_FLAG_NONE, reinterpret_cast<const uint8_t*>(kDrainPing.data()));
      }
      return 0;
    case NGHTTP2_DATA:
      break;
    default:
      return 0;
  }
  if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0) return 0;
  if (H2Stream* const stream = find(session, frame->hd.stream_id)) stream->onEndSent();
  return 0;
}

int onFrameNotSent(nghttp2_session*, const nghttp2_frame* frame, int, void* user) {
  if (frame->hd.type != NGHTTP2_HEADERS) return 0;
  // The library may not know the stream yet.
  for (H2Stream* stream = wireOf(user).first; stream != nullptr; stream = stream->next()) {
    if (stream->id() != frame->hd.stream_id) continue;
    stream->onNotSent();
    break;
  }
  return 0;
}

struct Deleter {
  void operator()(nghttp2_option* option) const { nghttp2_option_del(option); }
  void operator()(nghttp2_session_callbacks* callbacks) const { nghttp2_session_callbacks_del(callbacks); }
};

std::unique_ptr<nghttp2_session_callbacks, Deleter> makeCallbacks() {
  nghttp2_session_callbacks* c = nullptr;
  if (nghttp2_session_callbacks_new(&c) != 0) return nullptr;
  nghttp2_session_callbacks_set_on_begin_headers_callback(c, onBeginHeaders);
  nghttp2_session_callbacks_set_on_header_callback2(c, onHeader);
  nghttp2_session_callbacks_set_on_frame_recv_callback(c, onFrameReceived);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(c, onData);
  nghttp2_session_callbacks_set_on_stream_close_callback(c, onStreamClosed);
  nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(c, onInvalidFrame);
  nghttp2_session_callbacks_set_send_data_callback(c, sendData);
  nghttp2_session_callbacks_set_on_frame_send_callback(c, onFrameSent);
  nghttp2_session_callbacks_set_on_frame_not_send_callback(c, onFrameNotSent);
  return std::unique_ptr<nghttp2_session_callbacks, Deleter>(c);
}

std::unique_ptr<nghttp2_option, Deleter> makeOptions(const H2Options& options) {
  nghttp2_option* o = nullptr;
  if (nghttp2_option_new(&o) != 0) return nullptr;
  nghttp2_option_set_no_auto_window_update(o, 1);
  nghttp2_option_set_no_http_messaging(o, 1);
  nghttp2_option_set_no_closed_streams(o, 1);
  // The library counts one frame again for each piece in which its header comes, which has nine bytes. The exact count
  // is that of Budgets.
  nghttp2_option_set_max_continuations(o, 10 * (options.budgets.continuations + 1));
  nghttp2_option_set_max_outbound_ack(o, options.budgets.outbound_frames);
  nghttp2_option_set_max_deflate_dynamic_table_size(o, options.hpack_table_bytes);
  nghttp2_option_set_peer_max_concurrent_streams(o, options.max_concurrent_streams);
  // The second line: weir's own budget, which forgives those whose other streams end well, is used up before.
  nghttp2_option_set_stream_reset_rate_limit(o, uint64_t{20} * options.budgets.resets.burst,
                                             uint64_t{20} * options.budgets.resets.per_second);
  return std::unique_ptr<nghttp2_option, Deleter>(o);
}

nghttp2_mem memoryOf(SessionMemory& memory) {
  return {
      &memory, [](size_t size, void* user) { return static_cast<SessionMemory*>(user)->allocate(size); },
      [](void* piece, void* user) { static_cast<SessionMemory*>(user)->release(piece); },
      [](size_t count, size_t size, void* user) {
        return static_cast<SessionMemory*>(user)->allocateZeroed(count * size);
      },
      [](void* piece, size_t size, void* user) { return static_cast<SessionMemory*>(user)->reallocate(piece, size); }};
}

void submitSettings(nghttp2_session* session, const Wire& wire) {
  const H2Options& options = wire.options;
  std::array<nghttp2_settings_entry, 6> settings;
  size_t count = 0;
  const auto add = [&](int32_t id, uint32_t value) { settings[count++] = {id, value}; };
  add(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, options.initial_stream_window);
  add(NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, options.limits.head_bytes);
  if (options.hpack_table_bytes != 4096) add(NGHTTP2_SETTINGS_HEADER_TABLE_SIZE, options.hpack_table_bytes);
  if (wire.server()) {
    add(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, options.max_concurrent_streams);
    // Without the tree of RFC 7540 a PRIORITY frame costs nothing.
    add(NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1);
    if (options.allow_connect) add(NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1);
  } else {
    add(NGHTTP2_SETTINGS_ENABLE_PUSH, 0);
  }
  nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings.data(), count);
  nghttp2_session_set_local_window_size(session, NGHTTP2_FLAG_NONE, 0,
                                        static_cast<int32_t>(options.initial_connection_window));
}

}  // namespace

nghttp2_session* makeSession(Wire& wire) {
  const auto callbacks = makeCallbacks();
  const auto options = makeOptions(wire.options);
  if (callbacks == nullptr || options == nullptr) return nullptr;
  nghttp2_mem memory = memoryOf(wire.io.memory);
  nghttp2_session* session = nullptr;
  {
    SessionMemory::SharesFrame shares(wire.io.memory);
    const auto make = wire.server() ? nghttp2_session_server_new3 : nghttp2_session_client_new3;
    if (make(&session, callbacks.get(), &wire, options.get(), &memory) != 0) return nullptr;
  }
  submitSettings(session, wire);
  return session;
}

}  // namespace weir::http::h2
