#include "source/proxy/listener/pending_connection.h"

#include <algorithm>
#include <utility>

namespace weir::proxy {

using Verdict = ListenerFilter::Verdict;

PendingConnection::PendingConnection(const ListenerFilters& filters, const Services& services,
                                     std::unique_ptr<net::Socket> socket, Inspected known, stats::CounterId timed_out,
                                     PendingOwner& owner)
    : filters_(filters),
      services_(services),
      socket_(std::make_unique<net::PeekSocket>(services.worker.dispatcher, std::move(socket))),
      found_(std::move(known)),
      timed_out_(timed_out),
      owner_(owner),
      timer_(services.worker.dispatcher, *this) {
  for (const std::unique_ptr<const ListenerFilter>& filter : filters_.filters) limit_ += filter->maxBytes();
}

void PendingConnection::start() {
  if (filters_.timeout != absl::InfiniteDuration()) timer_.arm(filters_.timeout);
  event::ReadyHandler& self = *this;
  socket_->watch(self);
  // Filters that look at no bytes are done before any have come.
  look(false);
}

void PendingConnection::onReady(event::Readiness ready) {
  if (over_ || (!ready.readable && !ready.closed)) return;
  const net::IoResult::State state = socket_->peek(limit_);
  if (state == net::IoResult::State::kFailed) return drop();
  look(state == net::IoResult::State::kEnd);
  // The peer has closed, and everything before that was read.
  if (!over_ && ready.closed && socket_->peek(limit_) == net::IoResult::State::kEnd) look(true);
}

void PendingConnection::look(bool end) {
  while (at_ < filters_.filters.size()) {
    const ListenerFilter& filter = *filters_.filters[at_];
    ListenerFilter::Look look{socket_->peeked(), end, *socket_, services_.worker.stats};
    const bool full = filter.maxBytes() > 0 && look.bytes.size() >= filter.maxBytes();
    switch (filter.inspect(look, found_)) {
      case Verdict::kRefused:
        return drop();
      case Verdict::kMore:
        // One that cannot say anything with all that it may see will never.
        if (end || full) return drop();
        return;
      case Verdict::kDone:
        socket_->drop(look.consumed);
        ++at_;
    }
  }
  handOver();
}

void PendingConnection::onTimer(event::Timer&) {
  if (over_) return;
  services_.worker.stats.add(timed_out_);
  filters_.continue_on_timeout ? handOver() : drop();
}

void PendingConnection::handOver() {
  over_ = true;
  timer_.cancel();
  const net::Address local = socket_->localAddress();
  socket_->setAddresses(found_.local == local ? std::nullopt : std::optional(found_.local),
                        found_.remote == found_.direct_remote ? std::nullopt : std::optional(found_.remote));
  owner_.onPendingOver(*this);
  owner_.onInspected(std::move(socket_), std::move(found_));
}

void PendingConnection::drop() {
  over_ = true;
  timer_.cancel();
  owner_.onPendingOver(*this);
}

}  // namespace weir::proxy
