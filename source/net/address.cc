#include "source/net/address.h"

#include <arpa/inet.h>
#include <sys/un.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "source/base/strings.h"
#include "source/net/ip_text.h"

namespace weir::net {
namespace {

constexpr size_t kMaxUnixPath = sizeof(sockaddr_un::sun_path) - 1;

absl::Status invalid(std::string_view seen, std::string_view wanted) {
  return absl::InvalidArgumentError(absl::StrCat("\"", base::av(seen), "\" is not ", base::av(wanted)));
}

std::string_view withoutBrackets(std::string_view ip) {
  if (ip.size() >= 2 && ip.front() == '[' && ip.back() == ']') return ip.substr(1, ip.size() - 2);
  return ip;
}

}  // namespace

absl::StatusOr<Address> Address::parseIp(std::string_view ip, uint16_t port) {
  const std::string_view bare = withoutBrackets(ip);
  const bool bracketed = bare.size() != ip.size();
  const std::string terminated(bare);
  Address address;
  address.port_ = port;
  if (terminated.size() == bare.size() && terminated.find('\0') == std::string::npos) {
    if (!bracketed && inet_pton(AF_INET, terminated.c_str(), address.bytes_) == 1) {
      address.family_ = Family::kIpv4;
      return address;
    }
    if (inet_pton(AF_INET6, terminated.c_str(), address.bytes_) == 1) {
      address.family_ = Family::kIpv6;
      return address;
    }
  }
  return invalid(ip, "an IPv4 or IPv6 address");
}

absl::StatusOr<Address> Address::parse(std::string_view text) {
  constexpr std::string_view kUnix = "unix:";
  if (text.starts_with(kUnix)) return unixPath(text.substr(kUnix.size()));
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return invalid(text, "an address with a port, as in 127.0.0.1:80");
  const std::string_view host = text.substr(0, colon);
  const std::string_view digits = text.substr(colon + 1);
  uint16_t port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (error != std::errc() || end != digits.data() + digits.size()) {
    return invalid(text, "an address with a port between 0 and 65535");
  }
  if (host.find(':') != std::string_view::npos && host.front() != '[') {
    return invalid(text, "clear: write an IPv6 address in brackets, as in [::1]:80");
  }
  return parseIp(host.empty() ? std::string_view("0.0.0.0") : host, port);
}

absl::StatusOr<Address> Address::unixPath(std::string_view path) {
  if (path.empty() || path == "@") return absl::InvalidArgumentError("the path of a unix socket is empty");
  if (path.size() > kMaxUnixPath) {
    return absl::InvalidArgumentError(absl::StrCat("the path of a unix socket has ", path.size(), " bytes; at most ",
                                                   kMaxUnixPath, " are possible: ", base::av(path)));
  }
  if (path.find('\0') != std::string_view::npos) {
    return absl::InvalidArgumentError("the path of a unix socket contains a NUL");
  }
  Address address;
  address.family_ = Family::kUnix;
  address.path_ = std::make_shared<const std::string>(path);
  return address;
}

Address Address::fromSockaddr(const sockaddr* address, socklen_t length) {
  Address result;
  if (address->sa_family == AF_INET && length >= sizeof(sockaddr_in)) {
    sockaddr_in in;
    std::memcpy(&in, address, sizeof(in));
    result.family_ = Family::kIpv4;
    result.port_ = ntohs(in.sin_port);
    std::memcpy(result.bytes_, &in.sin_addr, 4);
  } else if (address->sa_family == AF_INET6 && length >= sizeof(sockaddr_in6)) {
    sockaddr_in6 in;
    std::memcpy(&in, address, sizeof(in));
    result.port_ = ntohs(in.sin6_port);
    if (IN6_IS_ADDR_V4MAPPED(&in.sin6_addr)) {  // an IPv4 peer of a socket on "::"
      result.family_ = Family::kIpv4;
      std::memcpy(result.bytes_, in.sin6_addr.s6_addr + 12, 4);
    } else {
      result.family_ = Family::kIpv6;
      std::memcpy(result.bytes_, &in.sin6_addr, 16);
    }
  } else if (address->sa_family == AF_UNIX && length > offsetof(sockaddr_un, sun_path)) {
    const char* bytes = reinterpret_cast<const char*>(address) + offsetof(sockaddr_un, sun_path);
    const size_t size = length - offsetof(sockaddr_un, sun_path);
    std::string path = bytes[0] == '\0' ? absl::StrCat("@", absl::string_view(bytes + 1, size - 1))
                                        : std::string(bytes, strnlen(bytes, size));
    result.family_ = Family::kUnix;
    result.path_ = std::make_shared<const std::string>(std::move(path));
  }
  return result;
}

bool Address::isWildcard() const {
  const std::string_view bytes = ipBytes();
  return !bytes.empty() && std::all_of(bytes.begin(), bytes.end(), [](char c) { return c == 0; });
}

bool Address::isLoopback() const {
  if (family_ == Family::kIpv4) return bytes_[0] == 127;
  if (family_ != Family::kIpv6) return family_ == Family::kUnix;
  return bytes_[15] == 1 && std::all_of(bytes_, bytes_ + 15, [](uint8_t c) { return c == 0; });
}

uint16_t Address::port() const { return port_; }

std::string_view Address::ipBytes() const {
  const size_t size = family_ == Family::kIpv4 ? 4 : family_ == Family::kIpv6 ? 16 : 0;
  return std::string_view(reinterpret_cast<const char*>(bytes_), size);
}

std::string Address::ip() const {
  if (family_ == Family::kUnix) return *path_;
  if (family_ == Family::kNone) return "-";
  return std::string(IpText(ipBytes()).view());
}

std::string Address::text() const {
  switch (family_) {
    case Family::kIpv4:
      return absl::StrCat(ip(), ":", port_);
    case Family::kIpv6:
      return absl::StrCat("[", ip(), "]:", port_);
    case Family::kUnix:
      return absl::StrCat("unix:", *path_);
    case Family::kNone:
      break;
  }
  return "-";
}

socklen_t Address::toSockaddr(sockaddr_storage& out) const {
  std::memset(&out, 0, sizeof(out));
  if (family_ == Family::kIpv4) {
    sockaddr_in& in = reinterpret_cast<sockaddr_in&>(out);
    in.sin_family = AF_INET;
    in.sin_port = htons(port_);
    std::memcpy(&in.sin_addr, bytes_, 4);
    return sizeof(in);
  }
  if (family_ == Family::kIpv6) {
    sockaddr_in6& in = reinterpret_cast<sockaddr_in6&>(out);
    in.sin6_family = AF_INET6;
    in.sin6_port = htons(port_);
    std::memcpy(&in.sin6_addr, bytes_, 16);
    return sizeof(in);
  }
  if (family_ != Family::kUnix) return 0;
  sockaddr_un& un = reinterpret_cast<sockaddr_un&>(out);
  un.sun_family = AF_UNIX;
  std::memcpy(un.sun_path, path_->data(), path_->size());
  const size_t header = offsetof(sockaddr_un, sun_path);
  if (path_->front() == '@') {  // the abstract namespace: a leading NUL, and every byte counts
    un.sun_path[0] = '\0';
    return static_cast<socklen_t>(header + path_->size());
  }
  return static_cast<socklen_t>(header + path_->size() + 1);
}

bool operator==(const Address& a, const Address& b) {
  if (a.family_ != b.family_ || a.port_ != b.port_) return false;
  if (a.family_ == Address::Family::kUnix) return *a.path_ == *b.path_;
  return a.ipBytes() == b.ipBytes();
}

absl::StatusOr<CidrRange> CidrRange::parse(std::string_view ip, uint32_t length) {
  absl::StatusOr<Address> address = Address::parseIp(ip, 0);
  if (!address.ok()) return address.status();
  const uint32_t longest = static_cast<uint32_t>(address->ipBytes().size()) * 8;
  if (length > longest) {
    return absl::InvalidArgumentError(
        absl::StrCat("prefix length ", length, " of ", base::av(ip), "; at most ", longest));
  }
  CidrRange range;
  range.address_ = *std::move(address);
  range.length_ = length;
  return range;
}

bool CidrRange::contains(const Address& address) const {
  if (address.family() != address_.family()) return false;
  const std::string_view mine = address_.ipBytes();
  const std::string_view theirs = address.ipBytes();
  const size_t whole = length_ / 8;
  if (mine.substr(0, whole) != theirs.substr(0, whole)) return false;
  const uint32_t rest = length_ % 8;
  if (rest == 0) return true;
  const uint8_t mask = static_cast<uint8_t>(0xff << (8 - rest));
  return ((mine[whole] ^ theirs[whole]) & mask) == 0;
}

}  // namespace weir::net
