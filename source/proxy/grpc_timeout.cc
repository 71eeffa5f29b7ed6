#include "source/proxy/grpc_timeout.h"

#include <algorithm>

#include "source/http/grpc.h"

namespace weir::proxy {

std::optional<absl::Duration> grpcTimeout(const http::Head& request, const ForwardAction& action) {
  const auto text = request.headers.get(http::HeaderId::kGrpcTimeout);
  std::optional<absl::Duration> timeout = text ? http::parseGrpcTimeout(*text) : std::nullopt;
  if (!timeout || !action.grpc_timeout_max) return timeout;
  if (*timeout > action.grpc_timeout_offset) *timeout -= action.grpc_timeout_offset;
  const absl::Duration max = *action.grpc_timeout_max;
  return max > absl::ZeroDuration() ? std::min(*timeout, max) : *timeout;
}

}  // namespace weir::proxy
