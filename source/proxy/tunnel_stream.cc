#include "source/proxy/tunnel_stream.h"

#include <utility>

namespace weir::proxy {

using http::Part;
using http::Reason;

namespace {

constexpr uint16_t kOpened = 200;
// How long the upstream may take to read what was left when the tunnel ended.
constexpr absl::Duration kPatience = absl::Seconds(30);

}  // namespace

http::StreamPtr TunnelStream::open(upstream::WorkerCluster& cluster, const net::WorkerContext& worker,
                                   upstream::ConnectReceiver::Connected connected) {
  return http::StreamPtr(new TunnelStream(cluster, worker, std::move(connected)));
}

TunnelStream::TunnelStream(upstream::WorkerCluster& cluster, const net::WorkerContext& worker,
                           upstream::ConnectReceiver::Connected connected)
    : cluster_(cluster), worker_(worker), upstream_(std::move(connected)), rest_(worker.blocks) {
  upstream_.connection->setSession(*this);
}

void TunnelStream::setOwner(http::StreamOwner& owner, base::Arena& arena) {
  owner_ = &owner;
  arena_ = &arena;
}

void TunnelStream::wake() {
  if (owner_ != nullptr) owner_->wakeStream();
}

std::optional<Part> TunnelStream::receive() {
  if (over_) return std::nullopt;
  if (!std::exchange(answered_, true)) {
    auto* const head = arena_->make<http::Head>(*arena_);
    head->status = kOpened;
    return Part::makeHead(*head, worker_.blocks);
  }
  net::Connection* const connection = upstream_.connection.get();
  buffer::Buffer& input = connection != nullptr ? connection->input() : rest_;
  if (!input.empty()) {
    buffer::Buffer data(worker_.blocks);
    data.moveFrom(input, input.size());
    if (connection != nullptr) {
      worker_.stats.add(cluster_.stats().cx_rx_bytes_total, data.size());
      connection->consumed();
    }
    return Part::makeData(std::move(data));
  }
  if (connection != nullptr && !connection->inputEnded()) return std::nullopt;
  over_ = true;
  return broken_ ? Part::makeFailed(Reason::kUpstreamReset, worker_.blocks) : Part::makeEnd(nullptr, worker_.blocks);
}

// A connection that is gone takes all there is, which reaches nobody.
size_t TunnelStream::room() const {
  return upstream_.connection != nullptr ? upstream_.connection->room() : size_t{64} * 1024;
}

void TunnelStream::send(Part part) {
  if (upstream_.connection == nullptr || end_sent_) return;
  switch (part.kind()) {
    case Part::Kind::kHead:
      break;  // the upstream knows nothing of the request
    case Part::Kind::kData:
      worker_.stats.add(cluster_.stats().cx_tx_bytes_total, part.data().size());
      upstream_.connection->output().append(std::move(part.data()));
      upstream_.connection->flush();
      break;
    case Part::Kind::kEnd:
      end_sent_ = true;
      upstream_.connection->finishOutput();
      break;
    case Part::Kind::kFailed:
      reset(part.reason());
      break;
  }
}

// The upstream sees a reset, as it would from the client itself.
void TunnelStream::reset(Reason) {
  over_ = true;
  if (upstream_.connection == nullptr) return;
  upstream_.connection->close(net::CloseReason::kLocalReset);
  upstream_.connection.reset();
  upstream_.lease.release();
}

void TunnelStream::release() {
  owner_ = nullptr;
  if (over_ && !broken_ && upstream_.connection != nullptr) {
    cluster_.finish(std::move(upstream_), kPatience);
  } else {
    reset(Reason::kNone);
  }
  delete this;
}

void TunnelStream::onInput(buffer::Buffer&, bool) { wake(); }
void TunnelStream::onRoom() { wake(); }

void TunnelStream::onClose(net::CloseReason reason) {
  broken_ = reason != net::CloseReason::kRemote && reason != net::CloseReason::kLocal;
  if (!broken_) rest_.moveFrom(upstream_.connection->input(), upstream_.connection->input().size());
  worker_.dispatcher.deleteLater(std::move(upstream_.connection));
  upstream_.lease.release();
  wake();
}

}  // namespace weir::proxy
