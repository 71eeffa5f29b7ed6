// UpstreamConnection: one HTTP/1.1 connection of a ConnectionPool: socket, codec, and the deadlines that hold for it.
// Made and owned by its pool; one worker.
//
//   connecting -> idle <-> busy -> ending -> gone (destroyed at the end of the turn)
//
// Idle: no stream; any byte or the end of the peer's data ends it at once. Busy: one stream is out. Back to idle only
// if the codec says that every message was framed and complete. Ending: the socket is closed or closing, and a stream
// that is still out is waited for, because it looks into this connection's buffers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "source/base/clock.h"
#include "source/event/dispatcher.h"
#include "source/event/timer.h"
#include "source/event/wakeable.h"
#include "source/http/codec.h"
#include "source/net/connection.h"
#include "source/upstream/cluster.h"

namespace weir::upstream {

class ConnectionList;
class ConnectionPool;

class UpstreamConnection final : public event::Deletable,
                                 private net::Session,
                                 private http::CodecOwner,
                                 private event::TimerHandler,
                                 private event::Wakeable {
 public:
  // Starts to connect. A permit of the connection limit was taken for it.
  UpstreamConnection(ConnectionPool& pool, std::unique_ptr<net::Socket> socket);
  ~UpstreamConnection() override;

  // Only while idle; busy from then on.
  http::StreamPtr openStream();
  // Idle or connecting: closed now. Busy: after the stream.
  void close();

  bool reused() const { return requests_ > 1; }
  net::Address localAddress() const { return connection_.localAddress(); }

 private:
  friend class ConnectionList;
  friend class ConnectionPool;
  enum class State : uint8_t { kConnecting, kIdle, kBusy, kEnding };

  // Lets the codec say what it held back, right before the output is written.
  class BeforeFlush final : public event::Wakeable {
   public:
    explicit BeforeFlush(UpstreamConnection& owner);

   private:
    void onWake() override;
    UpstreamConnection& owner_;
  };

  // net::Session
  void onOpen() override;
  void onInput(buffer::Buffer& input, bool end) override;
  void onRoom() override;
  void onClose(net::CloseReason reason) override;
  // http::CodecOwner
  void onStream(http::StreamPtr stream) override;
  void onOutput() override;
  void onConsumed() override;
  void onStreamEnd() override;
  // event
  void onTimer(event::Timer& timer) override;
  void onWake() override;

  void streamGone();
  void becomeIdle();
  void end(net::CloseReason reason);
  void countBytes();
  void maybeGone();

  ConnectionPool& pool_;
  event::Timer idle_timer_;
  event::Timer duration_timer_;
  net::Connection connection_;
  std::unique_ptr<http::Codec> codec_;
  BeforeFlush before_flush_;
  const base::MonotonicTime started_;
  uint64_t requests_ = 0;
  uint64_t counted_read_ = 0;
  uint64_t counted_written_ = 0;
  State state_ = State::kConnecting;
  bool closed_ = false;    // onClose() came
  bool last_one_ = false;  // not kept after the stream that is out
  ConnectionList* list_ = nullptr;
  UpstreamConnection* next_ = nullptr;
  UpstreamConnection* previous_ = nullptr;
};

// Connections in one state; owns nothing by itself, the pool does.
class ConnectionList {
 public:
  ConnectionList() = default;
  ConnectionList(const ConnectionList&) = delete;
  ConnectionList& operator=(const ConnectionList&) = delete;

  bool empty() const { return first_ == nullptr; }
  size_t size() const { return size_; }
  UpstreamConnection* first() const { return first_; }
  UpstreamConnection* last() const { return last_; }
  void pushFront(UpstreamConnection& connection);
  // Takes it out of the list that it is in, if any.
  static void remove(UpstreamConnection& connection);

 private:
  UpstreamConnection* first_ = nullptr;
  UpstreamConnection* last_ = nullptr;
  size_t size_ = 0;
};

}  // namespace weir::upstream
