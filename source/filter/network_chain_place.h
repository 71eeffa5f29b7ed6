// NetworkChain::Place: one filter of a NetworkChain, what the chain is to it, and the bytes to the client that wait at
// it. Private to network_chain.cc and network_chain_output.cc.
#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "source/filter/network_chain.h"

namespace weir::filter {

class NetworkChain::Place final : public NetworkHost {
 public:
  Place(NetworkChain& chain, std::unique_ptr<NetworkFilter> of)
      : filter(std::move(of)),
        shown(chain.worker_.blocks),
        waiting(chain.worker_.blocks),
        own(chain.worker_.blocks),
        chain_(chain) {
    filter->setHost(*this);
    looks = filter->looksAtOutput();
  }

  void resume(NetworkVerdict verdict) override { chain_.resume(verdict); }
  void resumeWrite(NetworkVerdict verdict) override;
  void write(std::string_view bytes) override;
  net::Connection& connection() override { return chain_.connection_; }
  const net::WorkerContext& worker() const override { return chain_.worker_; }
  SideCaller& sideCaller() override { return chain_.side_calls_; }

  const std::unique_ptr<NetworkFilter> filter;
  bool looks = false;  // at output
  // Of the bytes to the client:
  buffer::Buffer shown;    // held by the filter, after a Wait
  buffer::Buffer waiting;  // came behind those
  buffer::Buffer own;      // its own, which go on from here
  bool holds = false;
  std::optional<NetworkVerdict> answer;

 private:
  NetworkChain& chain_;
};

}  // namespace weir::filter
