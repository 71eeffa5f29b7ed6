#include "source/upstream/dns/resolver.h"

#include <netinet/in.h>
#include <sys/socket.h>

namespace weir::upstream::dns {

std::string_view outcomeText(Outcome outcome) {
  switch (outcome) {
    case Outcome::kFound:
      return "found";
    case Outcome::kNoName:
      return "no such name";
    case Outcome::kNoData:
      return "no such record";
    case Outcome::kServerFailure:
      return "the DNS servers failed, refused or cannot be reached";
    case Outcome::kTimeout:
      return "no DNS server answered in time";
    case Outcome::kBadAnswer:
      return "malformed DNS answer";
    case Outcome::kBadName:
      return "not a valid name";
  }
  return "unknown";
}

net::Address withPort(const net::Address& address, uint16_t port) {
  sockaddr_storage storage;
  const socklen_t length = address.toSockaddr(storage);
  auto* raw = reinterpret_cast<sockaddr*>(&storage);
  if (address.family() == net::Address::Family::kIpv4) reinterpret_cast<sockaddr_in*>(raw)->sin_port = htons(port);
  if (address.family() == net::Address::Family::kIpv6) reinterpret_cast<sockaddr_in6*>(raw)->sin6_port = htons(port);
  return net::Address::fromSockaddr(raw, length);
}

}  // namespace weir::upstream::dns
