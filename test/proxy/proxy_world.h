// What tests of the connection manager stand on: a simulated network with an origin whose test decides what it answers
// and when, a listener with the connection manager and a cluster of that origin behind it, and clients that write and
// read raw bytes. Everything runs in one thread on a simulated clock.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "source/proxy/exchange_pool.h"
#include "source/proxy/http_connection_manager.h"
#include "source/proxy/http_connection_manager_config.h"
#include "source/proxy/listener/active_listener.h"
#include "source/proxy/side_calls.h"
#include "source/upstream/cluster_manager.h"
#include "test/upstream/upstream_world.h"

namespace weir::proxy {

// One client connection. Keeps what it received until a test clears it.
class RawClient final : public net::Session {
 public:
  RawClient(upstream::TestWorker& worker, const net::Address& to, size_t read_bytes = 1024 * 1024);
  // Over a socket that is connecting.
  RawClient(upstream::TestWorker& worker, std::unique_ptr<net::Socket> socket, size_t read_bytes = 1024 * 1024);

  void write(std::string_view bytes);
  // FIN; still reads.
  void finish() { connection_->finishOutput(); }
  // Drops the connection with a reset.
  void drop() { connection_->close(net::CloseReason::kLocalReset); }
  void pauseReading(bool pause) { connection_->pauseReading(pause); }

  std::string received;
  size_t received_bytes = 0;
  bool keep_bytes = true;  // else only counted
  bool ended = false;
  std::optional<net::CloseReason> closed;
  base::MonotonicTime last_received;

 private:
  void onInput(buffer::Buffer& input, bool end) override;
  void onRoom() override {}
  void onClose(net::CloseReason reason) override;

  event::Dispatcher& dispatcher_;
  std::unique_ptr<net::Connection> connection_;  // null once it is closed
};

// A line per exchange: "status reason method path"; ",URX" behind the reason where retries were used up.
class LineLog final : public filter::AccessLog {
 public:
  explicit LineLog(std::vector<std::string>& lines) : lines_(lines) {}
  void log(const filter::StreamInfo& info, const net::WorkerContext& worker) const override;

 private:
  std::vector<std::string>& lines_;
};

class ProxyWorld {
 public:
  // What a test changes before the listener opens.
  struct Setup {
    HttpConnectionManagerConfig* config;
    Route* route;  // prefix "/", to the cluster "c" of the origin
    VirtualHost* host;
    std::vector<filter::HttpChainConfig::Slot>* filters;
    ListenerFilters* listener_filters;
    std::shared_ptr<const net::TransportFactory>* transport;  // of the listener; null: plain bytes
  };
  // `wrap` may put something of its own in front of the proxy's network.
  using Wrap = std::function<std::unique_ptr<net::Network>(net::Network&)>;
  explicit ProxyWorld(const std::function<void(Setup&)>& change = {},
                      const std::function<void(upstream::ClusterConfig&)>& change_cluster = {},
                      uint32_t connection_limit = 1000, const Wrap& wrap = {});
  ~ProxyWorld();

  RawClient& client();
  // What its clients speak; null: plain bytes.
  std::shared_ptr<const net::TransportFactory> client_transport;
  // Adds a route in front of those that are there.
  static Route& addRoute(VirtualHost& host, std::string prefix);
  uint64_t counter(std::string_view text) const { return upstream.registry.counterValue(text).value(); }
  int64_t gauge(std::string_view text) const { return upstream.registry.gaugeValue(text).value(); }
  void settle() { upstream.settle(); }
  // Writes, and returns what came back when nothing moves any more.
  std::string ask(RawClient& client, std::string_view bytes);
  net::Address address() const { return listener->addresses().front(); }

  upstream::UpstreamWorld upstream;
  upstream::TestWorker client_worker;
  upstream::Origin origin;
  std::vector<std::string> log;
  bool draining = false;
  uint64_t last_connection_id = 0;
  ExchangePool exchanges;
  std::unique_ptr<net::Network> wrapped;
  net::WorkerContext context;
  std::unique_ptr<upstream::ClusterManager> clusters;
  std::unique_ptr<SideCalls> side_calls;
  std::unique_ptr<Services> services;
  ListenerConfig listener_config;
  ListenerDirectory directory;
  upstream::SharedLimit limit;
  std::unique_ptr<ActiveListener> listener;
  std::vector<std::unique_ptr<RawClient>> clients;
};

inline constexpr std::string_view kGet = "GET /a HTTP/1.1\r\nhost: h\r\n\r\n";

}  // namespace weir::proxy
