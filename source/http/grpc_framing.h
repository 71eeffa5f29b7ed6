// GrpcFraming: follows the length-prefixed messages of a gRPC body, piece by piece, and keeps nothing of it. A member
// of whoever looks at the body of one direction of one exchange.
//
//   body     *( flag length payload )     flag = OCTET, length = 4 OCTETS (big endian), payload = length OCTETS
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace weir::http {

class GrpcFraming {
 public:
  // The next bytes of the body. Takes them up to the end of the message that they belong to, and returns how many it
  // took: all of them, or fewer if a message ends before. Never 0 unless `bytes` is empty.
  size_t take(std::string_view bytes);
  // Not inside of a message.
  bool atBoundary() const { return prefix_ == 0; }
  // Messages that have begun, which is when their length was there.
  uint64_t messages() const { return messages_; }

 private:
  static constexpr uint8_t kPrefixBytes = 5;
  uint8_t prefix_ = 0;  // bytes of the flag and the length that were seen of this message
  uint32_t left_ = 0;   // of the payload; of the length while that is being read, what is known of it
  uint64_t messages_ = 0;
};

}  // namespace weir::http
