#include "source/http/h2/wire.h"

#include <algorithm>
#include <array>
#include <utility>

#include "source/http/h2/h2_stream.h"
#include "source/http/h2/preface.h"

namespace weir::http::h2 {
namespace {

// What each stream may queue whatever the others hold, so that streams of a stalled peer do not stall the rest.
constexpr size_t kOwnRoom = 8 * 1024;
constexpr uint32_t kDefaultTable = 4096;
// What the fields of one section may make the HPACK table copy within itself, beside four times its limit.
constexpr size_t kTableCopies = 1024 * 1024;

// Resets that weir sends by its own will say CANCEL, INTERNAL_ERROR or NO_ERROR.
bool isProvoked(ErrorCode code) {
  return code != ErrorCode::kNoError && code != ErrorCode::kCancel && code != ErrorCode::kInternal;
}

}  // namespace

Wire::Wire(Role connection_role, const H2Io& connection_io, const H2Options& connection_options,
           CodecOwner& connection_owner)
    : role(connection_role),
      io(connection_io),
      options(connection_options),
      owner(connection_owner),
      budgets(connection_options.budgets, connection_io.turn_time),
      decoder(connection_io.memory, connection_options.hpack_table_bytes,
              kTableCopies + size_t{4} * connection_options.limits.head_bytes),
      encoder(connection_io.memory, connection_options.hpack_table_bytes),
      receiver(connection_options, connection_io.memory),
      streams(connection_io.memory),
      // Until it is acknowledged, the peer may go by the default.
      own_stream_window(std::max<int64_t>(connection_options.initial_stream_window, kDefaultWindow)) {}

void Wire::append(FrameType type, uint8_t flags, uint32_t stream, std::string_view payload) {
  constexpr size_t kSmall = 64;
  writeDrainPing();
  std::array<char, kFrameHeaderBytes + kSmall> bytes;
  char* const end = writeFrameHeader(bytes.data(), {static_cast<uint32_t>(payload.size()), type, flags, stream});
  appended_ += kFrameHeaderBytes + payload.size();
  if (payload.size() <= kSmall) {
    std::copy(payload.begin(), payload.end(), end);
    io.out.append(std::string_view(bytes.data(), kFrameHeaderBytes + payload.size()));
  } else {
    io.out.append(std::string_view(bytes.data(), kFrameHeaderBytes));
    io.out.append(payload);
  }
}

void Wire::write(FrameType type, uint8_t flags, uint32_t stream, std::string_view payload) {
  append(type, flags, stream, payload);
  ++behind_mark_;
  if (before_mark_ + behind_mark_ > options.budgets.outbound_frames) noteBudget(Reason::kH2OutboundFlood);
  owner.onOutput();
}

void Wire::onWritten() {
  if (appended_ - io.out.size() < mark_) return;
  before_mark_ = io.out.empty() ? 0 : behind_mark_;
  behind_mark_ = 0;
  mark_ = appended_;
}

void Wire::writeHello() {
  std::array<char, 6 * 6> payload;
  char* at = payload.data();
  const auto add = [&at](Setting setting, uint32_t value) {
    at = writeBig(at, static_cast<uint32_t>(setting), 2);
    at = writeBig(at, value, 4);
  };
  if (!server()) {
    io.out.append(kPreface);
    appended_ += kPreface.size();
  }
  add(Setting::kInitialWindowSize, options.initial_stream_window);
  add(Setting::kMaxHeaderListSize, options.limits.head_bytes);
  if (options.hpack_table_bytes != kDefaultTable) add(Setting::kHeaderTableSize, options.hpack_table_bytes);
  if (server()) {
    add(Setting::kMaxConcurrentStreams, options.max_concurrent_streams);
    add(Setting::kNoRfc7540Priorities, 1);
    if (options.allow_connect) add(Setting::kEnableConnectProtocol, 1);
  } else {
    add(Setting::kEnablePush, 0);
  }
  append(FrameType::kSettings, 0, 0, std::string_view(payload.data(), static_cast<size_t>(at - payload.data())));
  // A window below the default cannot be announced: what is missing to it is kept when it would be given back.
  owed = std::min<int64_t>(int64_t{options.initial_connection_window} - kDefaultWindow, 0);
  const int64_t more = int64_t{options.initial_connection_window} - kDefaultWindow;
  if (more <= 0) return;
  std::array<char, 4> by;
  writeBig(by.data(), static_cast<uint32_t>(more), by.size());
  append(FrameType::kWindowUpdate, 0, 0, std::string_view(by.data(), by.size()));
  receive_window += more;
}

void Wire::writeHeaders(uint32_t stream, std::string_view section, bool ends) {
  FrameType type = FrameType::kHeaders;
  auto flags = static_cast<uint8_t>(ends ? kEndStreamFlag : 0);
  do {
    const std::string_view part = section.substr(0, kMaxFrameBytes);
    section.remove_prefix(part.size());
    if (section.empty()) flags |= kEndHeadersFlag;
    write(type, flags, stream, part);
    type = FrameType::kContinuation;
    flags = 0;
  } while (!section.empty());
  budgets.onContentSent();
}

void Wire::writeData(uint32_t stream, buffer::Buffer& data, size_t bytes, bool ends) {
  writeDrainPing();
  std::array<char, kFrameHeaderBytes> header;
  writeFrameHeader(header.data(), {static_cast<uint32_t>(bytes), FrameType::kData,
                                   static_cast<uint8_t>(ends ? kEndStreamFlag : 0), stream});
  io.out.append(std::string_view(header.data(), header.size()));
  io.out.moveFrom(data, bytes);
  appended_ += header.size() + bytes;
  send_window -= static_cast<int64_t>(bytes);
  budgets.onContentSent();
}

void Wire::writeReset(uint32_t stream, ErrorCode code) {
  std::array<char, 4> payload;
  writeBig(payload.data(), static_cast<uint32_t>(code), payload.size());
  write(FrameType::kRstStream, 0, stream, std::string_view(payload.data(), payload.size()));
  if (isProvoked(code)) noteBudget(budgets.onProvokedReset());
}

void Wire::writeWindow(uint32_t stream, uint32_t by) {
  std::array<char, 4> payload;
  writeBig(payload.data(), by, payload.size());
  write(FrameType::kWindowUpdate, 0, stream, std::string_view(payload.data(), payload.size()));
}

void Wire::writeGoaway(uint32_t last, ErrorCode code) {
  std::array<char, 8> payload;
  writeBig(writeBig(payload.data(), last, 4), static_cast<uint32_t>(code), 4);
  write(FrameType::kGoaway, 0, 0, std::string_view(payload.data(), payload.size()));
}

void Wire::writePing(std::string_view payload, bool ack) { write(FrameType::kPing, ack ? kAckFlag : 0, 0, payload); }

void Wire::writeDrainPing() {
  if (std::exchange(drain_ping_due, false)) writePing(kDrainPing, false);
}

void Wire::writeSettingsAck() { write(FrameType::kSettings, kAckFlag, 0, {}); }

void Wire::writeReady() {
  const H2Stream* stop = nullptr;
  stuck = false;
  while (H2Stream* const stream = ready.first()) {
    if (io.out.size() >= io.write_limit || stream == stop) break;
    if (!stream->writeSome()) continue;
    // It has more, or waits for the connection's window; the next one may have an end to write, which needs none.
    if (send_window <= 0 && stop == nullptr) stop = stream;
  }
  stuck = stop != nullptr && ready.first() == stop;
}

void Wire::credit(size_t bytes) {
  if (finished) return;
  owed += static_cast<int64_t>(bytes);
  if (owed <= 0 || 2 * owed < int64_t{options.initial_connection_window}) return;
  writeWindow(0, static_cast<uint32_t>(owed));
  receive_window += owed;
  owed = 0;
}

size_t Wire::sendRoom(size_t queued_here) const {
  const size_t own = options.stream_send_bytes > queued_here ? options.stream_send_bytes - queued_here : 0;
  const size_t all = options.connection_send_bytes > queued ? options.connection_send_bytes - queued : 0;
  if (own <= all) return own;
  squeezed = true;
  const size_t least = kOwnRoom > queued_here ? kOwnRoom - queued_here : 0;
  return std::min(own, std::max(all, least));
}

bool Wire::isIdle(uint32_t stream) const {
  if (stream % 2 == 0) return true;
  return server() ? stream > last_seen : stream >= next_id;
}

}  // namespace weir::http::h2
