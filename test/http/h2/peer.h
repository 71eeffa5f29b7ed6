// Peer: one HTTP/2 codec with its buffers and an owner that writes down what happens, for tests and fuzz targets.
// Bytes go in by feed(), in pieces of any size; each stream is a Call, whose log() says what it received; what was
// written comes out of output().
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "source/base/arena.h"
#include "source/buffer/buffer.h"
#include "source/http/h2/h2_codec.h"

namespace weir::http::h2 {

class Peer;

class Call final : public StreamOwner {
 public:
  Call(Peer& peer, StreamPtr stream);
  ~Call();

  Head& newRequest(std::string_view method, std::string_view path, std::string_view authority = "h");
  Head& newResponse(uint16_t status);
  HeaderMap& newFields();
  void send(Head& head);
  void sendData(std::string_view data);
  void sendEnd(HeaderMap* trailers = nullptr);
  // A head and End; or with a body of this length.
  void request(std::string_view method, std::string_view path, std::string_view body = "");
  void respond(uint16_t status, std::string_view body = "");
  void release() { stream_.reset(); }

  bool live() const { return stream_ != nullptr; }
  Stream& stream() { return *stream_; }
  bool ended() const { return ended_; }
  Reason failure() const { return failure_; }
  // "GET http://h/ [name=value ...]", "data(bytes)" joined over parts, "end", "failed(reason)".
  const std::string& log() const { return log_; }
  bool pull = true;  // false: parts are left with the codec

  void take();

 private:
  void wakeStream() override;
  void logHead(const Head& head);

  Peer& peer_;
  base::Arena arena_;
  StreamPtr stream_;
  std::string log_;
  bool in_data_ = false;
  bool ended_ = false;
  Reason failure_ = Reason::kNone;
};

class Peer final : private CodecOwner {
 public:
  explicit Peer(Role role, const H2Options& options = {}, size_t write_limit = 64 * 1024);
  ~Peer();

  void feed(std::string_view bytes, bool end = false);
  void lose(Reason reason);
  // Lets every call take what it can.
  void pump();
  std::string output();
  // Client.
  Call& open();
  // Server: called when the request of a call has ended, whole or not.
  std::function<void(Call&)> on_end;
  // Server: new calls pull.
  bool pull = true;
  // Server: streams are dropped as soon as they are announced.
  bool drop = false;

  H2Codec& codec() { return *codec_; }
  std::vector<std::unique_ptr<Call>>& calls() { return calls_; }
  Call& call(size_t i) { return *calls_.at(i); }
  buffer::BlockPool& blocks() { return blocks_; }
  base::ChunkPool& chunks() { return chunks_; }
  SessionMemory& memory() { return memory_; }
  const std::vector<Reason>& refused() const { return refused_; }
  size_t outputs() const { return outputs_; }
  void pass(absl::Duration time) { now_ = now_ + time; }

 private:
  void onStream(StreamPtr stream) override;
  void onRefused(Reason reason) override { refused_.push_back(reason); }
  void onOutput() override { ++outputs_; }
  void onConsumed() override {}
  void onStreamEnd() override {}

  buffer::BlockPool blocks_;
  base::ChunkPool chunks_;
  SessionMemory memory_;
  base::MonotonicTime now_{1'000'000'000'000};
  buffer::Buffer in_{blocks_};
  buffer::Buffer out_{blocks_};
  const H2Options options_;
  std::unique_ptr<H2Codec> codec_;
  std::vector<std::unique_ptr<Call>> calls_;
  std::vector<Reason> refused_;
  size_t outputs_ = 0;
};

// Carries output both ways until there is none. Returns what both wrote, the client's first.
std::pair<std::string, std::string> settle(Peer& client, Peer& server);

}  // namespace weir::http::h2
