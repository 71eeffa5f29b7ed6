#include "bench/load/outgoing.h"

#include <cstdio>
#include <cstdlib>
#include <utility>

#include "bench/load/http_client.h"
#include "bench/load/raw_client.h"

namespace weir::bench {
namespace {

constexpr size_t kBufferBytes = 256 * 1024;
constexpr absl::Duration kConnectTimeout = absl::Seconds(10);

}  // namespace

std::unique_ptr<net::Connection> Outgoing::connect(net::Session& session) const {
  auto socket = worker.network.connect(plan.target, std::nullopt);
  if (!socket.ok()) {
    std::fprintf(stderr, "load: %s\n", std::string(socket.status().message()).c_str());
    std::exit(1);
  }
  std::unique_ptr<net::Socket> connecting = *std::move(socket);
  if (transport != nullptr) connecting = transport->wrap(std::move(connecting), worker, {.host_name = "bench"});
  const net::Connection::Limits limits{kBufferBytes, kBufferBytes};
  return std::make_unique<net::Connection>(worker.dispatcher, worker.blocks, std::move(connecting), limits, session,
                                           kConnectTimeout);
}

std::unique_ptr<Client> makeClient(const Outgoing& outgoing) {
  if (outgoing.plan.traffic == Traffic::kTcp) return std::make_unique<RawClient>(outgoing);
  return std::make_unique<HttpClient>(outgoing);
}

}  // namespace weir::bench
