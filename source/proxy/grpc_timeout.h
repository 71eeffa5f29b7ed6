// How long a client of gRPC says that its call may take. Used by the exchange, which keeps it where the route asks for
// that, and by the router, which passes it on. Pure functions on one worker.
#pragma once

#include <optional>

#include "absl/time/time.h"
#include "source/http/head.h"
#include "source/proxy/routes/route.h"

namespace weir::proxy {

// From the beginning of the request, as far as the route allows it; none without a grpc-timeout that is well formed.
std::optional<absl::Duration> grpcTimeout(const http::Head& request, const ForwardAction& action);

}  // namespace weir::proxy
