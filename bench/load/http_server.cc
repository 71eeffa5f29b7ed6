// The HTTP side of the origin.

#include <algorithm>
#include <charconv>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bench/load/incoming.h"
#include "source/base/arena.h"
#include "source/event/wakeable.h"
#include "source/http/h1/h1_codec.h"
#include "source/http/h2/h2_codec.h"
#include "source/http/h2/session_memory.h"

namespace weir::bench {
namespace {

using http::Part;

constexpr size_t kBufferBytes = 256 * 1024;
constexpr std::string_view kPreface = "PRI * HTTP/2.0";

http::h2::SessionMemory& sessionMemory() {
  static auto* const memory = new http::h2::SessionMemory();
  return *memory;
}

class Answer;
// Of one connection: requests that are never answered and end with it, which wakes it.
struct Held {
  event::Wakeable& connection;
  std::vector<std::unique_ptr<Answer>> answers;
};

// Answers one request. Destroys itself when both messages have ended, or belongs to `held`.
class Answer final : public http::StreamOwner, private event::Wakeable {
 public:
  Answer(const net::WorkerContext& worker, http::StreamPtr stream, Held& held)
      : Wakeable(worker.dispatcher),
        worker_(worker),
        arena_(worker.chunks),
        stream_(std::move(stream)),
        all_held_(held) {
    stream_->setOwner(*this, arena_);
    wake();
  }

 private:
  void wakeStream() override { wake(); }

  void onWake() override {
    while (!held_ && !ended_ && (!echo_ || stream_->room() > 0)) {
      std::optional<Part> part = stream_->receive();
      if (!part) break;
      switch (part->kind()) {
        case Part::Kind::kHead:
          onHead(part->head());
          break;
        case Part::Kind::kData:
          if (echo_) stream_->send(Part::makeData(std::move(part->data())));
          break;
        case Part::Kind::kEnd:
          ended_ = true;
          break;
        case Part::Kind::kFailed:
          delete this;
          return;
      }
    }
    if (!started_) return;
    sendBody();
    if (!ended_ || unsent_ > 0) return;
    stream_->send(Part::makeEnd(trailers_, worker_.blocks));
    delete this;
  }

  void onHead(const http::Head& request) {
    if (request.path == "/hold") {
      held_ = true;
      all_held_.answers.emplace_back(this);
      all_held_.connection.wake();
      return;
    }
    started_ = true;
    http::Head& head = *arena_.make<http::Head>(arena_);
    head.status = 200;
    head.version = request.version;
    if (!request.upgrade.empty()) {
      head.status = 101;
      head.upgrade = request.upgrade;
      echo_ = true;
    } else if (request.path == "/echo") {
      head.content_length = request.content_length;
      echo_ = true;
    } else if (request.path.starts_with("/grpc") || request.headers.get("content-type") == "application/grpc") {
      head.headers.add("content-type", "application/grpc");
      trailers_ = arena_.make<http::HeaderMap>(arena_);
      trailers_->add("grpc-status", "0");
      unsent_ = 100;
      buffer::Buffer prefix(worker_.blocks);
      prefix.append(std::string_view("\0\0\0\0\x64", 5));
      stream_->send(Part::makeHead(head, worker_.blocks));
      stream_->send(Part::makeData(std::move(prefix)));
      return;
    } else {
      const std::string_view size = request.path.substr(1);
      std::from_chars(size.data(), size.data() + size.size(), unsent_);
      head.content_length = unsent_;
      head.headers.add("content-type", "application/octet-stream");
    }
    stream_->send(Part::makeHead(head, worker_.blocks));
  }

  void sendBody() {
    static const std::string bytes(kBufferBytes, 'x');
    while (unsent_ > 0 && stream_->room() > 0) {
      const size_t now = std::min({unsent_, stream_->room(), bytes.size()});
      buffer::Buffer piece(worker_.blocks);
      piece.append(std::string_view(bytes).substr(0, now));
      stream_->send(Part::makeData(std::move(piece)));
      unsent_ -= now;
    }
  }

