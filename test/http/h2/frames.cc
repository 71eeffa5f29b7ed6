#include "test/http/h2/frames.h"

namespace weir::http::h2 {
namespace {

uint32_t readNumber(std::string_view bytes) {
  uint32_t value = 0;
  for (size_t i = 0; i < 4 && i < bytes.size(); ++i) value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return value;
}

std::string codeName(uint32_t code) {
  static constexpr std::string_view kNames[] = {"NO_ERROR",
                                                "PROTOCOL_ERROR",
                                                "INTERNAL_ERROR",
                                                "FLOW_CONTROL_ERROR",
                                                "SETTINGS_TIMEOUT",
                                                "STREAM_CLOSED",
                                                "FRAME_SIZE_ERROR",
                                                "REFUSED_STREAM",
                                                "CANCEL",
                                                "COMPRESSION_ERROR",
                                                "CONNECT_ERROR",
                                                "ENHANCE_YOUR_CALM",
                                                "INADEQUATE_SECURITY",
                                                "HTTP_1_1_REQUIRED"};
  return code < std::size(kNames) ? std::string(kNames[code]) : std::to_string(code);
}

void appendText(std::string& out, std::string_view text) {
  size_t size = text.size();
  if (size < 127) {
    out += static_cast<char>(size);
  } else {
    out += '\x7f';
    size -= 127;
    while (size >= 128) {
      out += static_cast<char>(0x80 | (size & 0x7f));
      size >>= 7;
    }
    out += static_cast<char>(size);
  }
  out += text;
}

FieldPairs behind(FieldPairs fields, const FieldPairs& more) {
  fields.insert(fields.end(), more.begin(), more.end());
  return fields;
}

std::string word(const SeenFrame& f) {
  const std::string on = " " + std::to_string(f.stream);
  const std::string end = (f.flags & kEnds) != 0 ? " end" : "";
  switch (f.type) {
    case kDataFrame:
      return "DATA" + on + " (" + std::to_string(f.payload.size()) + ")" + end;
    case kHeadersFrame:
      return "HEADERS" + on + end;
    case kRstFrame:
      return "RST" + on + " " + codeName(readNumber(f.payload));
    case kGoawayFrame:
      return "GOAWAY " + std::to_string(readNumber(f.payload)) + " " +
             codeName(readNumber(std::string_view(f.payload).substr(4)));
    case kPingFrame:
      return (f.flags & kEnds) != 0 ? "" : "PING";
    case kSettingsFrame:
    case kWindowFrame:
      return "";
    default:
      return "frame" + std::to_string(f.type) + on;
  }
}

}  // namespace

std::string number(uint32_t value) {
  return {static_cast<char>(value >> 24), static_cast<char>(value >> 16), static_cast<char>(value >> 8),
          static_cast<char>(value)};
}

std::string frame(uint8_t type, uint8_t flags, uint32_t stream, std::string_view payload) {
  std::string out = number(static_cast<uint32_t>(payload.size())).substr(1);
  out += static_cast<char>(type);
  out += static_cast<char>(flags);
  out += number(stream);
  out += payload;
  return out;
}

std::string block(const FieldPairs& fields) {
  std::string out;
  for (const auto& [name, value] : fields) {
    out += '\0';
    appendText(out, name);
    appendText(out, value);
  }
  return out;
}

std::string settings(std::initializer_list<std::pair<uint16_t, uint32_t>> entries) {
  std::string payload;
  for (const auto& [id, value] : entries) {
    payload += static_cast<char>(id >> 8);
    payload += static_cast<char>(id);
    payload += number(value);
  }
  return frame(kSettingsFrame, 0, 0, payload);
}

std::string headers(uint32_t stream, const FieldPairs& fields, bool ends) {
  std::string rest = block(fields);
  std::string out;
  uint8_t type = kHeadersFrame;
  do {
    const std::string part = rest.substr(0, 16384);
    rest.erase(0, part.size());
    uint8_t flags = rest.empty() ? kEndsHeaders : 0;
    if (type == kHeadersFrame && ends) flags |= kEnds;
    out += frame(type, flags, stream, part);
    type = kContinuationFrame;
  } while (!rest.empty());
  return out;
}

FieldPairs get(const FieldPairs& more) {
  return behind({{":method", "GET"}, {":scheme", "http"}, {":authority", "h"}, {":path", "/"}}, more);
}

FieldPairs post(const FieldPairs& more) {
  return behind({{":method", "POST"}, {":scheme", "http"}, {":authority", "h"}, {":path", "/"}}, more);
}

FieldPairs ok(const FieldPairs& more) { return behind({{":status", "200"}}, more); }

std::string hello() { return "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + settings(); }

std::vector<SeenFrame> parse(std::string_view bytes) {
  std::vector<SeenFrame> frames;
  if (bytes.substr(0, 3) == "PRI") bytes.remove_prefix(24);
  while (bytes.size() >= 9) {
    const uint32_t size = readNumber(bytes) >> 8;
    frames.push_back({static_cast<uint8_t>(bytes[3]), static_cast<uint8_t>(bytes[4]), readNumber(bytes.substr(5)),
                      std::string(bytes.substr(9, size))});
    bytes.remove_prefix(std::min<size_t>(bytes.size(), 9 + size));
  }
  return frames;
}

std::string inWords(std::string_view bytes) {
  std::string out;
  for (const SeenFrame& f : parse(bytes)) {
    const std::string w = word(f);
    if (!w.empty()) out += (out.empty() ? "" : ", ") + w;
  }
  return out;
}

}  // namespace weir::http::h2
