// Wire: what the codec of one HTTP/2 connection, its streams and the functions that the library calls share: the two
// buffers, the library's session, the settings and how the connection fares. Owned by the codec, outlives the streams.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "source/base/arena.h"
#include "source/base/clock.h"
#include "source/buffer/buffer.h"
#include "source/http/codec.h"
#include "source/http/h2/budgets.h"
#include "source/http/h2/header_receiver.h"
#include "source/http/h2/options.h"
#include "source/http/h2/session_memory.h"
#include "source/http/reason.h"

struct nghttp2_session;

namespace weir::http::h2 {

class H2Stream;

// What a codec works on; all outlive it. Output is made while `out` holds less than `write_limit` bytes, frame by
// frame. `turn_time` is the time of the current turn (Dispatcher::turnTime()).
struct H2Io {
  buffer::Buffer& in;
  buffer::Buffer& out;
  size_t write_limit;
  base::ChunkPool& chunks;
  SessionMemory& memory;
  const base::MonotonicTime& turn_time;
};

// DATA that the library has found in the front piece of the input and that is about to be moved to its stream.
struct FoundData {
  H2Stream* stream = nullptr;
  const char* data = nullptr;
  size_t size = 0;
};

struct Wire {
  Wire(Role role, const H2Io& io, const H2Options& options, CodecOwner& owner)
      : role(role),
        io(io),
        options(options),
        owner(owner),
        budgets(options.budgets, io.turn_time),
        receiver(options, io.chunks) {}

  bool server() const { return role == Role::kServer; }
  bool mayUseSession() const { return session != nullptr && !finished; }
  // The library has something to write: the owner is told.
  void announceOutput();
  // Moves frames from the library to `out` until there are none, or `out` holds `limit` bytes, or stop() is true.
  template <typename Stop>
  void writeFrames(size_t limit, Stop&& stop) {
    while (session != nullptr && io.out.size() < limit && !stop() && writeFrame()) {
    }
  }
  // Room in the send queues beside `queued_here` bytes of the stream that asks.
  size_t sendRoom(size_t queued_here) const;
  void addQueued(size_t bytes) { queued += bytes; }
  void takeQueued(size_t bytes) { queued -= bytes; }
  // From inside the library's calls: the connection must end; the codec sees it when they have returned.
  void noteFault(Reason reason) {
    if (fault == Reason::kNone) fault = reason;
  }

  const Role role;
  const H2Io io;
  const H2Options& options;
  CodecOwner& owner;
  nghttp2_session* session = nullptr;
  Budgets budgets;
  HeaderReceiver receiver;
  FoundData found;
  H2Stream* first = nullptr;      // of all streams, newest first
  std::vector<H2Stream*> held;    // those whose head waits for the part behind it
  size_t live = 0;                // not released
  size_t unsent = 0;              // released, not gone
  size_t open = 0;                // not closed as the peers see it
  size_t queued = 0;              // bytes to send in all streams
  mutable bool squeezed = false;  // a stream had no room because of the others
  Reason error = Reason::kNone;   // the first thing that the peer did wrong
  Reason lost = Reason::kNone;    // the connection is gone
  Reason fault = Reason::kNone;
  bool finished = false;
  bool in_library = false;
  bool input_ended = false;
  bool settings_seen = false;
  bool goaway_seen = false;
  bool pinging = false;
  bool drain_acknowledged = false;
  enum class Drain : uint8_t { kNo, kAnnounced, kLast } drain = Drain::kNo;

 private:
  bool writeFrame();
};

// The payloads of the two kinds of PING that weir sends.
inline constexpr std::string_view kKeepalivePing = "weirkeep";
inline constexpr std::string_view kDrainPing = "weirdran";

}  // namespace weir::http::h2
