// Logs the frames of a protocol in which each begins with its length, as four bytes, the highest first: those of the
// client and those that it is answered with. Bytes pass as they are; only headers of frames are looked at. A frame that
// is too long closes the connection.
#include "weir_filter.hpp"

namespace {

struct Config {
  static weir::Schema schema() { return weir::Schema("frame_logger.Config").integer("max_bytes"); }
  explicit Config(const weir::ConfigReader& c)
      : max_bytes(static_cast<uint64_t>(c.number("max_bytes", 1 << 20))),
        frames(c.counter("frames")),
        answers(c.counter("answers")),
        too_long(c.counter("too_long")),
        sizes(c.histogram("frame_bytes")) {}
  uint64_t max_bytes;
  weir::Counter frames, answers, too_long;
  weir::Histogram sizes;
};

// Where one direction of a connection stands.
struct Way {
  std::string_view from;
  uint64_t length = 0;  // as far as its bytes have come
  int header_bytes = 0;
  uint64_t left = 0;  // of the frame
  uint64_t count = 0;
  bool insideFrame() const { return left > 0 || header_bytes > 0; }
};

class FrameLogger {
 public:
  explicit FrameLogger(const Config& config) : config_(config) {}

  weir::Verdict onData(weir::Stream& s, bool end) {
    const weir::Verdict verdict = look(s, s.data(), client_, config_.frames);
    if (end && client_.insideFrame()) s.log(weir::LogLevel::Warning, "frame_logger: ended inside a frame");
    return verdict;
  }

  weir::Verdict onWrite(weir::Stream& s) { return look(s, s.output(), server_, config_.answers); }

  void onClose(weir::Stream& s) {
    s.log(weir::LogLevel::Info, "frame_logger: closed after " + std::to_string(client_.count) + " frames and " +
                                    std::to_string(server_.count) + " answers");
  }

 private:
  weir::Verdict look(weir::Stream& s, const weir::Body& bytes, Way& way, weir::Counter counter) {
    for (std::string_view piece : bytes.slices()) {
      while (!piece.empty()) {
        if (way.left > 0) {  // inside a frame
          const size_t taken = piece.size() < way.left ? piece.size() : static_cast<size_t>(way.left);
          way.left -= taken;
          piece.remove_prefix(taken);
          continue;
        }
        way.length = way.length << 8 | static_cast<unsigned char>(piece[0]);
        piece.remove_prefix(1);
        if (++way.header_bytes == 4 && !begin(s, way, counter)) return weir::Close;
      }
    }
    return weir::Continue;
  }

  bool begin(weir::Stream& s, Way& way, weir::Counter counter) {
    way.header_bytes = 0;
    way.left = std::exchange(way.length, 0);
    const std::string size = std::to_string(way.left) + " bytes";
    if (way.left > config_.max_bytes) {
      s.add(config_.too_long);
      s.log(weir::LogLevel::Warning, "frame_logger: a frame of " + size + "; closing");
      return false;
    }
    s.add(counter);
    s.record(config_.sizes, way.left);
    s.log(weir::LogLevel::Info,
          "frame_logger: " + std::string(way.from) + " " + std::to_string(++way.count) + " of " + size);
    return true;
  }

  const Config& config_;
  Way client_{"frame"};
  Way server_{"answer"};
};

}  // namespace

WEIR_NETWORK_FILTER(FrameLogger, Config, "frame_logger", "1.1")
