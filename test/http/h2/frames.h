// HTTP/2 frames by hand, for what no honest peer would send, and the frames of an output in words.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir::http::h2 {

enum FrameKind : uint8_t {
  kDataFrame,
  kHeadersFrame,
  kPriorityFrame,
  kRstFrame,
  kSettingsFrame,
  kPushFrame,
  kPingFrame,
  kGoawayFrame,
  kWindowFrame,
  kContinuationFrame,
};

inline constexpr uint8_t kEnds = 0x1;  // END_STREAM, or ACK
inline constexpr uint8_t kEndsHeaders = 0x4;

using FieldPairs = std::vector<std::pair<std::string, std::string>>;

std::string frame(uint8_t type, uint8_t flags, uint32_t stream, std::string_view payload);
// Literals without indexing and without Huffman coding.
std::string block(const FieldPairs& fields);
std::string number(uint32_t value);  // 4 bytes
std::string settings(std::initializer_list<std::pair<uint16_t, uint32_t>> entries = {});
std::string headers(uint32_t stream, const FieldPairs& fields, bool ends);
inline std::string data(uint32_t stream, std::string_view bytes, bool ends = false) {
  return frame(kDataFrame, ends ? kEnds : 0, stream, bytes);
}
inline std::string rst(uint32_t stream, uint32_t code) { return frame(kRstFrame, 0, stream, number(code)); }
inline std::string window(uint32_t stream, uint32_t by) { return frame(kWindowFrame, 0, stream, number(by)); }
inline std::string goaway(uint32_t last, uint32_t code) {
  return frame(kGoawayFrame, 0, 0, number(last) + number(code));
}
inline std::string ping(bool ack = false) { return frame(kPingFrame, ack ? kEnds : 0, 0, "12345678"); }

// GET / of http://h, with `more` behind the pseudo-headers.
FieldPairs get(const FieldPairs& more = {});
FieldPairs post(const FieldPairs& more = {});
FieldPairs ok(const FieldPairs& more = {});

// A client's preface and SETTINGS.
std::string hello();

struct SeenFrame {
  uint8_t type;
  uint8_t flags;
  uint32_t stream;
  std::string payload;
};
std::vector<SeenFrame> parse(std::string_view bytes);
// Of each frame that is not SETTINGS, WINDOW_UPDATE or an ACK: "HEADERS 1 end", "DATA 1 (5)", "RST 1 PROTOCOL_ERROR",
// "GOAWAY 3 NO_ERROR"; separated by ", ".
std::string inWords(std::string_view bytes);

}  // namespace weir::http::h2
