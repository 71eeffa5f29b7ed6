// H1Codec: HTTP/1.1 (and HTTP/1.0 clients, where that is allowed) on one connection, in either role. One stream at a
// time, embedded, so that a request allocates nothing. Made and owned by the session of the connection, on its worker;
// the session keeps to the order that Codec asks for, and calls onInput(false) again after onStreamEnd().
//
// Bytes are parsed when a stream pulls them. What is not pulled stays in the input buffer, whose limit must be above
// H1Limits::head_bytes. A tunnel (101, CONNECT) ends with either of its halves.
#pragma once

#include <variant>

#include "source/http/codec.h"
#include "source/http/h1/client_stream.h"
#include "source/http/h1/options.h"
#include "source/http/h1/server_stream.h"
#include "source/http/h1/wire.h"

namespace weir::http::h1 {

class H1Codec final : public Codec {
 public:
  // `options` and `owner` outlive the codec.
  H1Codec(Role role, const H1Io& io, const H1Options& options, CodecOwner& owner);
  H1Codec(const H1Codec&) = delete;
  H1Codec& operator=(const H1Codec&) = delete;
  ~H1Codec() override;

  void onInput(bool end) override;
  void beforeFlush() override;
  void onRoom() override;
  void onConnectionLost(Reason reason) override;
  StreamPtr open() override;
  bool canOpen() const override;
  size_t availableStreams() const override { return canOpen() ? 1 : 0; }
  size_t streams() const override;
  size_t unsentStreams() const override { return 0; }
  void dropUnsent() override {}
  void drain() override;
  void ping() override {}
  bool pingPending() const override { return false; }
  void refuse(Reason reason) override;
  bool reusable() const override { return canOpen(); }
  bool finished() const override { return wire_.finished; }
  Reason error() const override { return wire_.error; }
  bool headPending() const override;
  Version version() const override { return Version::kHttp11; }

 private:
  ServerStream* server() { return std::get_if<ServerStream>(&stream_); }
  const ServerStream* server() const { return std::get_if<ServerStream>(&stream_); }
  const ClientStream* client() const { return std::get_if<ClientStream>(&stream_); }

  Wire wire_;
  std::variant<std::monostate, ServerStream, ClientStream> stream_;
};

}  // namespace weir::http::h1
