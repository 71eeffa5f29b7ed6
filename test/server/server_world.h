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
#include "source/server/compile_loaded.h"
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

class Client final : private net::Session {
 public:
  Client(event::Dispatcher& dispatcher, net::Network& network, const net::Address& to);
  ~Client() override;

  void send(std::string_view bytes);
  std::string received;
  bool ended = false;
  std::optional<net::CloseReason> closed;

 private:
  void onInput(buffer::Buffer& input, bool end) override;
  void onRoom() override {}
  void onClose(net::CloseReason reason) override { closed = reason; }

  buffer::BlockPool blocks_;
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
  std::vector<std::unique_ptr<Client>> clients_;
};

}  // namespace weir::server
