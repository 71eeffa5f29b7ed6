#pragma once

#include <netinet/in.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace weir::net {

// The text of an IP address without brackets and port, made without the heap. A view of the text lives as long as the
// object.
class IpText {
 public:
  // In network order: 4 bytes, 16 bytes, or any other number for an empty text. IPv6 is written as inet_ntop(3) does.
  explicit IpText(std::string_view bytes);
  IpText(const IpText&) = delete;

  std::string_view view() const { return {text_, size_}; }

 private:
  char text_[INET6_ADDRSTRLEN];
  size_t size_ = 0;
};

// "192.0.2.0/24": the address without the bits behind the prefix, so that equal ranges read the same. `length` beyond
// the address is written as it is.
std::string maskedIpText(std::string_view bytes, uint32_t length);

}  // namespace weir::net
