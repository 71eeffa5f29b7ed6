// H2Stream: one request and its response on an HTTP/2 connection, in either role. Made by the codec in the memory of
// the worker's sessions and handed out as a StreamPtr. When it is released with something still to be written, it
// stays, owned by the codec's list, until that is out or the stream is closed; then it frees itself.
//
// A head is held back until the part behind it is known, so that a message without a body is one frame; the codec lets
// it go before output is written. What was queued by send() is written in turn when the windows allow (law 6); what
// came gives its credit back when receive() hands it out.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include "source/base/arena.h"
#include "source/buffer/buffer.h"
#include "source/http/h2/frame.h"
#include "source/http/h2/wire.h"
#include "source/http/stream.h"

namespace weir::http::h2 {

class H2Stream final : public Stream {
 public:
  // `id` 0: a request to be sent.
  static H2Stream& make(Wire& wire, uint32_t id);

  // From the reader.
  // A head or trailers have been received whole; the wire's receiver has them.
  void onHead(bool ends);
  void onTrailers();
  // A DATA frame of this length begins. False when the window has no room for it: the stream is reset.
  bool onDataFrame(uint32_t length);
  void onDataFound(size_t bytes);  // are at the front of the input
  // Of a DATA frame, and no data.
  void onPadding(size_t bytes) { credit(bytes); }
  void onEnd();
  // The peer did something wrong: resets the stream; the reader gets Failed(reason).
  void fault(Reason reason, ErrorCode code = ErrorCode::kProtocol);
  // The stream is over: both sides ended it, or the peer reset it with `code`. It may be gone afterwards.
  void onClosed(ErrorCode code);
  // WINDOW_UPDATE, or another initial window. False when that is more than a window can be.
  bool onWindow(int64_t by);
  void onOwnWindow(int64_t by) { receive_window_ += by; }
  bool peerEnded() const { return peer_ended_; }
  bool awaitsHead() const { return !has_head_; }

  // From the wire, while it is ready: writes at most one frame of DATA, or its end. Whether it is ready again, behind
  // the others; it may be gone when it is not.
  bool writeSome();

  // From the codec.
  // Writes the head, if that was held back and may go; otherwise puts it behind the others. Whether it is done with.
  bool commit();
  void onConnectionLost();
  // No more input comes: what was received whole goes on.
  void onInputEnded();
  void onRoom() { wake(); }
  void drop();
  bool released() const { return !live_; }
  // Released: whether this was asked before.
  bool overdue() { return std::exchange(overdue_, true); }
  uint32_t id() const { return id_; }
  H2Stream* next() const { return next_; }

  // For the lists and the table that it is in.
  struct Links {
    H2Stream* in_bucket = nullptr;
    H2Stream* before = nullptr;
    H2Stream* after = nullptr;
  } links;

  // For the user of the stream.
  void setOwner(StreamOwner& owner, base::Arena& arena) override;
  std::optional<Part> receive() override;
  size_t room() const override;
  void send(Part part) override;
  void reset(Reason reason) override;
  Reason lost() const override { return lost_; }
  bool unprocessed() const override { return unprocessed_; }

 private:
  struct HeadNode {
    Head* head;
    HeadNode* next;
  };
  // The peer's message: its end has been received, or it broke off; then the reader knows.
  enum class In : uint8_t { kOpen, kEnded, kFailed, kDone };
  // The own message: End was sent by the user; nothing more is sent.
  enum class Out : uint8_t { kOpen, kEnded, kDone };
  // A tunnel opens with the final response.
  enum class Tunnel : uint8_t { kNo, kAsked, kOpen, kRefused };

  enum class Queue : uint8_t { kNone, kHeld, kReady };

  H2Stream(Wire& wire, uint32_t id);
  ~H2Stream() override;
  void release() override;
  void destroy();

  void sendHead(Head& head);
  void sendData(buffer::Buffer data);
  void sendEnd(const HeaderMap* trailers);
  bool mayCommit();
  bool writeHead(const Head& head, bool ends);
  void sendInterim(const Head& head);
  void writeTrailers();
  void onEndSent();
  void onNotSent();
  uint16_t wireStatus(const Head& head) const;
  void noteResponse(Head& head);
  ErrorCode codeOfRelease() const;
  void settleTunnel(bool opens);
  bool countReceived(size_t bytes);
  void dropReceived();
  void dropQueued();
  void credit(size_t bytes);
  void resetWith(ErrorCode code);
  void detach();
  void enter(Queue queue);
  void finishReceiving();
  bool mayWrite() const { return !wire_.finished; }
  void breakOwn();
  void fail(Reason reason);
  void resume();
  void wake();
  Reason lostReason() const;
  // The client still sends into a tunnel that it was refused.
  bool discards() const { return wire_.server() && tunnel_ == Tunnel::kRefused; }

  Wire& wire_;
  StreamOwner* owner_ = nullptr;
  base::Arena* arena_ = nullptr;
  H2Stream* next_ = nullptr;
  H2Stream* previous_ = nullptr;
  uint32_t id_;

  // The peer's message.
  HeadNode* heads_ = nullptr;
  buffer::Buffer body_;
  HeaderMap* trailers_ = nullptr;
  std::optional<uint64_t> expected_;  // bytes of DATA still to come by its content-length
  uint32_t interim_heads_ = 0;
  Reason failure_ = Reason::kNone;
  Reason lost_ = Reason::kNone;
  In in_ = In::kOpen;

  // The own message.
  Out out_ = Out::kOpen;
  Tunnel tunnel_ = Tunnel::kNo;
  std::string_view upgrade_;  // that the request asks for; in the arena
  const Head* held_ = nullptr;
  buffer::Buffer queue_;
  std::optional<uint64_t> left_;  // bytes of DATA still to be sent by its content-length
  base::Arena tail_;              // trailers that wait for the data before them
  const HeaderMap* tail_fields_ = nullptr;

  int64_t send_window_;
  int64_t receive_window_;
  int64_t owed_ = 0;  // taken, and not given back yet
  Queue queue_in_ = Queue::kNone;

  bool live_ = true;
  bool closed_ = false;       // on the wire
  bool submitted_ = false;    // the final head was written
  bool has_head_ = false;     // the peer's final one
  bool is_head_ = false;      // the request is HEAD
  bool no_body_in_ = false;   // what comes must be empty
  bool no_body_out_ = false;  // what is sent has a body in name only
  bool extended_ = false;     // the request is an extended CONNECT
  bool unprocessed_ = false;
  bool peer_ended_ = false;  // END_STREAM was received
  bool end_sent_ = false;    // END_STREAM was written
  bool overdue_ = false;
  bool reset_ = false;    // by either side
  bool lingers_ = false;  // released, and counted as unsent
};

}  // namespace weir::http::h2
