#include "test/upstream/h2_origin.h"

#include <algorithm>

namespace weir::upstream {
namespace {

using namespace http::h2;  // the frames

constexpr size_t kPrefaceBytes = 24;
constexpr size_t kFrameHeaderBytes = 9;
constexpr uint32_t kRefusedStream = 7;

// The whole frames at the front of `bytes`, which are taken out.
std::vector<SeenFrame> takeFrames(std::string& bytes) {
  size_t end = 0;
  while (bytes.size() - end >= kFrameHeaderBytes) {
    const auto byte = [&](size_t i) { return static_cast<size_t>(static_cast<unsigned char>(bytes[end + i])); };
    const size_t size = kFrameHeaderBytes + (byte(0) << 16 | byte(1) << 8 | byte(2));
    if (bytes.size() - end < size) break;
    end += size;
  }
  std::vector<SeenFrame> frames = parse(std::string_view(bytes).substr(0, end));
  bytes.erase(0, end);
  return frames;
}

}  // namespace

H2Origin::H2Origin(Origin& to) : origin(to) {
  origin.on_accept = [this](OriginPeer& peer) {
    connections.push_back(std::make_unique<Connection>(peer));
    Connection& connection = *connections.back();
    peer.on_input = [this, &connection](OriginPeer&) { onBytes(connection); };
    if (hello_at_once) sayHello(connection);
  };
}

void H2Origin::sayHello(Connection& connection) {
  connection.hello = true;
  write(connection, max_streams.has_value() ? settings({{3, *max_streams}}) : settings());
}

void H2Origin::onBytes(Connection& connection) {
  std::string& bytes = connection.peer->received;
  if (!connection.preface) {
    if (bytes.size() < kPrefaceBytes) return;
    connection.preface = true;
    bytes.erase(0, kPrefaceBytes);
  }
  for (const SeenFrame& frame : takeFrames(bytes)) onFrame(connection, frame);
  if (connection.peer->ended && !connection.peer->closed.has_value()) {
    connection.peer->connection().closeAfterFlush(absl::ZeroDuration());
  }
}

void H2Origin::onFrame(Connection& connection, const SeenFrame& frame) {
  const bool ack = (frame.flags & kEnds) != 0;
  if (!connection.hello && frame.type == kSettingsFrame) return;  // nothing may come before the own SETTINGS
  switch (frame.type) {
    case kSettingsFrame:
      if (!ack) write(connection, http::h2::frame(kSettingsFrame, kEnds, 0, ""));
      break;
    case kPingFrame:
      if (ack) break;
      ++connection.pings;
      if (answer_pings) write(connection, http::h2::frame(kPingFrame, kEnds, 0, frame.payload));
      break;
    case kHeadersFrame:
      if (!on_body) onRequest(connection, frame.stream);
      break;
    case kDataFrame:
      connection.data_bytes += frame.payload.size();
      if (on_body) onBody(connection, frame);
      break;
    case kRstFrame:
      connection.resets.push_back(frame.stream);
      std::erase(connection.waiting, frame.stream);
      break;
    case kWindowFrame:
      if (frame.stream != 0) ++connection.stream_windows;
      break;
    case kGoawayFrame:
      connection.goaway = static_cast<unsigned char>(frame.payload.at(7));
      break;
    default:
      break;
  }
}

void H2Origin::onBody(Connection& connection, const SeenFrame& frame) {
  std::string& body = connection.bodies[frame.stream];
  body += frame.payload;
  if ((frame.flags & kEnds) == 0 || connection.peer->closed.has_value()) return;
  const std::string whole = std::exchange(body, {});
  connection.bodies.erase(frame.stream);
  on_body(connection, frame.stream, whole);
}

void H2Origin::onRequest(Connection& connection, uint32_t stream) {
  ++connection.requests;
  const bool refused = refuse_next > 0;
  if (refused) --refuse_next;
  if (refused || (max_streams.has_value() && connection.waiting.size() >= *max_streams)) {
    write(connection, rst(stream, kRefusedStream));
  } else if (answer_all) {
    answer(connection, stream);
  } else {
    connection.waiting.push_back(stream);
    connection.most = std::max(connection.most, connection.waiting.size());
  }
}

void H2Origin::answer(Connection& connection, uint32_t stream, std::string_view body) {
  std::erase(connection.waiting, stream);
  write(connection, headers(stream, ok(), body.empty()) + (body.empty() ? "" : data(stream, body, true)));
}

void H2Origin::answerWaiting(Connection& connection) {
  while (!connection.waiting.empty()) answer(connection, connection.waiting.front());
}

}  // namespace weir::upstream
