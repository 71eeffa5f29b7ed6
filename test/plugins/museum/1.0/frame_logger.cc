// Logs the frames of a protocol in which each begins with its length, as four bytes, the highest first. Bytes pass as
// they are; only headers of frames are looked at. A frame that is too long closes the connection.
#include "weir_filter.hpp"

namespace {

struct Config {
  static weir::Schema schema() { return weir::Schema("frame_logger.Config").integer("max_bytes"); }
  explicit Config(const weir::ConfigReader& c)
      : max_bytes(static_cast<uint64_t>(c.number("max_bytes", 1 << 20))),
        frames(c.counter("frames")),
        too_long(c.counter("too_long")),
        sizes(c.histogram("frame_bytes")) {}
  uint64_t max_bytes;
  weir::Counter frames, too_long;
  weir::Histogram sizes;
};

class FrameLogger {
 public:
  explicit FrameLogger(const Config& config) : config_(config) {}

  weir::Verdict onData(weir::Stream& s, bool end) {
    for (std::string_view piece : s.data().slices()) {
      while (!piece.empty()) {
        if (left_ > 0) {  // inside a frame
          const size_t taken = piece.size() < left_ ? piece.size() : static_cast<size_t>(left_);
          left_ -= taken;
          piece.remove_prefix(taken);
          continue;
        }
        length_ = length_ << 8 | static_cast<unsigned char>(piece[0]);
        piece.remove_prefix(1);
        if (++header_bytes_ < 4) continue;
        if (!begin(s)) return weir::Close;
      }
    }
    if (end && (left_ > 0 || header_bytes_ > 0)) s.log(weir::LogLevel::Warning, "frame_logger: ended inside a frame");
    return weir::Continue;
  }

  void onClose(weir::Stream& s) {
    s.log(weir::LogLevel::Info, "frame_logger: closed after " + std::to_string(count_) + " frames");
  }

 private:
  bool begin(weir::Stream& s) {
    header_bytes_ = 0;
    left_ = std::exchange(length_, 0);
    if (left_ > config_.max_bytes) {
      s.add(config_.too_long);
      s.log(weir::LogLevel::Warning, "frame_logger: a frame of " + std::to_string(left_) + " bytes; closing");
      return false;
    }
    ++count_;
    s.add(config_.frames);
    s.record(config_.sizes, left_);
    s.log(weir::LogLevel::Info,
          "frame_logger: frame " + std::to_string(count_) + " of " + std::to_string(left_) + " bytes");
    return true;
  }

  const Config& config_;
  uint64_t length_ = 0;  // as far as its bytes have come
  int header_bytes_ = 0;
  uint64_t left_ = 0;  // of the frame
  uint64_t count_ = 0;
};

}  // namespace

WEIR_NETWORK_FILTER(FrameLogger, Config, "frame_logger", "1.0")
