#include "source/upstream/plain_connections.h"

#include <utility>

#include "source/event/dispatcher.h"
#include "source/event/wakeable.h"
#include "source/net/transport_info.h"

namespace weir::upstream {

// One call of connect(). Ends at the end of the turn in which it was answered or cancelled.
class PlainConnections::Connecting final : public base::Operation,
                                           public event::Deletable,
                                           private net::Session,
                                           private event::Wakeable {
 public:
  Connecting(PlainConnections& home, std::optional<uint32_t> host, const PickContext& context,
             ConnectReceiver& receiver)
      : Wakeable(home.shard_.worker.dispatcher),
        home_(home),
        host_(host.has_value() ? HostRef(home.shard_.state(*host)) : HostRef()),
        receiver_(receiver),
        failure_(start(host, context)) {
    if (failure_ != http::Reason::kNone) wake();
  }

  std::list<std::unique_ptr<Connecting>>::iterator place;

 private:
  http::Reason start(std::optional<uint32_t> host, const PickContext& context) {
    ClusterShard& shard = home_.shard_;
    if (!host.has_value()) {
      shard.worker.stats.add(shard.stats().cx_none_healthy);
      return http::Reason::kNoHealthyUpstream;
    }
    if (!shard.takeConnection(*host, context.priority)) {
      shard.worker.stats.add(shard.stats().cx_overflow);
      return http::Reason::kUpstreamOverflow;
    }
    shard.connectionOpened(*host);
    shard.begin(*host);
    lease_ = ConnectionLease(shard, *host, context.priority);
    const ClusterConfig& config = shard.config();
    absl::StatusOr<std::unique_ptr<net::Socket>> socket = shard.openSocket(*host, {.client = context.client});
    if (!socket.ok()) {
      shard.connectFailed(*host, false);
      return http::Reason::kConnectFailure;
    }
    started_ = shard.worker.dispatcher.now();
    connection_ = std::make_unique<net::Connection>(shard.worker.dispatcher, shard.worker.blocks, *std::move(socket),
                                                    net::Connection::Limits{config.buffer_limit, config.buffer_limit},
                                                    static_cast<net::Session&>(*this), config.connect_timeout);
    return http::Reason::kNone;
  }

  void onOpen() override {
    ClusterShard& shard = home_.shard_;
    const int64_t took = base::millisecondsBetween(started_, shard.worker.dispatcher.now());
    shard.worker.stats.record(shard.stats().cx_connect_ms, static_cast<uint64_t>(took));
    wake();
  }
  // What comes before the receiver has taken over waits for it.
  void onInput(buffer::Buffer&, bool) override {}
  void onRoom() override {}
  void onClose(net::CloseReason reason) override {
    const bool timeout = reason == net::CloseReason::kConnectTimeout;
    if (pending()) home_.shard_.connectFailed(host_->slot, timeout);
    failure_ = timeout ? http::Reason::kConnectTimeout : http::Reason::kConnectFailure;
    wake();
  }

  void onWake() override {
    if (!pending()) return;
    settle();
    const std::unique_ptr<Connecting> self = std::move(*place);  // until the receiver has returned
    home_.connecting_.erase(place);
    if (failure_ == http::Reason::kNone) {
      receiver_.onConnected({std::move(connection_), host_, std::move(lease_)});
      return;
    }
    if (const net::TransportInfo* const transport = connection_ == nullptr ? nullptr : connection_->transportInfo()) {
      receiver_.onTransportFailed(transport->shared_from_this());
    }
    if (connection_ != nullptr) home_.shard_.worker.dispatcher.deleteLater(std::move(connection_));
    lease_.release();
    receiver_.onConnectFailed(failure_, host_);
  }

  void onCancelled() override {
    // The connection still knows this session until the end of the turn.
    if (connection_ != nullptr) connection_->close(net::CloseReason::kLocal);
    lease_.release();
    std::unique_ptr<Connecting> self = std::move(*place);
    home_.connecting_.erase(place);
    home_.shard_.worker.dispatcher.deleteLater(std::move(self));
  }

  PlainConnections& home_;
  const HostRef host_;
  ConnectReceiver& receiver_;
  ConnectionLease lease_;
  base::MonotonicTime started_;
  std::unique_ptr<net::Connection> connection_;
  http::Reason failure_;
};

// A connection that only has to write what is left.
class PlainConnections::Finishing final : public event::Deletable, private net::Session {
 public:
  Finishing(PlainConnections& home, ConnectReceiver::Connected connected, absl::Duration patience)
      : home_(home), connected_(std::move(connected)) {
    connected_.connection->setSession(*this);
    connected_.connection->setIdleTimeout(patience);
    connected_.connection->closeAfterFlush(absl::ZeroDuration());
  }

  std::list<std::unique_ptr<Finishing>>::iterator place;

 private:
  void onInput(buffer::Buffer& input, bool) override { input.clear(); }
  void onRoom() override {}
  void onClose(net::CloseReason) override {
    connected_.lease.release();
    std::unique_ptr<Finishing> self = std::move(*place);
    home_.finishing_.erase(place);
    home_.shard_.worker.dispatcher.deleteLater(std::move(self));
  }

  PlainConnections& home_;
  ConnectReceiver::Connected connected_;
};

PlainConnections::PlainConnections(ClusterShard& shard) : shard_(shard) {}
PlainConnections::~PlainConnections() = default;

base::Ticket PlainConnections::connect(std::optional<uint32_t> host, const PickContext& context,
                                       ConnectReceiver& receiver) {
  connecting_.push_front(std::make_unique<Connecting>(*this, host, context, receiver));
  Connecting& connecting = *connecting_.front();
  connecting.place = connecting_.begin();
  return connecting.issue();
}

void PlainConnections::finish(ConnectReceiver::Connected connected, absl::Duration patience) {
  finishing_.push_front(std::make_unique<Finishing>(*this, std::move(connected), patience));
  finishing_.front()->place = finishing_.begin();
}

}  // namespace weir::upstream
