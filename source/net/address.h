// Address: an IPv4 or IPv6 address with port, or the path of a unix socket. A small value; copying an IP address
// allocates nothing. Parsed from configuration on the main thread, made from sockets on workers.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace weir::net {

class Address {
 public:
  enum class Family : uint8_t { kNone, kIpv4, kIpv6, kUnix };

  Address() = default;
  // "127.0.0.1", "::1", "[::1]", "0.0.0.0"; not a host name. `ipv4_compat` only matters for "::" (accept IPv4 too).
  static absl::StatusOr<Address> parseIp(std::string_view ip, uint16_t port);
  // "127.0.0.1:80", "[::1]:80", ":80" (all IPv4 interfaces), "unix:/path".
  static absl::StatusOr<Address> parse(std::string_view text);
  // A file-system path, or "@name" for the abstract namespace. At most 107 bytes.
  static absl::StatusOr<Address> unixPath(std::string_view path);
  static Address fromSockaddr(const sockaddr* address, socklen_t length);

  Family family() const { return family_; }
  bool isIp() const { return family_ == Family::kIpv4 || family_ == Family::kIpv6; }
  bool isWildcard() const;  // 0.0.0.0 or ::
  bool isLoopback() const;
  uint16_t port() const;  // 0 for a unix socket
  // The bytes of the IP address in network order: 4, 16, or none.
  std::string_view ipBytes() const;

  // "127.0.0.1", "::1", or the path.
  std::string ip() const;
  // "127.0.0.1:80", "[::1]:80", "unix:/path"; "-" for none.
  std::string text() const;

  // Fills `out`; returns the length to pass to bind or connect.
  socklen_t toSockaddr(sockaddr_storage& out) const;

  friend bool operator==(const Address& a, const Address& b);

 private:
  Family family_ = Family::kNone;
  uint16_t port_ = 0;
  uint8_t bytes_[16] = {};
  std::shared_ptr<const std::string> path_;
};

// A prefix of addresses: "10.0.0.0/8".
class CidrRange {
 public:
  // `length` at most 32 or 128; bits behind it are ignored.
  static absl::StatusOr<CidrRange> parse(std::string_view ip, uint32_t length);
  bool contains(const Address& address) const;
  uint32_t length() const { return length_; }

 private:
  Address address_;
  uint32_t length_ = 0;
};

}  // namespace weir::net
