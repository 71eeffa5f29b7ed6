#include "source/extensions/filters/network/sni_cluster/sni_cluster.h"

#include <memory>
#include <string>

#include "envoy/extensions/filters/network/sni_cluster/v3/sni_cluster.pb.h"

namespace weir::extensions::sni_cluster {

using envoy::extensions::filters::network::sni_cluster::v3::SniCluster;

filter::NetworkFilterType sniClusterType() {
  return {std::string(SniCluster::descriptor()->full_name()), "envoy.filters.network.sni_cluster",
          [](const google::protobuf::Message&,
             const filter::FactoryContext&) -> std::unique_ptr<filter::NetworkFilterFactory> { return nullptr; }};
}

}  // namespace weir::extensions::sni_cluster
