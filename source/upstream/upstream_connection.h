// UpstreamConnection: one HTTP/1.1 connection to a host: socket, codec, and the deadlines that hold for it. Made by a
// ConnectionPool and owned by the lists of its HostConnections; destroys itself at the end of the turn in which
// nothing of it is left. One worker. It tells the pool nothing: it moves itself to the list of its state and wakes
// whoever looks at the lists.
//
//   connecting -> idle <-> busy -> ending -> gone
//
// Idle: no stream is out; any byte or the end of the peer's data ends it at once. Busy: one stream is out; idle again
// only if the codec says that every message was framed and complete. Ending: the socket is closed or closing, and a
// stream that is still out is waited for, because it looks into this connection's buffers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "source/base/clock.h"
#include "source/event/dispatcher.h"
#include "source/event/timer.h"
#include "source/event/wakeable.h"
#include "source/http/codec.h"
#include "source/http/reason.h"
#include "source/net/connection.h"
#include "source/upstream/cluster_shard.h"

namespace weir::upstream {

class UpstreamConnection;

// Connections in one state, those used last first. The destructor destroys what is in it.
class ConnectionList {
 public:
  ConnectionList() = default;
  ~ConnectionList();
  ConnectionList(const ConnectionList&) = delete;
  ConnectionList& operator=(const ConnectionList&) = delete;

  bool empty() const { return first_ == nullptr; }
  size_t size() const { return size_; }
  UpstreamConnection* first() const { return first_; }
  UpstreamConnection* last() const { return last_; }
  // Takes it out of the list that it was in.
  void pushFront(UpstreamConnection& connection);
  static void remove(UpstreamConnection& connection);

 private:
  UpstreamConnection* first_ = nullptr;
  UpstreamConnection* last_ = nullptr;
  size_t size_ = 0;
};

// The connections of one worker to one host for one priority. Outlives them.
struct HostConnections {
  ClusterShard& shard;
  const uint32_t host;  // index in the cluster
  const Priority priority;
  event::Wakeable& changed;  // woken when a connection became idle, failed or ended

  ConnectionList connecting;
  ConnectionList idle;
  ConnectionList busy;
  ConnectionList ending;
  // Attempts to connect that failed and that nobody was told of yet; why the last one did.
  size_t failures = 0;
  http::Reason failure = http::Reason::kNone;

  size_t size() const { return connecting.size() + idle.size() + busy.size() + ending.size(); }
};

class UpstreamConnection final : public event::Deletable,
                                 private net::Session,
                                 private http::CodecOwner,
                                 private event::TimerHandler,
                                 private event::Wakeable {
 public:
  // Begins to connect over `socket`, which was made for it. A permit of the connection limit was taken for it and is
  // given back when it ends. Belongs to `home` from then on.
  static void start(HostConnections& home, std::unique_ptr<net::Socket> socket);
  ~UpstreamConnection() override;

  // Only while idle. A permit of the request limit was taken for it and is given back when the stream is released.
  // `holds_retry`: so was one of the limit of retries.
  http::StreamPtr openStream(bool holds_retry);
  // Connecting or idle: ends now. Busy: ends after the stream.
  void close();

  bool reused() const { return requests_ > 1; }
  net::Address localAddress() const { return connection_.localAddress(); }

 private:
  friend class ConnectionList;
  enum class State : uint8_t { kConnecting, kIdle, kBusy, kEnding };

  // Lets the codec say what it held back, right before the output is written.
  class BeforeFlush final : public event::Wakeable {
   public:
    explicit BeforeFlush(UpstreamConnection& owner);
    bool running() const { return running_; }

   private:
    void onWake() override;
    UpstreamConnection& owner_;
    bool running_ = false;
  };

  UpstreamConnection(HostConnections& home, std::unique_ptr<net::Socket> socket);

  void onOpen() override;
  void onInput(buffer::Buffer& input, bool end) override;
  void onRoom() override;
  void onClose(net::CloseReason reason) override;
  void onStream(http::StreamPtr stream) override;
  void onOutput() override;
  void onConsumed() override;
  void onStreamEnd() override;
  void onTimer(event::Timer& timer) override;
  void onWake() override;

  const ClusterConfig& config() const { return home_.shard.config(); }
  const ClusterStats& stats() const { return home_.shard.stats(); }
  stats::Shard& counts() const { return home_.shard.worker.stats; }
  void becomeIdle();
  bool mayBeKept() const;
  void end(net::CloseReason reason);
  void countRequestEnd();
  void countBytes();
  void countEnd();

  HostConnections& home_;
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
  bool counted_ = true;       // holds a connection permit
  bool stream_out_ = false;   // holds a request permit
  bool holds_retry_ = false;  // and one of the limit of retries
  bool closed_ = false;       // the socket is
  bool last_one_ = false;     // not kept after the stream that is out
  ConnectionList* list_ = nullptr;
  UpstreamConnection* next_ = nullptr;
  UpstreamConnection* previous_ = nullptr;
};

}  // namespace weir::upstream
