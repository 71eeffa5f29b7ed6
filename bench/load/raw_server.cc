// The raw TCP side of the origin.

#include <algorithm>
#include <charconv>
#include <memory>
#include <string>
#include <utility>

#include "bench/load/incoming.h"
#include "bench/load/raw_client.h"

namespace weir::bench {
namespace {

constexpr size_t kBufferBytes = 256 * 1024;

class RawServer final : public event::Deletable, private net::Session {
 public:
  RawServer(const net::WorkerContext& worker, std::unique_ptr<net::Socket> socket)
      : worker_(worker),
        connection_(worker.dispatcher, worker.blocks, std::move(socket), {kBufferBytes, kBufferBytes}, *this) {}

 private:
  void onInput(buffer::Buffer& input, bool end) override {
    while (input.size() >= kRawRequestBytes) {
      char request[kRawRequestBytes];
      input.copyOut(0, request);
      input.drain(kRawRequestBytes);
      size_t wanted = 0;
      std::from_chars(request, request + kRawRequestBytes, wanted);
      unsent_ += wanted;
    }
    write();
    if (end) connection_.closeAfterFlush(absl::ZeroDuration());
  }
  void onRoom() override { write(); }
  void onClose(net::CloseReason) override { worker_.dispatcher.deleteLater(std::unique_ptr<event::Deletable>(this)); }

  void write() {
    static const std::string bytes(kBufferBytes, 'x');
    while (unsent_ > 0 && connection_.room() > 0) {
      const size_t now = std::min({unsent_, connection_.room(), bytes.size()});
      connection_.output().append(std::string_view(bytes).substr(0, now));
      unsent_ -= now;
    }
    connection_.flush();
  }

  const net::WorkerContext& worker_;
  net::Connection connection_;
  size_t unsent_ = 0;
};

}  // namespace

void serveRaw(const net::WorkerContext& worker, std::unique_ptr<net::Socket> socket) {
  new RawServer(worker, std::move(socket));  // its connection's end destroys it
}

}  // namespace weir::bench
