// H2Codec: HTTP/2 on one connection, in either role. Made and owned by the session of the connection, on its worker;
// the session keeps to the order that Codec asks for. All input is taken whenever it comes: what a peer may send is
// bounded by the windows, the header limits and the budgets; DATA is moved by slice to the streams. Output is made in
// beforeFlush(), as much as the output buffer may hold; the rest waits with the streams, fairly between them.
//
// An error of the connection writes GOAWAY and ends it: nothing that comes after is looked at.
#pragma once

#include "source/http/codec.h"
#include "source/http/h2/frame_reader.h"
#include "source/http/h2/options.h"
#include "source/http/h2/wire.h"

namespace weir::http::h2 {

class H2Codec final : public Codec {
 public:
  // `options` and `owner` outlive the codec.
  H2Codec(Role role, const H2Io& io, const H2Options& options, CodecOwner& owner);
  H2Codec(const H2Codec&) = delete;
  H2Codec& operator=(const H2Codec&) = delete;
  ~H2Codec() override;

  void onInput(bool end) override;
  void beforeFlush() override;
  void onRoom() override;
  void onConnectionLost(Reason reason) override;
  StreamPtr open() override;
  bool canOpen() const override { return availableStreams() > 0; }
  size_t availableStreams() const override;
  size_t streams() const override { return wire_.live; }
  size_t unsentStreams() const override { return wire_.unsent; }
  void dropUnsent() override;
  // The same for those alone that were there at the last call already. Returns whether there were any.
  bool dropOverdue();
  void drain() override;
  void ping() override;
  bool pingPending() const override { return wire_.pinging; }
  void refuse(Reason reason) override;
  bool reusable() const override { return streams() == 0 && canOpen(); }
  bool finished() const override;
  Reason error() const override { return wire_.error; }
  bool headPending() const override { return wire_.server() && !finished() && reader_.headPending(); }
  Version version() const override { return Version::kHttp2; }

 private:
  void announceOutput();
  void fail(Reason reason, ErrorCode code);
  void endStreams();
  void lastGoaway();

  Wire wire_;
  FrameReader reader_;
};

}  // namespace weir::http::h2
