// A configuration file of so many routes and clusters, read and checked.
#include <benchmark/benchmark.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "source/config/loader.h"

namespace weir::config {
namespace {

std::string text(int64_t size) {
  std::string yaml = R"(static_resources:
  listeners:
  - name: front
    address: {socket_address: {address: 127.0.0.1, port_value: 0}}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: front
          http_filters:
          - name: envoy.filters.http.router
            typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}
          route_config:
            virtual_hosts:
            - name: all
              domains: ["*"]
              routes:
)";
  for (int64_t i = 0; i < size; ++i) {
    absl::StrAppend(&yaml, "              - {match: {prefix: /r/", i, "/}, route: {cluster: c", i, "}}\n");
  }
  absl::StrAppend(&yaml, "  clusters:\n");
  for (int64_t i = 0; i < size; ++i) {
    absl::StrAppend(&yaml, "  - {name: c", i, ", load_assignment: {cluster_name: c", i,
                    ", endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: 127.0.0.1, "
                    "port_value: 80}}}}]}]}}\n");
  }
  return yaml;
}

void load(benchmark::State& state) {
  const std::string yaml = text(state.range(0));
  for (auto _ : state) {
    base::Diagnostics diagnostics;
    benchmark::DoNotOptimize(loadText(yaml, Format::kYaml, "bench.yaml", "", diagnostics));
    if (diagnostics.errors() > 0) return state.SkipWithError("the configuration has errors");
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()) * state.range(0));
}
BENCHMARK(load)->Arg(1)->Arg(1000)->Arg(10000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace weir::config
