// Peer: one HTTP/1 codec with its buffers and an owner that writes down what happens, for tests and fuzz targets.
// Bytes go in by feed(), in pieces of any size; what streams received stands in log(), what was written in output().
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "source/base/arena.h"
#include "source/buffer/buffer.h"
#include "source/http/h1/h1_codec.h"

namespace weir::http::h1 {

class Peer final : private CodecOwner, private StreamOwner {
 public:
  // A server that answers every whole request by itself calls onRequestEnd, which may send() and releaseStream().
  Peer(Role role, const H1Options& options, size_t write_limit = 64 * 1024);
  ~Peer();

  void feed(std::string_view bytes, bool end = false);
  void lose(Reason reason);
  // Pulls parts until there are none, again and again while something was woken.
  void pump();
  // Server: called when a request has ended (End or Failed), with its stream still live.
  std::function<void(bool failed)> on_end;
  bool pull = true;  // false: parts are left in the input

  void openStream();
  void releaseStream();
  bool live() const { return stream_ != nullptr; }
  Stream& stream() { return *stream_; }
  H1Codec& codec() { return *codec_; }
  buffer::Buffer& in() { return in_; }

  Head& newHead();
  Head& newRequest(std::string_view method, std::string_view path, std::string_view authority = "h");
  Head& newResponse(uint16_t status);
  void send(Head& head) { stream_->send(Part::makeHead(head, blocks_)); }
  void sendData(std::string_view data);
  void sendEnd(HeaderMap* trailers = nullptr) { stream_->send(Part::makeEnd(trailers, blocks_)); }
  // A response with this body and a length, sent whole; the stream is released.
  void respond(uint16_t status, std::string_view body = "");

  // All that was written since the last call, after a flush.
  std::string output();
  // "GET http://h/path HTTP/1.1 [name=value ...]", "data(bytes)" (joined over parts), "end", "failed(reason)" ...
  const std::string& log() const { return log_; }
  std::string takeLog();
  size_t requests() const { return requests_; }
  size_t stream_ends() const { return stream_ends_; }
  size_t consumed() const { return consumed_; }

 private:
  void onStream(StreamPtr stream) override;
  void onOutput() override { ++outputs_; }
  void onConsumed() override { ++consumed_; }
  void onStreamEnd() override { ++stream_ends_; }
  void wakeStream() override { woken_ = true; }
  bool takePart();
  void logHead(const Head& head);
  void closeData();

  buffer::BlockPool blocks_;
  base::ChunkPool chunks_;
  buffer::Buffer in_{blocks_};
  buffer::Buffer out_{blocks_};
  std::unique_ptr<base::Arena> arena_;
  std::unique_ptr<H1Codec> codec_;
  StreamPtr stream_;
  std::string log_;
  bool in_data_ = false;
  bool ended_ = false;
  bool woken_ = false;
  size_t requests_ = 0;
  size_t outputs_ = 0;
  size_t consumed_ = 0;
  size_t stream_ends_ = 0;
};

}  // namespace weir::http::h1
