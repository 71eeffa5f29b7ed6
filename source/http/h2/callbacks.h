// What the library calls while it reads and writes, and the session that it calls for. The functions find the streams
// and hand over; they only mark and queue. The codec makes the session and deletes it.
#pragma once

#include "source/http/h2/wire.h"

struct nghttp2_session;

namespace weir::http::h2 {

// A session of wire.role with wire's options, whose own settings are queued to be written. Null when there is no
// memory. `wire` outlives it.
nghttp2_session* makeSession(Wire& wire);

}  // namespace weir::http::h2
