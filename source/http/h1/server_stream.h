// ServerStream: the requests of one HTTP/1 connection, one after the other. Embedded in an H1Codec: the same object is
// announced for each request and comes back by release(), so that a request allocates nothing. The head is parsed
// before the request is announced, so that a bad one never becomes a stream; it moves to the arena of the exchange with
// the first receive(). What follows a request in the input waits there until the stream is released.
#pragma once

#include <string_view>

#include "source/http/h1/body_reader.h"
#include "source/http/h1/head_parser.h"
#include "source/http/h1/head_scanner.h"
#include "source/http/h1/message_writer.h"
#include "source/http/h1/wire.h"
#include "source/http/stream.h"

namespace weir::http::h1 {

class ServerStream final : public Stream {
 public:
  explicit ServerStream(Wire& wire);

  // For the codec.
  void onInput();
  void onRoom();
  void beforeFlush() { writer_.commit(); }
  void onConnectionLost();
  // Answers with the status of `reason` where no stream is live, and finishes.
  void refuse(Reason reason);
  bool live() const { return phase_ == Phase::kLive; }
  bool headPending() const;

  // For the user of the stream.
  void setOwner(StreamOwner& owner, base::Arena& arena) override;
  std::optional<Part> receive() override;
  size_t room() const override { return live() ? wire_.roomFor(waits_for_room_) : 0; }
  void send(Part part) override;
  bool forwardsInKernel() const override { return live() && wire_.io.unseen != nullptr; }
  void reset(Reason reason) override;

 private:
  enum class Phase : uint8_t { kIdle, kLive, kDiscarding };

  void release() override;
  void nextRequest();
  void begin(const HeadFacts& facts);
  void discard();
  void sendHead(const Head& head);
  bool mustClose() const;
  void wake();

  Wire& wire_;
  StreamOwner* owner_ = nullptr;
  base::Arena* arena_ = nullptr;
  // The head of a request that was announced and not received yet, with the text that it looks into.
  base::Arena head_arena_;
  Head* head_ = nullptr;
  const Head* given_ = nullptr;  // the same, once the owner has it; in its arena
  std::string_view head_text_;

  HeadScanner scanner_;
  BodyReader reader_;
  MessageWriter writer_;
  MessageWriter::ResponseContext context_;
  Phase phase_ = Phase::kIdle;
  bool keep_alive_ = true;
  mutable bool waits_for_room_ = false;
  // The client holds the body back until it hears 100 Continue.
  bool awaits_continue_ = false;
};

}  // namespace weir::http::h1
