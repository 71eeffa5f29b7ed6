// The gRPC stats filter: counts the calls of gRPC requests, by cluster and as configured by method: how they ended, and
// the messages that went either way, as they pass. Which methods have counters of their own: those of the list, or all
// that are seen (names of letters, digits, '_' and '.', up to a limit), or none; the others are counted together.
//
// A call that broke off before a grpc-status came counts as the status that the client is given, CANCELLED when the
// client left. Put before grpc_web in the response's direction, that is after it in the configuration: it reads
// application/grpc only.
#pragma once

#include "source/filter/http_filter_factory.h"

namespace weir::extensions::grpc_stats {

filter::HttpFilterType grpcStatsType();

}  // namespace weir::extensions::grpc_stats
