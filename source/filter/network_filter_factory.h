// NetworkFilterFactory: one configured network filter of a listener's filter chain, in front of its terminal. Made at
// load from its configuration message, immutable, shared by all workers, lives as long as the configuration. create()
// is called once per connection. NetworkFilterRegistry: the network filters that weir has, by the full name of their
// configuration message; filled by source/extensions/registry.cc at start, read only after it.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "source/filter/http_filter_factory.h"
#include "source/filter/network_filter.h"
#include "source/net/worker_context.h"

namespace weir::filter {

class NetworkFilterFactory {
 public:
  virtual ~NetworkFilterFactory() = default;
  virtual std::unique_ptr<NetworkFilter> create(const net::WorkerContext& worker) const = 0;
};

struct NetworkFilterType {
  std::string config_type;  // "envoy.extensions.filters.network.rbac.v3.RBAC"
  std::string usual_name;   // "envoy.filters.network.rbac"
  // Null after at least one error was reported. The context's stat_prefix is empty.
  std::function<std::unique_ptr<NetworkFilterFactory>(const google::protobuf::Message&, const FactoryContext&)> make;
};

class NetworkFilterRegistry {
 public:
  // A message that is taken already is an error that names both.
  absl::Status add(NetworkFilterType type);
  const NetworkFilterType* byConfigType(std::string_view full_name) const;
  std::vector<std::string> configTypes() const;

 private:
  std::map<std::string, NetworkFilterType, std::less<>> types_;
};

}  // namespace weir::filter
