// Wire: what the codec of one HTTP/2 connection, its reader and its streams share: the two buffers, the settings and
// windows of both sides, the HPACK tables, and how the connection fares; and the writing of frames. Owned by the codec,
// outlives the streams.
//
// Every frame is appended to the output at once and whole, but DATA, which waits in its stream until beforeFlush().
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "source/base/arena.h"
#include "source/base/clock.h"
#include "source/buffer/buffer.h"
#include "source/http/codec.h"
#include "source/http/h2/budgets.h"
#include "source/http/h2/frame.h"
#include "source/http/h2/header_receiver.h"
#include "source/http/h2/hpack_decoder.h"
#include "source/http/h2/hpack_encoder.h"
#include "source/http/h2/options.h"
#include "source/http/h2/session_memory.h"
#include "source/http/h2/stream_table.h"
#include "source/http/reason.h"

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

class Wire {
 public:
  Wire(Role role, const H2Io& io, const H2Options& options, CodecOwner& owner);

  bool server() const { return role == Role::kServer; }

  // --- writing. The owner is told.
  // A client's preface, SETTINGS and the connection's window; the owner is not told.
  void writeHello();
  void writeHeaders(uint32_t stream, std::string_view section, bool ends);
  // Moves `bytes` of `data`.
  void writeData(uint32_t stream, buffer::Buffer& data, size_t bytes, bool ends);
  // Counts it when the peer's doing is the reason.
  void writeReset(uint32_t stream, ErrorCode code);
  void writeWindow(uint32_t stream, uint32_t by);
  void writeGoaway(uint32_t last, ErrorCode code);
  void writePing(std::string_view payload, bool ack);
  // The PING that belongs behind the first GOAWAY of a drain, if it is due; comes before any other frame.
  void writeDrainPing();
  void writeSettingsAck();
  // Something of the output has been written.
  void onWritten();
  // Lets the streams that wait for it write DATA, in turn, while the output may hold more.
  void writeReady();
  bool dataPending() const { return !ready.empty() && !stuck; }

  // --- flow control
  // `bytes` of DATA were taken, or dropped.
  void credit(size_t bytes);
  // Room in the send queues beside `queued_here` bytes of the stream that asks.
  size_t sendRoom(size_t queued_here) const;

  // --- errors
  // The connection must end; the codec sees it when the call that it is in has returned.
  void noteFault(Reason reason, ErrorCode code) {
    if (fault != Reason::kNone || reason == Reason::kNone) return;
    fault = reason;
    fault_code = code;
  }
  void noteBudget(Reason reason) { noteFault(reason, ErrorCode::kEnhanceYourCalm); }
  // Whether the stream has never been opened, by either side.
  bool isIdle(uint32_t stream) const;

  const Role role;
  const H2Io io;
  const H2Options& options;
  CodecOwner& owner;
  Budgets budgets;
  HpackDecoder decoder;
  HpackEncoder encoder;
  HeaderReceiver receiver;

  H2Stream* first = nullptr;      // of all streams, newest first
  StreamTable streams;            // those that are open on the wire
  StreamQueue held;               // those whose head waits for the part behind it
  StreamQueue ready;              // those that have DATA or an end to write, and a window for it
  bool stuck = false;             // all that are ready wait for the connection's window
  size_t live = 0;                // not released
  size_t unsent = 0;              // released, not gone
  size_t open = 0;                // not closed as the peers see it
  size_t queued = 0;              // bytes to send in all streams
  mutable bool squeezed = false;  // a stream had no room because of the others

  int64_t send_window = kDefaultWindow;
  int64_t receive_window = kDefaultWindow;  // what the peer may still send
  int64_t owed = 0;                         // taken, and not given back yet
  int64_t peer_stream_window = kDefaultWindow;
  int64_t own_stream_window;  // as the peer knows it
  uint32_t peer_max_streams = kMaxStreamId;
  uint32_t next_id = 1;                 // client: of the next request
  uint32_t last_seen = 0;               // server: the highest stream that the client opened
  uint32_t last_processed = 0;          // server: the highest that was looked at
  uint32_t goaway_last = kMaxStreamId;  // server: as it was said

  Reason error = Reason::kNone;  // the first thing that the peer did wrong
  Reason lost = Reason::kNone;   // the connection is gone
  Reason fault = Reason::kNone;
  ErrorCode fault_code = ErrorCode::kNoError;
  bool finished = false;
  bool input_ended = false;
  bool settings_seen = false;
  bool settings_acked = false;
  bool peer_extended = false;  // knows extended CONNECT
  bool goaway_seen = false;
  bool pinging = false;
  bool drain_ping_due = false;
  bool drain_acknowledged = false;
  enum class Drain : uint8_t { kNo, kAnnounced, kLast } drain = Drain::kNo;

 private:
  void append(FrameType type, uint8_t flags, uint32_t stream, std::string_view payload);
  // A frame that is counted as long as it may wait.
  void write(FrameType type, uint8_t flags, uint32_t stream, std::string_view payload);

  // Frames that wait in the output beside DATA: those that end at or before `mark_`, and those behind it. Bytes are
  // counted from the begin of the connection.
  uint64_t appended_ = 0;
  uint64_t mark_ = 0;
  uint32_t before_mark_ = 0;
  uint32_t behind_mark_ = 0;
};

// The payloads of the two kinds of PING that weir sends.
inline constexpr std::string_view kKeepalivePing = "weirkeep";
inline constexpr std::string_view kDrainPing = "weirdran";

}  // namespace weir::http::h2
