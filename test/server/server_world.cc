#include "test/server/server_world.h"

#include <gtest/gtest.h>

#include "source/config/render.h"
#include "source/server/bind_listeners.h"

namespace weir::server {

CompileRun::CompileRun(std::string_view yaml, bool schema_only) {
  base::Diagnostics diagnostics;
  loaded = config::loadText(yaml, config::Format::kYaml, "test.yaml", "", diagnostics);
  config = compileLoaded(loaded, {stats, clock, *extensions, sinks, schema_only}, diagnostics);
  errors = diagnostics.errors();
  report = config::render(diagnostics, loaded.sources);
}

Client::Client(const net::WorkerContext& worker, const net::Address& to, const net::TransportFactory* over,
               std::string_view host) {
  auto socket = worker.network.connect(to, std::nullopt);
  if (!socket.ok()) {
    closed = net::CloseReason::kConnectFailed;
    return;
  }
  if (over != nullptr) *socket = over->wrap(*std::move(socket), worker, {.host_name = host});
  connection_ =
      std::make_unique<net::Connection>(worker.dispatcher, worker.blocks, *std::move(socket), net::Connection::Limits{},
                                        static_cast<net::Session&>(*this), absl::Seconds(5));
}

Client::~Client() = default;

void Client::send(std::string_view bytes) {
  connection_->output().append(bytes);
  connection_->flush();
}

void Client::onInput(buffer::Buffer& input, bool end) {
  received += input.toString();
  input.clear();
  ended = ended || end;
}

ServerWorld::ServerWorld(std::string_view yaml, unsigned count, uint32_t limit)
    : compiled(yaml),
      connection_limit(limit),
      client_dispatcher_(simulation.addDispatcher()),
      client_network_(wire, client_dispatcher_, "10.0.0.9"),
      local_network_(wire, client_dispatcher_, "127.0.0.1") {
  EXPECT_EQ(compiled.report, "");
  if (compiled.config == nullptr) return;
  std::vector<Worker*> all;
  for (unsigned i = 0; i < count; ++i) {
    event::Dispatcher& dispatcher = simulation.addDispatcher();
    networks_.push_back(std::make_unique<harness::SimNetwork>(wire, dispatcher));
    const Worker::Seams seams{dispatcher, *networks_.back(), compiled.stats, i + 1, connection_limit};
    workers.push_back(std::make_unique<Worker>(i, seams, compiled.config->clusters, compiled.config->listeners));
    all.push_back(workers.back().get());
  }
  bound = bindListeners(compiled.config->listeners, all);
}

ServerWorld::~ServerWorld() {
  clients_.clear();
  workers.clear();
}

void ServerWorld::start() {
  EXPECT_TRUE(bound.ok()) << bound;
  for (const auto& worker : workers) {
    const absl::Status status = worker->start();
    EXPECT_TRUE(status.ok()) << status;
  }
}

Client& ServerWorld::connect(const net::Address& address) {
  clients_.push_back(std::make_unique<Client>(remote_.context, address));
  return *clients_.back();
}

Client& ServerWorld::connectLocally(std::string_view address, const net::TransportFactory* over,
                                    std::string_view host) {
  clients_.push_back(std::make_unique<Client>(local_.context, *net::Address::parse(address), over, host));
  return *clients_.back();
}

}  // namespace weir::server
