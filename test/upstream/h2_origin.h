// H2Origin: makes an origin speak HTTP/2 frame by frame, so that a test decides what it allows, answers, refuses and
// when it says GOAWAY. It acknowledges SETTINGS and, unless told otherwise, PING.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "test/http/h2/frames.h"
#include "test/upstream/upstream_world.h"

namespace weir::upstream {

class H2Origin {
 public:
  struct Connection {
    explicit Connection(OriginPeer& session) : peer(&session) {}

    OriginPeer* peer;
    std::vector<uint32_t> waiting;  // requests that were not answered
    std::vector<uint32_t> resets;   // streams that the client reset
    size_t requests = 0;
    size_t data_bytes = 0;
    size_t pings = 0;
    size_t stream_windows = 0;               // WINDOW_UPDATE frames of streams
    size_t most = 0;                         // requests that waited at once
    std::optional<uint32_t> goaway;          // the code that the client gave
    std::map<uint32_t, std::string> bodies;  // of requests that are not whole, where somebody wants them
    bool preface = false;
    bool hello = false;
  };

  // Serves what the origin accepts from now on. It outlives this.
  explicit H2Origin(Origin& to);

  net::Address address() const { return origin.address(); }
  Connection& at(size_t i) { return *connections.at(i); }
  void write(Connection& connection, std::string_view bytes) { connection.peer->write(bytes); }
  void answer(Connection& connection, uint32_t stream, std::string_view body = "");
  // Everything that waits.
  void answerWaiting(Connection& connection);
  void sayHello(Connection& connection);

  Origin& origin;
  std::vector<std::unique_ptr<Connection>> connections;
  std::optional<uint32_t> max_streams;  // announced; requests above it are refused
  bool hello_at_once = true;            // SETTINGS is sent when the connection is accepted, else by sayHello()
  bool answer_all = false;
  size_t refuse_next = 0;
  // In place of all this: called with each request that has a body, when the body is whole.
  std::function<void(Connection&, uint32_t stream, const std::string& body)> on_body;
  bool answer_pings = true;

 private:
  void onBytes(Connection& connection);
  void onFrame(Connection& connection, const http::h2::SeenFrame& frame);
  void onBody(Connection& connection, const http::h2::SeenFrame& frame);
  void onRequest(Connection& connection, uint32_t stream);
};

}  // namespace weir::upstream
