// HttpClient: requests over one connection that speaks HTTP/1.1 or HTTP/2 through weir's own codecs, as many at once
// as the plan has streams. Connects when the first is due, and again when the connection was lost or each request
// wants its own. Owned by main.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "bench/load/outgoing.h"
#include "source/base/arena.h"
#include "source/event/wakeable.h"
#include "source/http/codec.h"
#include "source/http/h1/options.h"
#include "source/http/h2/options.h"
#include "source/http/h2/session_memory.h"
#include "source/http/stream.h"

namespace weir::bench {

class HttpClient final : public Client, private net::Session, private http::CodecOwner, private event::Wakeable {
 public:
  explicit HttpClient(const Outgoing& outgoing);
  ~HttpClient() override;
  void begin(base::MonotonicTime due) override;

 private:
  // Before the connection writes, the codec has its last word.
  class BeforeFlush final : public event::Wakeable {
   public:
    explicit BeforeFlush(HttpClient& client)
        : Wakeable(client.outgoing_.worker.dispatcher, event::Phase::kFlush), client_(client) {}

   private:
    void onWake() override;
    HttpClient& client_;
  };

  // One request at a time.
  struct Slot final : http::StreamOwner {
    explicit Slot(HttpClient& owner) : client(owner), arena(owner.outgoing_.worker.chunks) {}
    void wakeStream() override;

    HttpClient& client;
    base::Arena arena;
    http::StreamPtr stream;
    std::optional<base::MonotonicTime> due;
    size_t unsent = 0;    // of the request's body
    size_t received = 0;  // of the response's
    bool sent_end = false;
    bool good = false;
    bool woken = false;
    bool announced = false;  // the run knows that there is room
    size_t echo = 0;         // WebSocket: bytes that have to come
  };

  void onOpen() override;
  void onInput(buffer::Buffer& input, bool end) override;
  void onRoom() override { codec_->onRoom(); }
  void onClose(net::CloseReason reason) override;
  void onStream(http::StreamPtr) override {}
  void onOutput() override;
  void onConsumed() override { connection_->consumed(); }
  void onStreamEnd() override { wake(); }
  void onWake() override;

  bool websocket() const { return outgoing_.plan.traffic == Traffic::kWebSocket; }
  bool http2() const { return outgoing_.plan.traffic == Traffic::kHttp2 || outgoing_.plan.traffic == Traffic::kGrpc; }
  void makeCodec();
  void sendWaiting();
  void send(Slot& slot);
  void sendBody(Slot& slot);
  void sendMessage(Slot& slot);
  void receive(Slot& slot);
  void onHead(Slot& slot, const http::Head& head);
  void onEnd(Slot& slot, const http::HeaderMap* trailers);
  void finish(Slot& slot, bool good);
  void announce();

  const Outgoing outgoing_;
  const http::h1::H1Options h1_;
  http::h2::H2Options h2_;
  http::h2::SessionMemory memory_;
  std::unique_ptr<net::Connection> connection_;
  std::unique_ptr<http::Codec> codec_;
  BeforeFlush before_flush_;
  std::vector<std::unique_ptr<Slot>> slots_;
  std::vector<Slot*> woken_;
  std::vector<Slot*> waiting_;  // begun, and not on the wire
  bool closing_ = false;
};

}  // namespace weir::bench
