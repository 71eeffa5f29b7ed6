// HttpProbe: a request over HTTP/1.1 or HTTP/2 whose answer says whether the host is well; also gRPC's health protocol
// (grpc.health.v1.Health/Check). Main thread.
#pragma once

#include <memory>
#include <string>

#include "source/base/arena.h"
#include "source/event/wakeable.h"
#include "source/http/codec.h"
#include "source/http/stream.h"
#include "source/upstream/health/probe_connection.h"

namespace weir::upstream::health {

class HttpProbe final : public ProbeConnection, private http::CodecOwner, private http::StreamOwner {
 public:
  HttpProbe(const ProbeContext& context, const net::Address& address, std::string hostname, ProbeOwner& owner);
  ~HttpProbe() override;

 private:
  // Reads the stream in a turn of its own, and lets the codec have its last word before output is written.
  class Reader final : public event::Wakeable {
   public:
    explicit Reader(HttpProbe& probe) : Wakeable(probe.context().main.dispatcher), probe_(probe) {}

   private:
    void onWake() override { probe_.receive(); }
    HttpProbe& probe_;
  };
  class Writer final : public event::Wakeable {
   public:
    explicit Writer(HttpProbe& probe)
        : Wakeable(probe.context().main.dispatcher, event::Phase::kFlush), probe_(probe) {}

   private:
    void onWake() override { probe_.beforeFlush(); }
    HttpProbe& probe_;
  };

  void sendQuestion() override;
  void dropConnection() override;
  void onInput(buffer::Buffer& input, bool end) override;
  void onStream(http::StreamPtr) override {}
  void onOutput() override;
  void onConsumed() override { connection().consumed(); }
  void onStreamEnd() override {}
  void wakeStream() override { reader_.wake(); }

  void makeCodec();
  void receive();
  void beforeFlush();
  http::Head& makeHead();
  void judge();
  void judgeHttp(const HttpCheck& check);
  void judgeGrpc();
  void fail(CheckResult result, std::string why) { answer(result, std::move(why), false); }
  void pass();
  size_t bodyBytes() const;

  base::Arena arena_;
  Reader reader_;
  Writer writer_;
  std::unique_ptr<http::Codec> codec_;
  http::StreamPtr stream_;
  uint16_t status_ = 0;
  bool degraded_ = false;
  bool only_head_ = false;
  std::string grpc_status_;
  std::string body_;
};

}  // namespace weir::upstream::health
