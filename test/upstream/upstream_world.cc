#include "test/upstream/upstream_world.h"

#include <algorithm>
#include <utility>

#include "source/base/check.h"

namespace weir::upstream {

TestWorker::TestWorker(harness::Simulation& simulation, harness::SimWire& wire, stats::Registry& registry,
                       unsigned index)
    : dispatcher(simulation.addDispatcher()),
      network(wire, dispatcher),
      random(simulation.random().next()),
      context{dispatcher, network, blocks, chunks, random, registry.makeShard(), index} {}

OriginPeer::OriginPeer(TestWorker& worker, std::unique_ptr<net::Socket> socket, size_t read_bytes)
    : connection_(std::make_unique<net::Connection>(worker.dispatcher, worker.blocks, std::move(socket),
                                                    net::Connection::Limits{read_bytes, 1024 * 1024},
                                                    static_cast<net::Session&>(*this))) {}

OriginPeer::OriginPeer(TestWorker& worker, const net::Address& address)
    : connection_(std::make_unique<net::Connection>(
          worker.dispatcher, worker.blocks, worker.network.connect(address, std::nullopt).value(),
          net::Connection::Limits{64 * 1024, 64 * 1024}, static_cast<net::Session&>(*this), absl::Seconds(5))) {}

void OriginPeer::onRoom() {
  const size_t bytes = std::min(unsent.size(), connection_->room());
  if (bytes == 0) return;
  write(std::string_view(unsent).substr(0, bytes));
  unsent.erase(0, bytes);
}

void OriginPeer::write(std::string_view bytes) {
  connection_->output().append(bytes);
  connection_->flush();
}

void OriginPeer::onClose(net::CloseReason reason) {
  closed = reason;
  event::Dispatcher& dispatcher = connection_->dispatcher();
  dispatcher.deleteLater(std::move(connection_));
}

void OriginPeer::onInput(buffer::Buffer& input, bool end) {
  received_bytes += input.size();
  if (keep_bytes) received += input.toString();
  input.clear();
  ended = ended || end;
  if (on_input) on_input(*this);
}

Origin::Origin(TestWorker& worker, std::string_view ip, size_t read_bytes) : worker_(worker), read_bytes_(read_bytes) {
  auto socket = worker.network.bind(*net::Address::parseIp(ip, 0), {});
  CHECK(socket.ok(), "the simulated network has free ports");
  listener_ =
      std::make_unique<net::Listener>(worker.dispatcher, *std::move(socket), static_cast<net::ListenerOwner&>(*this));
  CHECK(listener_->start(128).ok(), "a bound socket listens");
}

void Origin::onAccept(std::unique_ptr<net::Socket> socket, const net::Address&) {
  peers.push_back(std::make_unique<OriginPeer>(worker_, std::move(socket), read_bytes_));
  peers.back()->on_input = on_input_;
  if (on_accept) on_accept(*peers.back());
}

void Origin::answerAll() {
  on_input_ = [](OriginPeer& peer) {
    size_t at;
    while ((at = peer.received.find("\r\n\r\n")) != std::string::npos) {
      peer.received.erase(0, at + 4);
      peer.write(kOk);
    }
    if (peer.ended) peer.connection().closeAfterFlush(absl::ZeroDuration());
  };
  for (const auto& peer : peers) peer->on_input = on_input_;
}

size_t Origin::open() const {
  size_t count = 0;
  for (const auto& peer : peers) count += !peer->closed.has_value() && !peer->ended;
  return count;
}

Asker::Asker(const net::WorkerContext& worker) : Wakeable(worker.dispatcher), worker_(worker), arena_(worker.chunks) {}

void Asker::ask(WorkerCluster& cluster, const PickContext& pick) { ticket = cluster.openStream(pick, *this); }

void Asker::onStreamOpen(Opened result) {
  ++opened;
  host = result.host.get();
  reused = result.reused;
  multiplexed = result.multiplexed;
  retry = std::move(result.retry);
  stream = std::move(result.stream);
  stream->setOwner(*this, arena_);
  if (send_at_once) sendRequest();
  if (on_open) on_open();
}

http::Head& Asker::newRequest(std::string_view method) {
  http::Head& head = *arena_.make<http::Head>(arena_);
  head.method = method;
  head.scheme = "http";
  head.authority = "origin";
  head.path = "/";
  return head;
}

void Asker::sendRequest() {
  stream->send(http::Part::makeHead(newRequest("GET"), worker_.blocks));
  stream->send(http::Part::makeEnd(nullptr, worker_.blocks));
}

void Asker::onStreamFailed(http::Reason why, HostRef where) {
  ++failed;
  reason = why;
  host = where.get();
  if (on_failed) on_failed();
}

void Asker::onWake() {
  while (stream != nullptr && take_data) {
    std::optional<http::Part> part = stream->receive();
    if (!part.has_value()) return;
    if (part->kind() == http::Part::Kind::kFailed) {
      broken = part->reason();
      unprocessed = stream->unprocessed();
      drop();
    } else if (part->kind() == http::Part::Kind::kHead) {
      status = part->head().status;
    } else if (part->kind() == http::Part::Kind::kData) {
      body_bytes += part->data().size();
    } else if (part->kind() == http::Part::Kind::kEnd) {
      ++answers;
      if (keep_stream) return;
      drop();
      arena_.reset();
    }
  }
}

UpstreamWorld::UpstreamWorld(unsigned count, uint64_t seed)
    : simulation(seed), wire(simulation), origin_worker(simulation, wire, registry, 100) {
  for (unsigned i = 0; i < count; ++i) {
    workers.push_back(std::make_unique<TestWorker>(simulation, wire, registry, i));
  }
}

std::shared_ptr<const Cluster> UpstreamWorld::makeCluster(const std::vector<net::Address>& addresses,
                                                          const std::function<void(ClusterConfig&)>& change) {
  ClusterConfig config;
  config.name = "c";
  for (const net::Address& address : addresses) {
    HostSpec host;
    host.address = address;
    host.text = address.text();
    config.hosts.push_back(std::move(host));
  }
  if (change) change(config);
  return std::make_shared<const Cluster>(std::move(config), registry);
}

uint64_t UpstreamWorld::counter(std::string_view metric) const {
  return registry.counterValue("cluster.c." + std::string(metric)).value();
}

int64_t UpstreamWorld::gauge(std::string_view metric) const {
  return registry.gaugeValue("cluster.c." + std::string(metric)).value();
}

}  // namespace weir::upstream
