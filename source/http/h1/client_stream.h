// ClientStream: the requests that weir sends on one HTTP/1 connection to an upstream, one after the other. Embedded in
// an H1Codec: open() hands the same object out each time and release() takes it back. The connection may carry another
// request only when both messages were framed and complete and nothing but the response came (law 17).
#pragma once

#include <cstdint>
#include <string_view>

#include "source/http/h1/body_reader.h"
#include "source/http/h1/head_parser.h"
#include "source/http/h1/head_scanner.h"
#include "source/http/h1/message_writer.h"
#include "source/http/h1/wire.h"
#include "source/http/stream.h"

namespace weir::http::h1 {

class ClientStream final : public Stream {
 public:
  explicit ClientStream(Wire& wire);

  // For the codec.
  StreamPtr open();
  void onInput();
  void onRoom();
  void beforeFlush() { writer_.commit(); }
  void onConnectionLost();
  bool live() const { return live_; }

  // For the user of the stream.
  void setOwner(StreamOwner& owner, base::Arena& arena) override;
  std::optional<Part> receive() override;
  size_t room() const override { return live_ ? wire_.roomFor(waits_for_room_) : 0; }
  void send(Part part) override;
  void leaveInKernel() override;
  void reset(Reason reason) override;
  bool unprocessed() const override { return unprocessed_; }

 private:
  void release() override;
  std::optional<Part> receiveHead();
  std::optional<Part> beforeHead();
  bool beginBody(const Head& head, const HeadFacts& facts);
  Part fail(Reason reason);
  void wake();

  Wire& wire_;
  StreamOwner* owner_ = nullptr;
  base::Arena* arena_ = nullptr;
  HeadScanner scanner_;
  BodyReader reader_;
  MessageWriter writer_;
  // The upgrade that the request asks for; text of the head that was sent.
  std::string_view upgrade_;
  uint32_t interim_heads_ = 0;
  bool live_ = false;
  bool has_head_ = false;  // the final one
  bool failed_ = false;
  bool is_head_ = false;
  bool is_connect_ = false;
  bool keep_alive_ = false;
  mutable bool waits_for_room_ = false;
  bool carried_ = false;  // the connection has carried a whole exchange before
  bool unprocessed_ = false;
};

}  // namespace weir::http::h1
