// ServerWorld: a whole configuration compiled and run by workers in one thread, on a simulated network. Client: a
// connection to it that sends and notes plain bytes.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "source/config/loader.h"
#include "source/extensions/registry.h"
#include "source/net/transport.h"
#include "source/net/worker_context.h"
#include "source/server/compile/compile_loaded.h"
#include "source/server/worker.h"
#include "test/harness/sim/sim_network.h"
#include "test/harness/sim/simulation.h"
#include "test/server/fake_sinks.h"

namespace weir::server {

// What loading and compiling a configuration says, and what comes of it.
struct CompileRun {
  explicit CompileRun(std::string_view yaml, bool schema_only = false);

  harness::SimClock clock;
  stats::Registry stats;
  FakeSinks sinks;
  std::unique_ptr<const extensions::Registry> extensions = extensions::makeRegistry();
  config::LoadedConfig loaded;
  std::string report;  // as people see it: "test.yaml:3:5: ..."
  size_t errors = 0;
  std::unique_ptr<const ServerConfig> config;
};

// What a client's connections need of a worker, on any network.
struct ClientWorker {
  ClientWorker(event::Dispatcher& dispatcher, net::Network& network)
      : context{dispatcher, network, blocks, chunks, random, stats.makeShard()} {}

  stats::Registry stats;
  buffer::BlockPool blocks;
  base::ChunkPool chunks;
  base::Random random{1};
  const net::WorkerContext context;
};

class Client final : private net::Session {
 public:
  // `over` (may be null) and `worker` outlive it; `host` is the name that its TLS asks for.
  Client(const net::WorkerContext& worker, const net::Address& to, const net::TransportFactory* over = nullptr,
         std::string_view host = {});
  ~Client() override;

  void send(std::string_view bytes);
  void finish() { connection_->finishOutput(); }
  std::string received;
  bool ended = false;
  std::optional<net::CloseReason> closed;

 private:
  void onInput(buffer::Buffer& input, bool end) override;
  void onRoom() override {}
  void onClose(net::CloseReason reason) override { closed = reason; }

  std::unique_ptr<net::Connection> connection_;
};

class ServerWorld {
 public:
  // The workers are made and have their sockets; start() lets them accept.
  explicit ServerWorld(std::string_view yaml, unsigned workers = 1, uint32_t connection_limit = 100);
  ~ServerWorld();

  void start();
  Client& connect(const net::Address& address);
  Client& connect(std::string_view address) { return connect(*net::Address::parse(address)); }
  // From 127.0.0.1, where connect() comes from 10.0.0.9; over TLS that asks for `host` if `over` is not null.
  Client& connectLocally(std::string_view address, const net::TransportFactory* over, std::string_view host);
  // Where what connectLocally() uses counts.
  stats::Registry& localStats() { return local_.stats; }
  void run() { simulation.runUntilIdle(absl::Milliseconds(50)); }

  CompileRun compiled;
  harness::Simulation simulation;
  harness::SimWire wire{simulation};
  upstream::SharedLimit connection_limit;
  absl::Status bound;
  std::vector<std::unique_ptr<Worker>> workers;

 private:
  std::vector<std::unique_ptr<harness::SimNetwork>> networks_;
  event::Dispatcher& client_dispatcher_;
  harness::SimNetwork client_network_;
  harness::SimNetwork local_network_;
  ClientWorker remote_{client_dispatcher_, client_network_};
  ClientWorker local_{client_dispatcher_, local_network_};
  std::vector<std::unique_ptr<Client>> clients_;
};

}  // namespace weir::server
