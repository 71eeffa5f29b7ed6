#include "test/harness/sim/sim_connection.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace weir::harness {

using net::IoResult;

SimConnection::SimConnection(SimWire& wire_of, const SimLink& link_of, const net::Address& client,
                             const net::Address& server)
    : wire(wire_of), link(link_of), target(server) {
  ends[kClient].address = client;
  ends[kServer].address = server;
  ends[kServer].reset_after = link.reset_after_request;
  ends[kClient].reset_after = link.reset_after_response;
}

IoResult SimConnection::read(int side, std::span<const iovec> into) {
  SimEnd& end = ends[side];
  if (!end.unread.empty()) {
    size_t taken = 0;
    for (const iovec& piece : into) {
      const size_t n = std::min(piece.iov_len, end.unread.size() - taken);
      std::memcpy(piece.iov_base, end.unread.data() + taken, n);
      taken += n;
    }
    end.unread.erase(0, taken);
    offerRoom(1 - side);
    return {IoResult::State::kOk, taken, 0};
  }
  if (end.error != 0) return {IoResult::State::kFailed, 0, std::exchange(end.error, 0)};
  if (end.got_fin || end.broken) return {IoResult::State::kEnd, 0, 0};
  return {IoResult::State::kWouldBlock, 0, 0};
}

IoResult SimConnection::write(int side, std::span<const iovec> from) {
  SimEnd& end = ends[side];
  if (end.error != 0) return {IoResult::State::kFailed, 0, std::exchange(end.error, 0)};
  if (end.broken || end.sent_fin) return {IoResult::State::kFailed, 0, EPIPE};
  if (!end.established) return {IoResult::State::kWouldBlock, 0, 0};
  size_t wanted = 0;
  for (const iovec& piece : from) wanted += piece.iov_len;
  const size_t taken = std::min({wanted, roomTowards(1 - side), link.write_limit});
  if (taken < wanted) {
    end.wants_room = true;
    if (taken == link.write_limit) later([side](SimConnection& self) { self.offerRoom(side); });
  }
  if (taken == 0) return {IoResult::State::kWouldBlock, 0, 0};
  std::string bytes;
  bytes.reserve(taken);
  for (const iovec& piece : from) {
    bytes.append(static_cast<const char*>(piece.iov_base), std::min(piece.iov_len, taken - bytes.size()));
  }
  ends[1 - side].in_flight += taken;
  for (size_t at = 0; at < taken;) {
    const size_t n = std::min(std::max<size_t>(link.segment_bytes, 1), taken - at);
    later([other = 1 - side, segment = bytes.substr(at, n)](SimConnection& self) { self.deliver(other, segment); });
    at += n;
  }
  return {IoResult::State::kOk, taken, 0};
}

void SimConnection::shutdownWrite(int side) {
  SimEnd& end = ends[side];
  if (end.sent_fin || end.broken) return;
  end.sent_fin = true;
  later([other = 1 - side](SimConnection& self) {
    SimEnd& receiver = self.ends[other];
    if (receiver.broken) return;
    receiver.got_fin = true;
    receiver.mark({.readable = true, .closed = true});
  });
}

void SimConnection::close(int side, bool reset) {
  SimEnd& end = ends[side];
  end.closed = true;
  end.watch = nullptr;
  if (end.broken) return;
  // As the kernel does: bytes that nobody will read are answered with a reset.
  if (reset || !end.unread.empty()) {
    sendReset(side);
  } else {
    shutdownWrite(side);
  }
}

event::Readiness SimConnection::readiness(int side) const {
  const SimEnd& end = ends[side];
  event::Readiness ready;
  ready.closed = end.got_fin || end.broken;
  ready.readable = ready.closed || !end.unread.empty();
  ready.writable = end.broken || (end.established && roomTowards(1 - side) > 0);
  return ready;
}

void SimConnection::establish(int side) {
  SimEnd& end = ends[side];
  if (end.broken || end.established) return;
  end.established = true;
  end.mark({.writable = true});
}

void SimConnection::breakEnd(int side, int error) {
  SimEnd& end = ends[side];
  if (end.broken) return;
  end.broken = true;
  end.error = error;
  end.mark({.readable = true, .writable = true, .closed = true});
}

void SimConnection::sendReset(int side) {
  ends[side].broken = true;
  later([other = 1 - side](SimConnection& self) { self.breakEnd(other, ECONNRESET); });
}

bool SimConnection::over() const { return (ends[0].broken && ends[1].broken) || (ends[0].closed && ends[1].closed); }

size_t SimConnection::roomTowards(int side) const {
  const size_t used = ends[side].in_flight + ends[side].unread.size();
  return link.buffer_bytes - std::min(used, link.buffer_bytes);
}

void SimConnection::later(std::function<void(SimConnection&)> action) {
  wire.simulation().schedule(link.latency, [self = shared_from_this(), action = std::move(action)] { action(*self); });
}

void SimConnection::deliver(int side, std::string bytes) {
  SimEnd& end = ends[side];
  end.in_flight -= bytes.size();
  if (end.broken) return;
  if (end.closed) {  // nobody reads here any more
    sendReset(side);
    return;
  }
  end.arrived += bytes.size();
  end.unread += bytes;
  end.mark({.readable = true});
  if (end.arrived < end.reset_after) return;
  breakEnd(side, ECONNRESET);
  sendReset(side);
}

void SimConnection::offerRoom(int side) {
  SimEnd& end = ends[side];
  // The kernel waits for a third of the room, so that a writer is not called for every byte.
  if (!end.wants_room || roomTowards(1 - side) * 3 < link.buffer_bytes) return;
  end.wants_room = false;
  later([side](SimConnection& self) {
    if (!self.ends[side].broken) self.ends[side].mark({.writable = true});
  });
}

}  // namespace weir::harness
