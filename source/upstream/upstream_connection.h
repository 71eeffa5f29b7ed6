// UpstreamConnection: one connection to a host: socket, codec, and the deadlines that hold for it. Made by a
// ConnectionPool and owned by the lists of its HostConnections; destroys itself at the end of the turn in which
// nothing of it is left. One worker. It tells the pool nothing: it moves itself to the list of its state and wakes
// whoever looks at the lists.
//
//   connecting -> idle <-> (sharing <->) busy -> ending -> gone
//
// Idle: no stream is out; with HTTP/1, any byte or the end of the peer's data ends it at once. Sharing: streams are
// out and there is room for more; HTTP/2 alone. Busy: no more streams now, or ever. It is idle again only if the codec
// says that every message was framed and complete (HTTP/1), or that the peer did not end it (HTTP/2). Ending: the
// socket is closed or closing, and streams that are still out are waited for, because they look into this connection's
// buffers. An idle one whose worker has no use for it leaves its socket to other workers (ShelfKeeper), and is gone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "source/base/clock.h"
#include "source/event/dispatcher.h"
#include "source/event/timer.h"
#include "source/event/wakeable.h"
#include "source/http/codec.h"
#include "source/http/keepalive.h"
#include "source/http/reason.h"
#include "source/net/connection.h"
#include "source/upstream/cluster_shard.h"
#include "source/upstream/idle_shelf.h"

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
  // Behind it in its list; null at the end.
  static const UpstreamConnection* next(const UpstreamConnection& connection);
  // Takes it out of the list that it was in.
  void pushFront(UpstreamConnection& connection);
  static void remove(UpstreamConnection& connection);

 private:
  UpstreamConnection* first_ = nullptr;
  UpstreamConnection* last_ = nullptr;
  size_t size_ = 0;
};

// The connections of one worker to one host for one priority and version. Outlives them.
struct HostConnections {
  HostConnections(ClusterShard& shard, uint32_t host, Priority priority, http::Version version,
                  event::Wakeable& changed);

  ClusterShard& shard;
  const uint32_t host;  // its slot
  const Priority priority;
  const http::Version version;  // without meaning where the connections negotiate it
  event::Wakeable& changed;     // woken when a connection failed or ended, or can take a stream that is awaited

  ConnectionList connecting;
  ConnectionList idle;
  ConnectionList sharing;
  ConnectionList busy;
  ConnectionList ending;
  // How many streams a new connection is expected to carry: what the host allowed last, our own limit before.
  size_t streams_each;
  bool awaited = false;  // somebody may wait for a connection
  // Attempts to connect that failed and that nobody was told of yet; why the last one did.
  size_t failures = 0;
  http::Reason failure = http::Reason::kNone;
  std::shared_ptr<const net::TransportInfo> failed_transport;  // of that one; null for plain bytes
  size_t streams = 0;                                          // on all of them

  size_t carrying() const { return sharing.size() + busy.size(); }
  size_t size() const { return connecting.size() + idle.size() + carrying() + ending.size(); }
};

class UpstreamConnection final : public event::Deletable,
                                 private net::Session,
                                 private http::CodecOwner,
                                 private http::KeepaliveOwner,
                                 private event::TimerHandler,
                                 private event::Wakeable {
 public:
  // Begins to connect over `socket`, which was made for it. A permit of the connection limit was taken for it and is
  // given back when it ends. Belongs to `home` from then on.
  static void start(HostConnections& home, std::unique_ptr<net::Socket> socket);
  // Goes on with one that was left to whoever needs it: idle at once. It brings its permit.
  static void resume(HostConnections& home, IdleShelf::Idle idle);
  ~UpstreamConnection() override;

  // Idle or sharing: how many streams it can take.
  size_t freeStreams() const;
  // Idle or sharing: whether it can take a stream now. If not, it leaves the list that it is in.
  bool ready() { return multiplex_ == nullptr || canServe() || (withdraw(), false); }
  // Only while ready(). A permit of the request limit was taken for it and is given back when the stream is released.
  http::StreamPtr openStream();
  // Connecting or idle: ends now. Else: ends after the streams that are out.
  void close();

  bool reused() const { return requests_ > 1; }
  bool multiplexed() const { return multiplex_ != nullptr; }
  net::Address localAddress() const { return connection_.localAddress(); }
  std::shared_ptr<const net::TransportInfo> transport() const;

 private:
  friend class ConnectionList;
  enum class State : uint8_t { kConnecting, kIdle, kSharing, kBusy, kEnding };

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

  // What only HTTP/2 needs.
  struct Multiplex {
    explicit Multiplex(UpstreamConnection& owner);
    std::optional<http::Keepalive> keepalive;
    event::Timer patience;  // for the last words to be written
    bool heard = false;     // the peer has said something, its SETTINGS to begin with
  };

  UpstreamConnection(HostConnections& home, std::unique_ptr<net::Socket> socket);
  UpstreamConnection(HostConnections& home, IdleShelf::Idle idle);

  void onOpen() override;
  void onInput(buffer::Buffer& input, bool end) override;
  void onRoom() override;
  void onClose(net::CloseReason reason) override;
  void onStream(http::StreamPtr stream) override;
  void onOutput() override;
  void onConsumed() override;
  void onStreamEnd() override;
  void onPeerDead() override;
  void onTimer(event::Timer& timer) override;
  void onWake() override;

  const ClusterConfig& config() const { return home_.shard.config(); }
  const ClusterStats& stats() const { return home_.shard.stats(); }
  stats::Shard& counts() const { return home_.shard.worker.stats; }
  bool speaksHttp2() const;
  void makeCodec();
  bool active() const { return state_ == State::kIdle || state_ == State::kSharing || state_ == State::kBusy; }
  bool canServe() const;
  void moveTo(State state, ConnectionList& list);
  void withdraw();
  void place();
  void onFrames(bool end_of_input);
  void becomeIdle();
  bool goesToShelf() const;
  void onIdleTimer();
  bool leaveToOthers();
  bool mayBeKept() const;
  void end(net::CloseReason reason);
  void endAfterFlush();
  void countRequestEnds();
  void countError();
  void countBytes();
  void countEnd();

  HostConnections& home_;
  event::Timer idle_timer_;
  event::Timer duration_timer_;
  net::Connection connection_;
  std::unique_ptr<http::Codec> codec_;  // none while connecting
  std::unique_ptr<Multiplex> multiplex_;
  BeforeFlush before_flush_;
  const base::MonotonicTime started_;
  uint64_t requests_ = 0;
  uint64_t counted_read_ = 0;
  uint64_t counted_written_ = 0;
  size_t streams_out_ = 0;  // each holds a request permit
  State state_ = State::kConnecting;
  bool counted_ = true;         // holds a connection permit
  bool closed_ = false;         // the socket is
  bool last_one_ = false;       // takes no more streams after those that are out
  bool error_counted_ = false;  // what the peer did wrong
  bool kept_ = false;           // idle: has been for a while, and stays here for as long as it may
  ConnectionList* list_ = nullptr;
  UpstreamConnection* next_ = nullptr;
  UpstreamConnection* previous_ = nullptr;
};

}  // namespace weir::upstream
