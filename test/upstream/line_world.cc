#include "test/upstream/line_world.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace weir::upstream {
namespace {

class LineSocket final : public net::Socket {
 public:
  explicit LineSocket(Line& line) : line_(line) {}
  void watch(event::ReadyHandler& handler) override {
    line_.handler = &handler;
    line_.ready.writable = true;  // connected at once
  }
  net::IoResult read(std::span<const iovec> into) override {
    if (line_.unread.empty()) return {net::IoResult::State::kWouldBlock, 0, 0};
    const size_t bytes = std::min(line_.unread.size(), into[0].iov_len);
    memcpy(into[0].iov_base, line_.unread.data(), bytes);
    line_.unread.erase(0, bytes);
    return {net::IoResult::State::kOk, bytes, 0};
  }
  net::IoResult write(std::span<const iovec> from) override {
    size_t bytes = 0;
    for (const iovec& piece : from) {
      line_.on_written(line_, {static_cast<const char*>(piece.iov_base), piece.iov_len});
      bytes += piece.iov_len;
    }
    return {net::IoResult::State::kOk, bytes, 0};
  }
  void shutdownWrite() override {}
  void resetOnClose() override {}
  absl::Status connectResult() override { return absl::OkStatus(); }
  net::Address localAddress() const override { return {}; }
  net::Address remoteAddress() const override { return {}; }

 private:
  Line& line_;
};

}  // namespace

bool LinePoller::poll(std::optional<base::MonotonicTime>, absl::FunctionRef<void()> before) {
  before();
  const event::Readiness ready = std::exchange(line_.ready, {});
  if (line_.handler == nullptr || !(ready.readable || ready.writable)) return false;
  line_.handler->onReady(ready);
  return true;
}

absl::StatusOr<std::unique_ptr<net::ListenSocket>> LineNetwork::bind(const net::Address&, const net::BindOptions&) {
  return absl::UnimplementedError("nobody listens here");
}

absl::StatusOr<std::unique_ptr<net::Socket>> LineNetwork::connect(const net::Address&,
                                                                  const std::optional<net::KeepAlive>&) {
  ++line_.connects;
  return std::make_unique<LineSocket>(line_);
}

}  // namespace weir::upstream
