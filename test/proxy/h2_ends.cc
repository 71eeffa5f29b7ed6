#include "test/proxy/h2_ends.h"

#include <utility>

namespace weir::proxy {

using http::Role;

H2Client::H2Client(ProxyWorld& the_world, const http::h2::H2Options& options)
    : world(the_world), raw(the_world.client()), peer(Role::kClient, options) {}

http::h2::Call& H2Client::get(std::string_view path) {
  http::h2::Call& call = open();
  call.request("GET", path);
  return call;
}

bool H2Client::carry() {
  const std::string out = peer.output();
  if (!out.empty()) raw.write(out);
  const std::string in = std::exchange(raw.received, {});
  received += in;
  if (!in.empty() || (raw.ended && !peer.codec().finished())) peer.feed(in, raw.ended);
  peer.pump();
  return !out.empty() || !in.empty();
}

void H2Client::settle() {
  do {
    world.settle();
  } while (carry());
}

H2Server::H2Server(ProxyWorld& world, std::function<void(http::h2::Call&)> on_end, const http::h2::H2Options& options)
    : world_(world), on_end_(std::move(on_end)), options_(options) {}

bool H2Server::carry() {
  bool moved = false;
  for (size_t i = 0; i < world_.origin.peers.size(); ++i) {
    upstream::OriginPeer& connection = *world_.origin.peers[i];
    if (i == peers.size()) {
      peers.push_back(std::make_unique<http::h2::Peer>(Role::kServer, options_));
      peers.back()->on_end = on_end_;
    }
    const std::string in = std::exchange(connection.received, {});
    if (!in.empty()) peers[i]->feed(in);
    peers[i]->pump();
    const std::string out = peers[i]->output();
    if (!out.empty() && !connection.closed) connection.write(out);
    moved = moved || !in.empty() || !out.empty();
  }
  return moved;
}

void settle(H2Client& client, H2Server& server) {
  bool moved = true;
  while (moved) {
    client.world.settle();
    moved = client.carry();
    moved = server.carry() || moved;
  }
}

}  // namespace weir::proxy
