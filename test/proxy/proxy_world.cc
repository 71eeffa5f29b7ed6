#include "test/proxy/proxy_world.h"

#include <utility>

#include "source/base/check.h"

namespace weir::proxy {

RawClient::RawClient(upstream::TestWorker& worker, const net::Address& to, size_t read_bytes)
    : RawClient(worker, worker.network.connect(to, {}).value(), read_bytes) {}

RawClient::RawClient(upstream::TestWorker& worker, std::unique_ptr<net::Socket> socket, size_t read_bytes)
    : dispatcher_(worker.dispatcher),
      connection_(std::make_unique<net::Connection>(worker.dispatcher, worker.blocks, std::move(socket),
                                                    net::Connection::Limits{read_bytes, 16 * 1024 * 1024}, *this,
                                                    absl::Seconds(5))) {}

void RawClient::write(std::string_view bytes) {
  if (connection_ == nullptr) return;
  connection_->output().append(bytes);
  connection_->flush();
}

void RawClient::onInput(buffer::Buffer& input, bool end) {
  if (!input.empty()) last_received = dispatcher_.now();
  received_bytes += input.size();
  if (keep_bytes) received += input.toString();
  input.clear();
  ended = ended || end;
}

void RawClient::onClose(net::CloseReason reason) {
  closed = reason;
  dispatcher_.deleteLater(std::move(connection_));
}

void LineLog::log(const filter::StreamInfo& info, const net::WorkerContext&) const {
  std::string line = std::to_string(info.status) + " " + std::string(http::reasonInfo(info.reason).name);
  if (info.retries_exhausted) line += info.reason == http::Reason::kNone ? "URX" : ",URX";
  if (info.request_head != nullptr) {
    line += " " + std::string(info.request_head->method) + " " + std::string(info.request_head->path);
  }
  lines_.push_back(std::move(line));
}

Route& ProxyWorld::addRoute(VirtualHost& host, std::string prefix) {
  RouteMatch match;
  match.literal = prefix;
  auto route = std::make_unique<Route>();
  route->virtual_host = &host;
  route->matched_bytes = static_cast<uint32_t>(prefix.size());
  Route& added = *route;
  host.routes.insert(host.routes.begin(), std::make_pair(std::move(match), std::move(route)));
  return added;
}

ProxyWorld::ProxyWorld(const std::function<void(Setup&)>& change,
                       const std::function<void(upstream::ClusterConfig&)>& change_cluster, uint32_t connection_limit,
                       const Wrap& wrap)
    : client_worker(upstream.simulation, upstream.wire, upstream.registry, 101),
      origin(upstream.origin_worker, "10.0.0.1"),
      wrapped(wrap ? wrap(upstream.worker().network) : nullptr),
      context{upstream.worker().dispatcher,
              wrapped != nullptr ? *wrapped : static_cast<net::Network&>(upstream.worker().network),
              upstream.worker().blocks,
              upstream.worker().chunks,
              upstream.worker().random,
              upstream.worker().context.stats,
              0},
      limit(connection_limit) {
  const std::shared_ptr<const upstream::Cluster> cluster = upstream.makeCluster({origin.address()}, change_cluster);
  clusters = std::make_unique<upstream::ClusterManager>(std::span(&cluster, 1), context);
  side_calls = std::make_unique<SideCalls>(context, *clusters);
  services.reset(new Services{context, *clusters, exchanges, last_connection_id, draining, *side_calls});

  auto config = std::make_unique<HttpConnectionManagerConfig>();
  config->stat_prefix = "p";
  config->stats = HttpStats::make(upstream.registry, "p");
  config->access_logs.push_back(std::make_unique<LineLog>(log));
  auto table = std::make_unique<RouteTable>();
  table->hosts.push_back(std::make_unique<VirtualHost>());
  VirtualHost& host = *table->hosts.back();
  host.table = table.get();
  CHECK(table->addDomain("*", host), "the first domain");
  Route& route = addRoute(host, "/");
  route.action.emplace<ForwardAction>().cluster = "c";
  std::vector<filter::HttpChainConfig::Slot> filters;
  std::vector<FilterChain> chains(1);
  Setup setup{config.get(), &route, &host, &filters, &listener_config.filters, &chains[0].transport};
  if (change) change(setup);
  host.index();
  config->routes = std::move(table);
  config->filters = std::make_unique<const filter::HttpChainConfig>(std::move(filters));

  chains[0].name = "only";
  chains[0].terminal = std::make_unique<HttpConnectionManagerFactory>(std::move(config), std::vector<std::string>{"c"});
  listener_config.name = "listener";
  listener_config.chains = FilterChainMatcher::make(std::move(chains), nullptr).value();
  listener_config.stats = ListenerStats::make(upstream.registry, "listener");
  listener = std::make_unique<ActiveListener>(listener_config, *services, limit, directory);
  listener->addSocket(context.network.bind(*net::Address::parseIp("10.0.0.2", 0), {}).value());
  CHECK(listener->start().ok(), "a bound socket listens");
}

ProxyWorld::~ProxyWorld() {
  clients.clear();
  listener.reset();
  side_calls.reset();
  exchanges.shadows.clear();
  clusters.reset();
}

RawClient& ProxyWorld::client() {
  std::unique_ptr<net::Socket> socket = client_worker.network.connect(address(), {}).value();
  if (client_transport != nullptr) socket = client_transport->wrap(std::move(socket), client_worker.context, {});
  clients.push_back(std::make_unique<RawClient>(client_worker, std::move(socket)));
  settle();
  return *clients.back();
}

std::string ProxyWorld::ask(RawClient& client, std::string_view bytes) {
  client.received.clear();
  client.write(bytes);
  settle();
  return client.received;
}

}  // namespace weir::proxy
