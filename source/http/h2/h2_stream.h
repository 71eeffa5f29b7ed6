// H2Stream: one request and its response on an HTTP/2 connection, in either role. Made by the codec in the memory of
// the worker's sessions and handed out as a StreamPtr. When it is released with something still to be written, it
// stays, owned by the codec's list, until that is out or the stream is closed; then it frees itself.
//
// A head is held back until the part behind it is known, so that a message without a body is one frame; the codec lets
// it go before output is written. What was queued by send() is taken by the library when the windows allow (law 6);
// what came gives its credit back when receive() hands it out.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include "source/base/arena.h"
#include "source/buffer/buffer.h"
#include "source/http/h2/header_sender.h"
#include "source/http/h2/wire.h"
#include "source/http/stream.h"

namespace weir::http::h2 {

class H2Stream final : public Stream {
 public:
  // `id` 0: a request to be sent.
  static H2Stream& make(Wire& wire, int32_t id);

  // From the library's calls.
  // A head or trailers have been received whole; the wire's receiver has them.
  void onHead(bool ends);
  void onTrailers();
  void onDataFound(size_t bytes);  // are at the front of the input
  void onEnd();
  // The peer did something wrong: resets the stream; the reader gets Failed(reason).
  void fault(Reason reason);
  // The library has closed the stream: both sides ended it, or one reset it with `code`.
  void onClosed(uint32_t code);
  // A request could not be sent at all.
  void onNotSent();
  void onHeadSent() { --unsent_heads_; }
  void onEndSent();
  // How many bytes of DATA may be written now, at most `max`, and what the library is to know about them.
  ssize_t onDataWanted(size_t max, uint32_t* flags);
  void moveData(size_t bytes, buffer::Buffer& to);

  // From the codec.
  void commit();
  void onConnectionLost();
  // No more input comes: what was received whole goes on.
  void onInputEnded();
  void onRoom() { wake(); }
  void drop();
  bool awaitsHead() const { return !has_head_; }
  bool released() const { return !live_; }
  // Released: whether this was asked before.
  bool overdue() { return std::exchange(overdue_, true); }
  int32_t id() const { return id_; }
  H2Stream* next() const { return next_; }

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
  // The own message: End was sent by the user; the library was told; nothing more is sent.
  enum class Out : uint8_t { kOpen, kEnded, kDone };
  // A tunnel opens with the final response.
  enum class Tunnel : uint8_t { kNo, kAsked, kOpen, kRefused };

  H2Stream(Wire& wire, int32_t id);
  ~H2Stream() override;
  void release() override;
  void destroy();

  void sendHead(Head& head);
  void sendData(buffer::Buffer data);
  void sendEnd(const HeaderMap* trailers);
  bool commitRequest(const Head& head, bool ends);
  bool commitResponse(const Head& head, bool ends);
  void sendInterim(const Head& head);
  uint16_t wireStatus(const Head& head) const;
  void noteResponse(Head& head);
  uint32_t codeOfRelease() const;
  void settleTunnel(bool opens);
  bool countReceived(size_t bytes);
  void dropReceived();
  void dropQueued();
  void credit(size_t bytes);
  void resetWith(uint32_t code);
  void breakOwn();
  void fail(Reason reason);
  void resume();
  void unhold();
  void wake();
  Reason lostReason() const;
  // The client still sends into a tunnel that it was refused.
  bool discards() const { return wire_.server() && tunnel_ == Tunnel::kRefused; }

  Wire& wire_;
  StreamOwner* owner_ = nullptr;
  base::Arena* arena_ = nullptr;
  H2Stream* next_ = nullptr;
  H2Stream* previous_ = nullptr;
  int32_t id_;

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
  std::optional<Fields> tail_fields_;
  uint32_t unsent_heads_ = 0;

  bool live_ = true;
  bool closed_ = false;       // for the library
  bool submitted_ = false;    // the final head
  bool deferred_ = false;     // the library asked for data when there was none
  bool has_head_ = false;     // the peer's final one
  bool is_head_ = false;      // the request is HEAD
  bool no_body_in_ = false;   // what comes must be empty
  bool no_body_out_ = false;  // what is sent has a body in name only
  bool extended_ = false;     // the request is an extended CONNECT
  bool unprocessed_ = false;
  bool peer_ended_ = false;  // END_STREAM was received
  bool overdue_ = false;
  bool reset_ = false;    // by either side
  bool lingers_ = false;  // released, and counted as unsent
};

}  // namespace weir::http::h2
