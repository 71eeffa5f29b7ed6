#include "source/http/grpc_framing.h"

#include <algorithm>

namespace weir::http {

size_t GrpcFraming::take(std::string_view bytes) {
  size_t taken = 0;
  while (prefix_ < kPrefixBytes && taken < bytes.size()) {
    if (prefix_ > 0) left_ = left_ << 8 | static_cast<unsigned char>(bytes[taken]);
    ++prefix_;
    ++taken;
    if (prefix_ == kPrefixBytes) ++messages_;
  }
  if (prefix_ < kPrefixBytes) return taken;
  const size_t payload = std::min<size_t>(left_, bytes.size() - taken);
  left_ -= static_cast<uint32_t>(payload);
  if (left_ == 0) prefix_ = 0;
  return taken + payload;
}

}  // namespace weir::http
