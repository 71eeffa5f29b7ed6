// The part of the Exchange that follows a redirect of the upstream.
#include <utility>

#include "source/proxy/exchange.h"

namespace weir::proxy {

// Everything that holds for a request that comes from outside holds for this one: route, filters and their limits are
// taken anew. The downstream stream, the arena and the time of the beginning stay.
void Exchange::follow(http::Head& target) {
  chain_->complete();
  ++trail_.followed;
  downstream_.replay(target, router_->takeBody(), router_->requestTrailers());
  info_.request_complete.reset();
  info_.upstream_first_sent.reset();
  info_.upstream_first_received.reset();
  info_.bytes_received = 0;
  info_.request_head = nullptr;
  info_.route = nullptr;
  router_.emplace(Router::Context{config_, services_, arena_, info_, *this, trail_});
  chain_.emplace(*config_.filters, services_.worker, arena_, info_, downstream_, downstream_.stream(),
                 static_cast<filter::ChainOwner&>(*this));
  wake();
}

}  // namespace weir::proxy
