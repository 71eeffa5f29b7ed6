#include "test/harness/filter/filter_exchange.h"

#include "source/base/check.h"

namespace weir::harness {
namespace {

net::Address address(std::string_view text) { return net::Address::parse(text).value(); }

void addAll(Fields fields, http::HeaderMap& map) {
  for (const auto& [name, value] : fields) map.add(name, value);
}

}  // namespace

FilterExchange::FilterExchange(FilterWorld& world_of, const filter::HttpChainConfig& config,
                               const filter::RouteInfo* route_to)
    : Wakeable(world_of.dispatcher),
      world(world_of),
      arena(world_of.chunks),
      client(world_of.blocks),
      upstream(world_of.blocks),
      chain(config, world_of.worker, arena, info, client, *this),
      route(route_to) {
  info.start = world.dispatcher.now();
  info.start_wall = world.dispatcher.wallNow();
  info.protocol = http::Version::kHttp11;
  info.connection_id = 7;
  info.connection_states = &connection;
  info.downstream_local = address("127.0.0.1:8082");
  info.downstream_direct_remote = address("10.0.0.2:40001");
  info.downstream_remote = address("192.0.2.1:0");
  client.setOwner(*this, arena);
}

FilterExchange::~FilterExchange() { chain.complete(); }

http::Head& FilterExchange::request(std::string_view method, std::string_view path, Fields fields) {
  auto* const head = arena.make<http::Head>(arena);
  head->method = arena.copy(method);
  head->scheme = "http";
  head->authority = "example.com";
  head->path = arena.copy(path);
  addAll(fields, head->headers);
  return *head;
}

http::Head& FilterExchange::response(uint16_t status, Fields fields) {
  auto* const head = arena.make<http::Head>(arena);
  head->status = status;
  addAll(fields, head->headers);
  return *head;
}

http::HeaderMap* FilterExchange::trailers(Fields fields) {
  auto* const map = arena.make<http::HeaderMap>(arena);
  addAll(fields, *map);
  return map;
}

void FilterExchange::get(std::string_view path, Fields fields) {
  client.pushHead(request("GET", path, fields));
  client.pushEnd();
}

void FilterExchange::answer(uint16_t status, Fields fields) {
  upstream.pushHead(response(status, fields));
  upstream.pushEnd();
}

void FilterExchange::replyOrReset(http::Reason reason) {
  chain.replyOrReset(reason, "");
  wake();
}

void FilterExchange::chooseRoute(http::Head&) {
  ++routes_chosen;
  info.route = route;
}

http::Stream& FilterExchange::openTerminal(http::Head&) {
  CHECK(!terminal_open, "the terminal was opened twice");
  terminal_open = true;
  upstream.setOwner(*this, arena);
  return upstream;
}

void FilterExchange::dropTerminal(http::Reason reason) {
  CHECK(terminal_open && !terminal_dropped, "a terminal was dropped that is not there");
  terminal_dropped = true;
  upstream.reset(reason);
}

void FilterExchange::onWake() {
  if (state_ != filter::HttpChain::State::kRunning) return;
  state_ = chain.drive();
}

}  // namespace weir::harness
