// HttpFilterFactory: one configured filter of a chain. Made at load from the filter's configuration message,
// immutable, shared by all workers, and lives as long as the configuration. create() is called once per exchange.
// HttpFilterRegistry: the list of filters that weir has, by the full name of their configuration message; filled by
// source/extensions/registry.cc at start, read only after it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "source/base/arena.h"
#include "source/base/clock.h"
#include "source/base/diagnostics.h"
#include "source/filter/http_filter.h"
#include "source/net/worker_context.h"

namespace google::protobuf {
class Message;
}

namespace weir::stats {
class Registry;
}

namespace weir::filter {

class HttpFilterFactory {
 public:
  virtual ~HttpFilterFactory() = default;
  // The filter of one exchange, in its arena, which destroys it.
  virtual HttpFilter* create(base::Arena& arena, const net::WorkerContext& worker) const = 0;
  virtual HookMask hooks() const = 0;
};

// The factory of filters that are made from their configuration and, where their constructor takes it, the worker.
template <typename Filter, typename Config>
class ConfiguredFactory final : public HttpFilterFactory {
 public:
  explicit ConfiguredFactory(std::unique_ptr<const Config> config) : config_(std::move(config)) {}
  HttpFilter* create(base::Arena& arena, const net::WorkerContext& worker) const override {
    if constexpr (std::is_constructible_v<Filter, const Config&, const net::WorkerContext&>) {
      return arena.make<Filter>(*config_, worker);
    } else {
      return arena.make<Filter>(*config_);
    }
  }
  HookMask hooks() const override { return hooksOf<Filter>(); }

 private:
  const std::unique_ptr<const Config> config_;
};

template <typename Filter, typename Config>
std::unique_ptr<HttpFilterFactory> factoryOf(std::unique_ptr<Config> config) {
  return std::make_unique<ConfiguredFactory<Filter, std::remove_const_t<Config>>>(std::move(config));
}

// Of filters that nothing is configured for.
template <typename Filter>
class PlainFactory final : public HttpFilterFactory {
 public:
  HttpFilter* create(base::Arena& arena, const net::WorkerContext&) const override { return arena.make<Filter>(); }
  HookMask hooks() const override { return hooksOf<Filter>(); }
};

template <typename Filter>
std::unique_ptr<HttpFilterFactory> factoryOf() {
  return std::make_unique<PlainFactory<Filter>>();
}

// What a factory gets to compile its configuration. Errors go to `diagnostics` under `path`.
struct FactoryContext {
  stats::Registry& stats;
  base::Diagnostics& diagnostics;
  const base::FieldPath& path;   // of the configuration message
  std::string_view stat_prefix;  // of the connection manager
  const base::Clock& clock;
  // What is wrong with that name of a cluster, empty where one has it; null where that is not known, and no name is
  // refused then.
  const std::function<std::string(std::string_view)>* cluster_problem = nullptr;
  bool schema_only = false;                   // do not open or read files that the configuration names
  const HttpFilterFactory* filter = nullptr;  // of a route's configuration: the filter that it is for
};

// How a filter is made. Both functions return null after they have reported at least one error.
struct HttpFilterType {
  std::string config_type;        // "envoy.extensions.filters.http.buffer.v3.Buffer"
  std::string route_config_type;  // empty: has no per-route configuration
  std::string usual_name;         // "envoy.filters.http.buffer"
  bool terminal = false;          // the router: the chain ends with it and it has no factory here
  std::function<std::unique_ptr<HttpFilterFactory>(const google::protobuf::Message&, const FactoryContext&)> make;
  std::function<std::unique_ptr<RouteFilterConfig>(const google::protobuf::Message&, const FactoryContext&)>
      make_route_config;
};

class HttpFilterRegistry {
 public:
  // A name that is taken already is an error that names both.
  absl::Status add(HttpFilterType type);
  const HttpFilterType* byConfigType(std::string_view full_name) const;
  const HttpFilterType* byRouteConfigType(std::string_view full_name) const;
  std::vector<std::string> configTypes() const;

 private:
  std::map<std::string, HttpFilterType, std::less<>> by_config_type_;
};

}  // namespace weir::filter
