#include "source/http/h2/wire.h"

#include <nghttp2/nghttp2.h>

#include <algorithm>

#include "source/base/check.h"

namespace weir::http::h2 {
namespace {

// What each stream may queue whatever the others hold, so that streams of a stalled peer do not stall the rest.
constexpr size_t kOwnRoom = 8 * 1024;

}  // namespace

void Wire::announceOutput() {
  if (mayUseSession() && nghttp2_session_want_write(session) != 0) owner.onOutput();
}

bool Wire::writeFrame() {
  CHECK(!in_library, "the library does not write from inside its own calls");
  const uint8_t* data = nullptr;
  in_library = true;
  const size_t before = io.out.size();
  const ssize_t size = nghttp2_session_mem_send(session, &data);
  in_library = false;
  if (size < 0) {
    noteFault(Reason::kH2Protocol);
    return false;
  }
  io.out.append(std::string_view(reinterpret_cast<const char*>(data), static_cast<size_t>(size)));
  return io.out.size() != before;
}

size_t Wire::sendRoom(size_t queued_here) const {
  const size_t own = options.stream_send_bytes > queued_here ? options.stream_send_bytes - queued_here : 0;
  const size_t all = options.connection_send_bytes > queued ? options.connection_send_bytes - queued : 0;
  if (own <= all) return own;
  squeezed = true;
  const size_t least = kOwnRoom > queued_here ? kOwnRoom - queued_here : 0;
  return std::min(own, std::max(all, least));
}

}  // namespace weir::http::h2
