#include "source/server/explain/explain.h"

#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "source/base/strings.h"
#include "source/http/reason.h"
#include "source/net/transport_info.h"
#include "source/proxy/http_connection_manager.h"
#include "source/proxy/request_preparation.h"
#include "source/server/explain/explain_context.h"
#include "source/server/explain/explain_policies.h"
#include "source/server/explain/explain_routes.h"

namespace weir::server {
namespace {

// Who asks, where the question does not say it.
constexpr std::string_view kClientIp = "127.0.0.1";
// The same question has the same answer, shares and weights included.
constexpr uint64_t kSeed = 1;

struct Place {
  size_t listener = 0;
  const BoundAddress* address = nullptr;
  const proxy::FilterChain* chain = nullptr;
  const proxy::HttpConnectionManagerFactory* manager = nullptr;
  bool port_fits = false;
};

// The chain of that address that a plain or a TLS connection gets, if HTTP is spoken there. Where the listener has
// filters that look at the first bytes, they are taken to find the name in a ClientHello.
Place placeAt(const ServerConfig& config, size_t listener, const BoundAddress& address, const Question& question,
              const net::Address& client) {
  Place place{listener, &address};
  place.port_fits = address.address.isIp() && address.address.port() == question.port;
  const proxy::ListenerConfig& listens = *config.listeners[listener].config;
  proxy::Inspected seen{address.address, client, client, {}, "raw_buffer", {}, nullptr, nullptr};
  if (question.scheme == "https" && !listens.filters.empty()) {
    seen.transport_protocol = "tls";
    seen.server_name = question.authority.substr(0, question.authority.rfind(':'));
  }
  place.chain = listens.chains->match(seen);
  if (place.chain == nullptr || (place.chain->transport != nullptr) != (question.scheme == "https")) return {};
  place.manager = dynamic_cast<const proxy::HttpConnectionManagerFactory*>(place.chain->terminal.get());
  return place;
}

// The listener of the port that the URL names; where there is none, the first one that would take the request.
Place findPlace(const ServerConfig& config, const Question& question, const net::Address& client) {
  Place first;
  for (size_t i = 0; i < config.listeners.size(); ++i) {
    for (const BoundAddress& address : config.listeners[i].addresses) {
      const Place place = placeAt(config, i, address, question, client);
      if (place.manager == nullptr) continue;
      if (place.port_fits) return place;
      if (first.manager == nullptr) first = place;
    }
  }
  return first;
}

// The text of the FieldPath of the chain, and its message.
struct ChainMessage {
  std::string path;
  const envoy::config::listener::v3::FilterChain* message = nullptr;
};

ChainMessage messageOf(const config::LoadedConfig& loaded, const ServerConfig& config, const Place& place) {
  const auto& listener = loaded.bootstrap.static_resources().listeners(static_cast<int>(place.listener));
  const std::string path = absl::StrCat("static_resources.listeners[", place.listener, "]");
  const auto& chains = config.listeners[place.listener].config->chains->chains();
  for (size_t i = 0; i < chains.size(); ++i) {
    if (&chains[i] != place.chain) continue;
    return {absl::StrCat(path, ".filter_chains[", i, "]"), &listener.filter_chains(static_cast<int>(i))};
  }
  return {path + ".default_filter_chain", &listener.default_filter_chain()};
}

void addListener(const ExplainContext& context, const Place& place, const Question& question, const ChainMessage& chain,
                 Note& root) {
  Note& listener = root.add("listener", context.config.listeners[place.listener].config->name,
                            context.at(absl::StrCat("static_resources.listeners[", place.listener, "]")));
  listener.add("address", place.address->address.text());
  if (!place.port_fits) {
    listener.add("note", absl::StrCat("no listener that takes this has port ", question.port, "; taken as sent here"));
  }
  root.add("filter_chain", place.chain->name, context.at(chain.path));
}

// What is decided before there is a route. False when the request goes no further.
bool addPreparation(const proxy::Preparation& prepared, const http::Head& head, const std::string& asked, Note& root) {
  if (prepared.refusal != http::Reason::kNone) {
    const http::ReasonInfo& info = http::reasonInfo(prepared.refusal);
    Note& refusal = root.add("refused", std::string(info.name));
    refusal.addBare("status", absl::StrCat(info.status));
    refusal.add("because", std::string(info.sentence));
    return false;
  }
  if (prepared.redirect) root.add("redirected_to_path", std::string(head.path));
  if (head.path != asked) root.add("normalized_path", std::string(head.path));
  return true;
}

void explainRequest(const ExplainContext& context, const Question& question, const Place& place,
                    const net::Address& client, Note& root) {
  base::ChunkPool chunks;
  base::Arena arena(chunks);
  http::Head& head = *arena.make<http::Head>(arena);
  question.fill(head);
  net::TransportInfo transport;
  transport.version = "TLSv1.3";
  transport.server_name = question.authority;
  filter::StreamInfo info;
  info.start_wall = absl::UnixEpoch();
  info.downstream_local = place.address->address;
  info.downstream_direct_remote = client;
  if (question.scheme == "https") info.downstream_transport = &transport;
  info.request_head = &head;
  base::Random random(kSeed);
  if (context.manager.request.external()) {
    for (const std::string& name : context.manager.routes->internal_only_headers) head.headers.remove(name);
  }
  const proxy::Preparation prepared = proxy::prepareRequest(head, info, context.manager.request, random);
  if (!addPreparation(prepared, head, question.path, root)) return;

  const proxy::RouteExplanation explanation = proxy::explainRoute(*context.manager.routes, head, info, random);
  addVirtualHost(context, explanation, head, root);
  if (explanation.chosen == nullptr) {
    const http::ReasonInfo& none = http::reasonInfo(http::Reason::kNoRoute);
    Note& note = root.add("action", std::string(none.name));
    note.addBare("status", absl::StrCat(none.status));
    addFilters(context, nullptr, root);
    return;
  }
  info.route = explanation.chosen;
  addAction(context, explanation, head, root);
  if (explanation.needs_tls) return;
  addFilters(context, explanation.chosen, root);
  const auto* const forward = std::get_if<proxy::ForwardAction>(&explanation.chosen->action);
  if (forward == nullptr) return;
  addTimeouts(context, *explanation.chosen, *forward, root);
  addRetries(context, *explanation.chosen, *forward, root);
}

}  // namespace

absl::StatusOr<Note> explain(const Question& question, const config::LoadedConfig& loaded, const ServerConfig& config) {
  const net::Address client = *net::Address::parseIp(kClientIp, 0);
  const Place place = findPlace(config, question, client);
  if (place.manager == nullptr) {
    return absl::NotFoundError(absl::StrCat("no listener has a filter chain that speaks HTTP ",
                                            question.scheme == "https" ? "over TLS" : "without TLS"));
  }
  const ChainMessage chain = messageOf(loaded, config, place);
  const int last = chain.message->filters_size() - 1;
  ExplainContext context{
      loaded, config, place.manager->config(), {}, absl::StrCat(chain.path, ".filters[", last, "].typed_config")};
  if (!context.message.ParseFromString(chain.message->filters(last).typed_config().value())) {
    return absl::InternalError("the connection manager cannot be read again");
  }
  Note root{"request", question.text()};
  addListener(context, place, question, chain, root);
  explainRequest(context, question, place, client, root);
  return root;
}

}  // namespace weir::server
