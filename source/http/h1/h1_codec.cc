#include "source/http/h1/h1_codec.h"

#include "source/base/check.h"

namespace weir::http::h1 {
namespace {

// Calls fn(stream) for whichever stream the codec has.
template <typename Streams, typename Fn>
void withStream(Streams& streams, Fn&& fn) {
  if (auto* server = std::get_if<ServerStream>(&streams)) {
    fn(*server);
  } else if (auto* client = std::get_if<ClientStream>(&streams)) {
    fn(*client);
  }
}

}  // namespace

H1Codec::H1Codec(Role role, const H1Io& io, const H1Options& options, CodecOwner& owner)
    : wire_{.io = io, .options = options, .owner = owner} {
  if (role == Role::kServer) {
    stream_.emplace<ServerStream>(wire_);
  } else {
    stream_.emplace<ClientStream>(wire_);
  }
}

H1Codec::~H1Codec() { CHECK(streams() == 0, "streams are released before their codec"); }

void H1Codec::onInput(bool end) {
  if (end && wire_.open()) wire_.input = BodyReader::Input::kEnded;
  withStream(stream_, [](auto& stream) { stream.onInput(); });
}

void H1Codec::beforeFlush() {
  withStream(stream_, [](auto& stream) {
    if (stream.live()) stream.beforeFlush();
  });
}

void H1Codec::onRoom() {
  withStream(stream_, [](auto& stream) { stream.onRoom(); });
}

void H1Codec::onConnectionLost(Reason reason) {
  if (wire_.lost != Reason::kNone) return;
  wire_.input = BodyReader::Input::kLost;
  wire_.lost = reason;
  wire_.finished = true;
  withStream(stream_, [](auto& stream) { stream.onConnectionLost(); });
}

StreamPtr H1Codec::open() {
  CHECK(canOpen(), "open() only while canOpen()");
  return std::get<ClientStream>(stream_).open();
}

bool H1Codec::canOpen() const {
  return client() != nullptr && streams() == 0 && !wire_.finished && wire_.open() && wire_.io.in.empty();
}

size_t H1Codec::streams() const {
  if (const ServerStream* stream = server()) return stream->live() ? 1 : 0;
  return client() != nullptr && client()->live() ? 1 : 0;
}

void H1Codec::drain() {
  wire_.draining = true;
  // A request that is on its way is still served.
  if (streams() == 0 && !headPending()) wire_.finished = true;
}

void H1Codec::refuse(Reason reason) {
  if (server() != nullptr && streams() == 0) server()->refuse(reason);
}

bool H1Codec::headPending() const { return server() != nullptr && server()->headPending(); }

}  // namespace weir::http::h1
