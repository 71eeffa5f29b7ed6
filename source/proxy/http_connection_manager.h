// HttpConnectionManager: the terminal session of a downstream connection that speaks HTTP: runs the codec over the
// connection's buffers and opens an Exchange for each request. Made by its factory when the connection was accepted,
// owned by the DownstreamConnection; one worker.
//
// Which codec it is, the first bytes decide; until then there is none. While a connection is idle there is nothing but
// this object and, for HTTP/2, its codec: that of HTTP/1 goes back to the pool when a request is over, as nothing is
// left in it to remember. One that stays idle goes too, if it speaks HTTP/1: what rest() tells is all there is to know
// of it, and its factory makes it anew for the next request. One timer holds the nearest deadline of the connection; it
// is moved only when one comes nearer.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <vector>

#include "source/event/timer.h"
#include "source/event/wakeable.h"
#include "source/filter/connection_states.h"
#include "source/http/h1/h1_codec.h"
#include "source/http/h2/h2_codec.h"
#include "source/http/keepalive.h"
#include "source/proxy/exchange.h"
#include "source/proxy/exchange_pool.h"
#include "source/proxy/http_connection_manager_config.h"
#include "source/proxy/session_factory.h"

namespace weir::proxy {

class HttpConnectionManager final : public TerminalSession,
                                    private http::CodecOwner,
                                    private http::KeepaliveOwner,
                                    private event::TimerHandler,
                                    private net::ReadWake,
                                    private net::WriteWake {
 public:
  HttpConnectionManager(const HttpConnectionManagerConfig& config, const Services& services,
                        net::Connection& connection, const DownstreamInfo& info);
  ~HttpConnectionManager() override;
  // Its memory is of the worker's pool.
  static void* operator new(size_t bytes, SizedPool& pool) { return pool.take(bytes); }
  static void operator delete(void* memory, SizedPool& pool) { pool.give(memory); }
  static void operator delete(HttpConnectionManager* self, std::destroying_delete_t);

  void onAccepted() override;
  void drain() override;
  bool rests() const override { return http2_ == nullptr; }
  std::optional<SessionRest> rest() const override;
  void leave() override { closed_ = true; }
  // Goes on where another one has rested.
  void resume(const SessionRest& rest, base::MonotonicTime opened);
  void onInput(buffer::Buffer& input, bool end) override;
  void onRoom() override;
  void onClose(net::CloseReason reason) override;

  // From an exchange. It is over, logged and counted: destroys it.
  void onExchangeOver(Exchange& exchange);
  // A final response head is about to be written: the last moment to say that the connection closes.
  void beforeResponseHead();
  // What x-forwarded-client-cert says of this client; made once, empty when it showed no certificate.
  std::string_view clientCertificate();
  // What filters keep for this connection.
  filter::ConnectionStates& states() { return states_; }

 private:
  // What HTTP/2 takes, on the heap so that idle HTTP/1 connections do not grow by it.
  struct Http2 {
    http::h2::H2Codec codec;
    std::optional<http::Keepalive> keepalive;
    base::MonotonicTime last_goaway_at;  // the second step of draining, if the client has not answered by then
    bool announced = false;              // the first step was made
  };

  static constexpr base::MonotonicTime kNever{std::numeric_limits<int64_t>::max()};

  void onStream(http::StreamPtr stream) override;
  void onRefused(http::Reason reason) override;
  void onOutput() override;
  void onConsumed() override { connection_.consumed(); }
  void onStreamEnd() override;
  void onPeerDead() override;
  // Goes on with the input after a stream has ended.
  void onReadPhase() override;
  // Just before the connection writes.
  void onWritePhase() override;
  void onTimer(event::Timer& timer) override;

  bool chooseCodec(bool end);
  void makeHttp1();
  void makeHttp2();
  void dropHttp1();
  void dropIdleCodec();
  void runCodec(bool end);
  void noteInput(bool end);
  bool finished() const { return codec_ == nullptr ? over_ : codec_->finished(); }
  void closeWhenFinished();
  void endAll(http::Reason reason);
  void noteError();
  void logWithoutExchange(http::Reason reason, uint16_t status);
  // What is left to be written although nothing is worked on any more.
  bool awaitsFlush() const { return finished() || (http2() != nullptr && http2()->codec.unsentStreams() > 0); }
  bool idle() const { return first_ == nullptr && !head_pending_ && !awaitsFlush(); }
  // Nothing has come nearer since the timer was armed for an idle connection: that deadline and that of its age only
  // move away.
  bool timerStands() const {
    return armed_idle_ && http2_ == nullptr && !head_pending_ && !closing_ && drain_at_ == kNever &&
           flush_check_at_ == kNever && !finished();
  }
  base::MonotonicTime nearestDeadline() const;
  void scheduleTimer();
  void checkFlush();
  void refuseHead();
  void startDraining();
  void drainCodec();
  Http2* http2() const { return http2_.get(); }
  base::MonotonicTime now() const { return services_.worker.dispatcher.now(); }
  stats::Shard& shard() const { return services_.worker.stats; }

  const HttpConnectionManagerConfig& config_;
  const Services& services_;
  net::Connection& connection_;
  const DownstreamInfo& info_;
  filter::ConnectionStates states_;
  http::h1::H1Codec* http1_ = nullptr;  // of the pool
  std::unique_ptr<Http2> http2_;
  http::Codec* codec_ = nullptr;  // one of the two
  event::Timer timer_;
  std::unique_ptr<const std::string> client_certificate_;
  Exchange* first_ = nullptr;
  uint64_t requests_ = 0;
  uint64_t flushed_ = 0;  // bytes that the client had taken when that was last looked at
  base::MonotonicTime opened_;
  base::MonotonicTime idle_since_;
  base::MonotonicTime head_since_;  // when the head that is pending began
  base::MonotonicTime armed_until_;
  base::MonotonicTime drain_at_;        // the connection is too old: when it is closed if no request comes
  base::MonotonicTime flush_check_at_;  // when the client must have taken more of what is left for it
  bool too_old_ = false;                // likewise, and it is not closed without a request
  bool speaks_http1_ = false;
  bool head_pending_ = false;
  bool armed_idle_ = false;  // the timer is no later than an idle connection is to be closed
  bool client_finished_ = false;
  bool draining_ = false;
  bool over_ = false;  // without a codec: nothing is wanted any more
  bool closing_ = false;
  bool closed_ = false;
  bool error_noted_ = false;
};

class HttpConnectionManagerFactory final : public SessionFactory {
 public:
  // `clusters` are those that the routes name.
  HttpConnectionManagerFactory(std::unique_ptr<const HttpConnectionManagerConfig> config,
                               std::vector<std::string> clusters)
      : config_(std::move(config)), clusters_(std::move(clusters)) {}

  const HttpConnectionManagerConfig& config() const { return *config_; }
  std::unique_ptr<TerminalSession> create(const Services& services, net::Connection& connection,
                                          const DownstreamInfo& info) const override;
  bool rests() const override { return true; }
  std::unique_ptr<TerminalSession> resume(const Services& services, net::Connection& connection,
                                          const DownstreamInfo& info, const SessionRest& rest,
                                          base::MonotonicTime opened) const override;
  std::vector<std::string> clusters() const override { return clusters_; }
  // A head at its limit must fit, and the codec must see that one is above it.
  size_t inputBytes() const override { return config_->h1.limits.head_bytes + 1024; }

 private:
  std::unique_ptr<const HttpConnectionManagerConfig> config_;
  std::vector<std::string> clusters_;
};

}  // namespace weir::proxy