  const net::WorkerContext& worker_;
  base::Arena arena_;
  http::StreamPtr stream_;
  Held& all_held_;  // that of the connection; the stream does not outlive it
  http::HeaderMap* trailers_ = nullptr;
  size_t unsent_ = 0;
  bool echo_ = false;
  bool held_ = false;
  bool started_ = false;
  bool ended_ = false;
};

class HttpServer final : public event::Deletable,
                         private net::Session,
                         private http::CodecOwner,
                         private net::ReadWake,
                         private net::WriteWake {
 public:
  HttpServer(const net::WorkerContext& worker, std::unique_ptr<net::Socket> socket)
      : ReadWake(worker.dispatcher),
        WriteWake(worker.dispatcher),
        worker_(worker),
        connection_(worker.dispatcher, worker.blocks, std::move(socket), {kBufferBytes, kBufferBytes}, *this) {
    h2_.max_concurrent_streams = 1000;
    h2_.initial_stream_window = 1024 * 1024;
    h2_.initial_connection_window = 64 * 1024 * 1024;
  }

 private:
  void onInput(buffer::Buffer& input, bool end) override {
    if (codec_ == nullptr && !choose(input)) return;
    codec_->onInput(end);
    if (end) ReadWake::wake();  // for what is held
    closeWhenFinished();
  }
  void onRoom() override {
    if (codec_ != nullptr) codec_->onRoom();
  }
  void onClose(net::CloseReason) override {
    closed_ = true;
    held_.answers.clear();
    if (codec_ != nullptr) codec_->onConnectionLost(http::Reason::kUpstreamReset);
    ReadWake::wake();
  }
  void onStream(http::StreamPtr stream) override { new Answer(worker_, std::move(stream), held_); }
  void onOutput() override {
    WriteWake::wake();
    connection_.flush();
  }
  void onConsumed() override { connection_.consumed(); }
  void onStreamEnd() override { ReadWake::wake(); }
  void onReadPhase() override {
    if (closed_) {
      // The answers learn of it in their own wakes.
      if (codec_ != nullptr && codec_->streams() > 0) return ReadWake::wake();
      codec_.reset();
      worker_.dispatcher.deleteLater(std::unique_ptr<event::Deletable>(this));
      return;
    }
    if (codec_ == nullptr) return;
    // The end may come with the request, before that is held.
    if (connection_.inputEnded() && !held_.answers.empty()) return connection_.close(net::CloseReason::kLocal);
    codec_->onInput(connection_.inputEnded());
    closeWhenFinished();
  }
  void onWritePhase() override {
    if (codec_ == nullptr || closed_) return;
    codec_->beforeFlush();
    if (!connection_.output().empty()) connection_.flush();
  }

  event::Wakeable& readWake() {
    ReadWake& wake = *this;
    return wake;
  }

  void closeWhenFinished() {
    if (codec_->finished() && !std::exchange(closing_, true)) connection_.closeAfterFlush(absl::ZeroDuration());
  }

  bool choose(const buffer::Buffer& input) {
    char first[kPreface.size()];
    const size_t got = input.copyOut(0, first);
    const std::string_view seen(first, got);
    http::CodecOwner& owner = *this;
    if (seen == kPreface) {
      const http::h2::H2Io io{connection_.input(), connection_.output(), kBufferBytes,
                              worker_.chunks,      sessionMemory(),      worker_.dispatcher.turnTime()};
      codec_ = std::make_unique<http::h2::H2Codec>(http::Role::kServer, io, h2_, owner);
    } else if (!kPreface.starts_with(seen)) {
      const http::h1::H1Io io{connection_.input(), connection_.output(), kBufferBytes, worker_.chunks};
      codec_ = std::make_unique<http::h1::H1Codec>(http::Role::kServer, io, h1_, owner);
    }
    return codec_ != nullptr;
  }

  const net::WorkerContext& worker_;
  const http::h1::H1Options h1_;
  http::h2::H2Options h2_;
  net::Connection connection_;
  std::unique_ptr<http::Codec> codec_;
  Held held_{readWake(), {}};
  bool closing_ = false;
  bool closed_ = false;
};

}  // namespace

void serveHttp(const net::WorkerContext& worker, std::unique_ptr<net::Socket> socket) {
  new HttpServer(worker, std::move(socket));  // its connection's end destroys it
}

}  // namespace weir::bench
