// load: the load generator of the bench suite: one thread, weir's own codecs, latencies from the time at which a
// request was due. `load --help` lists what it takes; the result is one line of JSON.

#include <signal.h>

#include <charconv>
#include <cstdio>
#include <cstring>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bench/load/outgoing.h"
#include "bench/load/plan.h"
#include "bench/load/run.h"
#include "source/base/clock.h"
#include "source/event/libevent_poller.h"
#include "source/net/kernel_network.h"
#include "source/net/tls/tls_transport.h"
#include "source/stats/stats.h"

namespace weir::bench {
namespace {

constexpr char kUsage[] =
    "Usage: load --to IP:PORT [--traffic http1|http2|grpc|tcp|websocket] [--tls] [--resume] [--connections N]\n"
    "            [--streams N] [--rate PER_SECOND] [--reconnect] [--warm SECONDS] [--seconds SECONDS]\n"
    "            [--requests N] [--path PATH] [--body BYTES] [--response BYTES]\n";

using Options = std::map<std::string_view, std::string_view>;

std::optional<Options> readOptions(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    std::string_view name = argv[i];
    if (!name.starts_with("--")) return std::nullopt;
    name.remove_prefix(2);
    if (name == "tls" || name == "resume" || name == "reconnect") {
      options[name] = "1";
    } else if (i + 1 < argc) {
      options[name] = argv[++i];
    } else {
      return std::nullopt;
    }
  }
  return options;
}

template <typename Number>
bool read(const Options& options, std::string_view name, Number& out) {
  const auto found = options.find(name);
  if (found == options.end()) return true;
  const std::string_view text = found->second;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size();
}

bool readTraffic(const Options& options, Traffic& out) {
  static constexpr std::pair<std::string_view, Traffic> kNames[] = {{"http1", Traffic::kHttp1},
                                                                    {"http2", Traffic::kHttp2},
                                                                    {"grpc", Traffic::kGrpc},
                                                                    {"tcp", Traffic::kTcp},
                                                                    {"websocket", Traffic::kWebSocket}};
  const auto found = options.find("traffic");
  if (found == options.end()) return true;
  for (const auto& [name, traffic] : kNames) {
    if (name != found->second) continue;
    out = traffic;
    return true;
  }
  return false;
}

std::optional<Plan> readPlan(const Options& options) {
  Plan plan;
  const auto target = options.find("to");
  if (target == options.end()) return std::nullopt;
  const auto address = net::Address::parse(target->second);
  if (!address.ok()) return std::nullopt;
  plan.target = *address;
  plan.tls = options.count("tls") > 0;
  plan.resume = options.count("resume") > 0;
  plan.reconnect = options.count("reconnect") > 0;
  if (const auto path = options.find("path"); path != options.end()) plan.path = path->second;
  double warm = 1;
  double seconds = 3;
  if (!readTraffic(options, plan.traffic) || !read(options, "connections", plan.connections) ||
      !read(options, "streams", plan.streams) || !read(options, "rate", plan.rate) || !read(options, "warm", warm) ||
      !read(options, "requests", plan.requests) || !read(options, "seconds", seconds) ||
      !read(options, "body", plan.body) || !read(options, "response", plan.response)) {
    return std::nullopt;
  }
  plan.warm = absl::Seconds(warm);
  plan.measured = absl::Seconds(seconds);
  return plan;
}

std::shared_ptr<const net::TransportFactory> makeTls(const Plan& plan, stats::Registry& registry) {
  net::tls::ClientConfig config;
  config.validation.accept_untrusted = true;
  config.verify_name = false;
  config.server_name = "bench";
  config.sessions_per_host = plan.resume ? plan.connections : 0;
  const bool http2 = plan.traffic == Traffic::kHttp2 || plan.traffic == Traffic::kGrpc;
  config.alpn = {http2 ? "h2" : "http/1.1"};
  net::tls::TlsTransport made =
      net::tls::TlsTransport::client(config, net::tls::TlsStats::make(registry, "cluster", "bench"));
  for (const auto& problem : made.problems) std::fprintf(stderr, "load: %s\n", problem.message.c_str());
  return made.factory;
}

int run(const Plan& plan) {
  ::signal(SIGPIPE, SIG_IGN);
  const base::RealClock clock;
  event::LibeventPoller poller;
  event::Dispatcher dispatcher(poller, clock);
  net::KernelNetwork network(poller);
  buffer::BlockPool blocks(4096);
  base::ChunkPool chunks(4096);
  base::Random random(1);
  stats::Registry registry;
  const std::shared_ptr<const net::TransportFactory> tls = plan.tls ? makeTls(plan, registry) : nullptr;
  if (plan.tls && tls == nullptr) return 1;
  const net::WorkerContext worker{dispatcher, network, blocks, chunks, random, registry.makeShard()};
  Run run(plan, poller, dispatcher, clock);
  {
    const Outgoing outgoing{plan, run, worker, tls.get()};
    std::vector<std::unique_ptr<Client>> clients;
    run.start();
    for (size_t i = 0; i < plan.connections; ++i) clients.push_back(makeClient(outgoing));
    dispatcher.run();
    std::puts(run.result().c_str());
    std::fflush(stdout);
    // Whatever is still open ends with the process.
    std::_Exit(0);
  }
}

int main(int argc, char** argv) {
  const std::optional<Options> options = readOptions(argc, argv);
  const std::optional<Plan> plan = options ? readPlan(*options) : std::nullopt;
  if (!plan) {
    std::fputs(kUsage, stderr);
    return 2;
  }
  return run(*plan);
}

}  // namespace
}  // namespace weir::bench

int main(int argc, char** argv) { return weir::bench::main(argc, argv); }
