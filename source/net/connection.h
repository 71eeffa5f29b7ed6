// Connection: pumps bytes between one Socket and one Session through two Buffers. Made and owned by whoever accepted
// or connected it, on one worker. Order of calls on the session: onOpen (upstream only) before all, then onInput and
// onRoom in any order, onClose exactly once and last.
//
// Flow (law 6): received bytes wait in input(); while it holds `read_limit` bytes, or reading is paused, the socket is
// not read, so the peer stalls. Sent bytes wait in output() until the flush phase of the turn writes them with one
// gathered write; room() is what may still be appended. Blocks go back to the pool as soon as they are empty.
//
// It never calls the session from inside a call of the session: close() and flush() take effect later in the turn.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "source/base/clock.h"
#include "source/buffer/buffer.h"
#include "source/event/dispatcher.h"
#include "source/event/poller.h"
#include "source/event/timer.h"
#include "source/event/wakeable.h"
#include "source/net/socket.h"

namespace weir::net {

enum class CloseReason : uint8_t {
  kLocal,           // weir closed it, after its output was written
  kLocalReset,      // weir dropped it
  kRemote,          // the peer closed both ways, or closed while nothing was expected of it
  kRemoteReset,     // ECONNRESET, EPIPE and the like; Connection::error() has the errno
  kConnectFailed,   // never opened
  kConnectTimeout,  // not open within the connect timeout
  kIdle,            // idle timeout
};
std::string_view closeReasonName(CloseReason reason);

class Session {
 public:
  virtual ~Session() = default;
  // An outgoing connection is open. Not called for accepted ones.
  virtual void onOpen() {}
  // Bytes have come, or `end`: the peer will send no more. Takes what it can from the front of `input`; what it
  // leaves is kept, and it must call Connection::consumed() when it takes more later.
  virtual void onInput(buffer::Buffer& input, bool end) = 0;
  // Output was written: room() has grown from under half to at least half of its limit, or is whole again.
  virtual void onRoom() = 0;
  // The connection is gone. Exactly once, last. `Connection` is still valid during the call, also what input() holds.
  virtual void onClose(CloseReason reason) = 0;
};

// Looks at what a session sends before it is written. Asked in the flush phase, when the session has appended to
// output() since the last time; never from inside another call.
class OutputFilter {
 public:
  // What it leaves in `fresh` is written now. What it takes it may give back in a later call, which flush() asks for.
  virtual void onOutput(buffer::Buffer& fresh) = 0;
  // How many bytes it keeps: they count as output that is not written yet.
  virtual size_t kept() const = 0;

 protected:
  ~OutputFilter() = default;
};

// The two places of a turn in which a Connection works. Bases and not members, so that they need no way back.
class ReadWake : public event::Wakeable {
 protected:
  explicit ReadWake(event::Dispatcher& dispatcher) : Wakeable(dispatcher, event::Phase::kRun) {}
  virtual void onReadPhase() = 0;

 private:
  void onWake() final { onReadPhase(); }
};
class WriteWake : public event::Wakeable {
 protected:
  explicit WriteWake(event::Dispatcher& dispatcher) : Wakeable(dispatcher, event::Phase::kFlush) {}
  virtual void onWritePhase() = 0;

