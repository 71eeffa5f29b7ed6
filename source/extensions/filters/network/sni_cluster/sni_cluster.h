// The sni_cluster network filter: the server name of the ClientHello (which the tls_inspector listener filter reads) is
// the cluster of the tcp_proxy behind it; without a server name, that one's own cluster is. It has nothing to do while
// bytes move: the listener's compiler tells the terminal of the chain.
#pragma once

#include "source/filter/network_filter_factory.h"

namespace weir::extensions::sni_cluster {

filter::NetworkFilterType sniClusterType();

}  // namespace weir::extensions::sni_cluster
