#include "source/net/ip_text.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "source/base/strings.h"

namespace weir::net {

IpText::IpText(std::string_view bytes) {
  // Not by inet_ntop, whose sprintf is a tenth of what a request costs.
  if (bytes.size() == 4) {
    char* at = text_;
    for (const char byte : bytes) {
      if (at != text_) *at++ = '.';
      at = std::to_chars(at, std::end(text_), static_cast<unsigned char>(byte)).ptr;
    }
    size_ = static_cast<size_t>(at - text_);
  } else if (bytes.size() == 16 && ::inet_ntop(AF_INET6, bytes.data(), text_, sizeof(text_)) != nullptr) {
    size_ = std::strlen(text_);
  }
}

std::string maskedIpText(std::string_view bytes, uint32_t length) {
  std::string masked(bytes);
  for (size_t i = 0; i < masked.size(); ++i) {
    const uint32_t kept = length > i * 8 ? std::min<uint32_t>(8, length - static_cast<uint32_t>(i) * 8) : 0;
    masked[i] = static_cast<char>(static_cast<unsigned char>(masked[i]) & (0xff00u >> kept));
  }
  return absl::StrCat(base::av(IpText(masked).view()), "/", length);
}

}  // namespace weir::net