 private:
  void onWake() final { onWritePhase(); }
};

class Connection final : public event::Deletable,
                         private event::ReadyHandler,
                         private event::TimerHandler,
                         private ReadWake,
                         private WriteWake {
 public:
  struct Limits {
    size_t read_bytes = 32 * 1024;   // input() holds at most this plus one read
    size_t write_bytes = 32 * 1024;  // room() starts from this
  };

  // Accepted: open at once. `session` must outlive the connection or be replaced before it ends.
  Connection(event::Dispatcher& dispatcher, buffer::BlockPool& pool, std::unique_ptr<Socket> socket, Limits limits,
             Session& session);
  // Outgoing: connecting; onOpen, or onClose with kConnectFailed or kConnectTimeout, follows.
  Connection(event::Dispatcher& dispatcher, buffer::BlockPool& pool, std::unique_ptr<Socket> socket, Limits limits,
             Session& session, absl::Duration connect_timeout);
  // What is left of an open connection while nothing happens on it.
  struct Rest {
    std::unique_ptr<Socket> socket;
    uint64_t bytes_read = 0;
    uint64_t bytes_written = 0;
  };
  // Goes on where park() has left off, on the same dispatcher.
  Connection(event::Dispatcher& dispatcher, buffer::BlockPool& pool, Rest rest, Limits limits, Session& session);
  ~Connection() override;

  enum class State : uint8_t { kConnecting, kOpen, kClosing, kClosed };
  State state() const { return state_; }
  bool open() const { return state_ == State::kOpen; }
  // Hands the connection to another session (a pooled connection taken into use). Not from inside a Session call.
  void setSession(Session& session) { session_ = &session; }

  buffer::Buffer& input() { return input_; }
  bool inputEnded() const { return input_ended_; }
  // The session took bytes from input() outside onInput(): reading may go on.
  void consumed() {
    if (readable_ && mayRead()) ReadWake::wake();
  }
  // A reader that may not read is not read. Reading starts enabled.
  void pauseReading(bool pause);

  // How many of the bytes that come behind those in input() need not be looked at: they are only passed on. When they
  // are many they stay in the kernel if they can (see Buffer); whoever looks at them all the same pays for it. Counted
  // down as they come. Lives as long as the connection.
  uint64_t& unseen() { return unseen_; }
  // Whether bytes that stay in the kernel can be read from it, and written to it, as they are.
  bool forwardsInKernel() const { return socket_->forwardsInKernel(); }

  buffer::Buffer& output() { return output_; }
  // Before anything is sent; must live as long as the connection is open. Without one, nothing looks at output.
  void setOutputFilter(OutputFilter& filter) { output_filter_ = &filter; }
  size_t room() const {
    if (state_ > State::kOpen || output_state_ != Output::kOpen) return 0;
    const size_t kept = output_filter_ == nullptr || output_failed_ ? 0 : output_filter_->kept();
    const size_t waiting = output_.size() + kept;
    return waiting < write_limit_ ? write_limit_ - waiting : 0;
  }
  // output() has something: write it in the flush phase of this turn.
  void flush() { WriteWake::wake(); }
  // FIN after all output is written; reading goes on (half-close).
  void finishOutput();

  // Closes after the output is written, then waits up to `linger` for the peer to close so that it can still read
  // what was sent (RFC 9112 section 9.6). onClose(kLocal) follows in a later turn.
  void closeAfterFlush(absl::Duration linger);
  // Drops it: unsent output is lost. onClose(reason) follows later in this turn or in the next.
  void close(CloseReason reason);

  // Gives up the socket, so that another worker may go on with it. Null, and nothing happens, unless the connection is
  // open, has nothing in its buffers or under way, and the socket can be released. After it the connection is closed
  // without a word to its session: onClose() does not come.
  std::unique_ptr<Socket> releaseSocket();

  // Whether park() finds nothing in its way: it is open both ways, with nothing in its buffers or under way. One that
  // must still be looked at once, to see that nothing was missed, is not yet; verify() has that done later in this
  // turn, and is false where there is nothing to look at.
  bool quiet() const;
  bool verify();
  // Gives up all but what is returned, from which another Connection is made when it goes on; `handler` is told of
  // edges until then. None, and nothing happens, unless it is quiet() and the socket can be handed over. After it the
  // connection is closed without a word to its session, like after releaseSocket().
  std::optional<Rest> park(event::ReadyHandler& handler);
  // The edge that ended the wait, for the Connection that was made anew.
  void goOn(event::Readiness ready) { onReady(ready); }

  // Closes with kIdle when no byte moved either way for `timeout`; zero or infinite switches it off. Lazy: costs a
  // store per read or write.
  void setIdleTimeout(absl::Duration timeout);
  base::MonotonicTime lastActivity() const { return last_activity_; }

  Address localAddress() const { return socket_->localAddress(); }
  Address remoteAddress() const { return socket_->remoteAddress(); }
  // What the transport knows of the peer; null for plain bytes. See Socket. Made when it is first asked for.
  const TransportInfo* transportInfo() const { return socket_->transportInfo(); }
  std::string peerCertificatePem(bool chain) const { return socket_->peerCertificatePem(chain); }
  uint64_t bytesRead() const { return bytes_read_; }
  uint64_t bytesWritten() const { return bytes_written_; }
  int error() const { return error_; }  // errno of the failure, or 0
  event::Dispatcher& dispatcher() const { return dispatcher_; }

 private:
  // What has happened, and is only seen inside.
  enum class Output : uint8_t { kOpen, kFinishing, kFinished };
  enum class Next : uint8_t { kNothing, kMore, kEnd, kFailed };

  Connection(event::Dispatcher& dispatcher, buffer::BlockPool& pool, std::unique_ptr<Socket> socket, Limits limits,
             Session& session, State state);
  void onReady(event::Readiness ready) override;
  void onTimer(event::Timer& timer) override;
  void onReadPhase() override;
  void onWritePhase() override;

  bool mayRead() const;
  void finishConnect();
  void readAndDeliver();
  Next fill(size_t& budget);
  IoResult readBlocks(size_t budget, size_t& asked);
  bool pipeWaits() const;
  bool mayFillInKernel() const;
  std::optional<Next> fillInKernel(size_t& budget);
  bool writeOnePiece();
  bool writePieces();
  bool writeAll();
  bool writeKernelPiece();
  bool noteWritten(const IoResult& result, size_t asked);
  void afterEnd(Next outcome);
  void discardInput(size_t& budget);
  void writeOnce();
  void filterOutput();
  // All output is written.
  bool outputEmpty() const { return output_.empty() && (output_filter_ == nullptr || output_filter_->kept() == 0); }
  void afterWrite(size_t room_before);
  void outputFailed(int error);
  void finish(CloseReason reason);
  // Open, and nothing is under way.
  bool resting() const;
  void forget();
  void scheduleTimer();
  bool timerWants(base::MonotonicTime& earliest) const;

  event::Dispatcher& dispatcher_;
  std::unique_ptr<Socket> socket_;
  Session* session_;
  buffer::Buffer input_;
  buffer::Buffer output_;
  uint32_t read_limit_;
  uint32_t write_limit_;
  event::Timer timer_;
  base::MonotonicTime last_activity_;
  base::MonotonicTime deadline_{0};        // of connecting or lingering; 0 when there is none
  int64_t idle_nanoseconds_ = 0;           // of the idle timeout; 0 when there is none
  OutputFilter* output_filter_ = nullptr;  // null for most
  uint64_t unseen_ = 0;
  uint64_t bytes_read_ = 0;
  uint64_t bytes_written_ = 0;
  uint32_t filtered_ = 0;  // so much of output_ has passed the filter
  uint32_t linger_milliseconds_ = 0;
  int16_t error_ = 0;
  State state_;
  CloseReason close_reason_ = CloseReason::kLocal;
  Output output_state_ = Output::kOpen;
  uint8_t read_blocks_ = 1;  // how much the next read asks for
  bool input_ended_ : 1 = false;
  bool paused_ : 1 = false;
  bool readable_ : 1 = false;    // the last read did not find the end of what is there
  bool to_the_end_ : 1 = false;  // the peer has closed: a short read is not the last one
  bool writable_ : 1 = true;
  bool close_wanted_ : 1 = false;
  bool output_failed_ : 1 = false;
  bool linger_wanted_ : 1 = false;
  bool continue_reading_ : 1 = false;  // this turn's share is used up
  bool unverified_ : 1 = false;        // see kVerifyAfter
  bool verify_scheduled_ : 1 = false;
  bool bulk_ : 1 = false;  // the last message was read into a pipe
};

}  // namespace weir::net
