// Resolver: names to addresses, and services to names, without ever blocking. AresResolver asks DNS servers; tests have
// a fake. One per worker that resolves, used on its thread only; outlives its Tickets' owners or is outlived by them:
// either order is fine.
//
// Each call returns a Ticket and delivers exactly one answer to the receiver later, never from inside the call (laws 4
// and 5); after the Ticket was destroyed none comes. A receiver must live as long as its Ticket, and may resolve again
// or destroy any Ticket from inside its answer; it must not destroy the resolver there.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "source/base/ticket.h"
#include "source/net/address.h"

namespace weir::upstream::dns {

// Which addresses are asked for: dns_lookup_family.
enum class Family : uint8_t {
  kAuto,  // IPv6, and IPv4 when there is none
  kV4Only,
  kV6Only,
  kV4Preferred,  // IPv4, and IPv6 when there is none
  kAll,          // both, IPv4 first
};

enum class Outcome : uint8_t {
  kFound,          // at least one record
  kNoName,         // NXDOMAIN: there is no such name
  kNoData,         // the name has no record of this kind
  kServerFailure,  // each server failed (SERVFAIL and its like), refused, or could not be reached
  kTimeout,        // no server answered in time
  kBadAnswer,      // an answer that breaks the rules of DNS
  kBadName,        // not a name that can be asked for
};

// "found", "no such name", ...
std::string_view outcomeText(Outcome outcome);
// The servers said that there is nothing; otherwise, but for kFound, nobody knows.
constexpr bool isEmpty(Outcome outcome) { return outcome == Outcome::kNoName || outcome == Outcome::kNoData; }

struct AddressRecord {
  net::Address address;  // port 0, but for the hosts of a service
  // How long it may be kept; the least of it and of the aliases that led to it. Infinite where the source says nothing:
  // literal addresses and the hosts file.
  absl::Duration ttl;
  // Of the hosts of a service: its share among those of one rank, and how many ranks are to be used before its own.
  uint32_t weight = 0;
  uint32_t rank = 0;
};

// RFC 2782. Lower priorities are used first, and within one, targets in proportion to their weights.
struct ServiceRecord {
  std::string target;
  uint16_t port;
  uint16_t priority;
  uint16_t weight;
  absl::Duration ttl;
};

class AddressReceiver {
 public:
  // In the order of the answer; none unless `outcome` is kFound.
  virtual void onAddresses(Outcome outcome, std::vector<AddressRecord> records) = 0;

 protected:
  ~AddressReceiver() = default;
};

class ServiceReceiver {
 public:
  virtual void onServices(Outcome outcome, std::vector<ServiceRecord> records) = 0;

 protected:
  ~ServiceReceiver() = default;
};

class Resolver {
 public:
  virtual ~Resolver() = default;
  // `name` may be an IP address, which is its own answer.
  virtual base::Ticket resolve(std::string_view name, Family family, AddressReceiver& receiver) = 0;
  // SRV records of a name such as "_http._tcp.example.com". The targets are not resolved.
  virtual base::Ticket resolveService(std::string_view name, ServiceReceiver& receiver) = 0;
};

// The same IP address with another port.
net::Address withPort(const net::Address& address, uint16_t port);

}  // namespace weir::upstream::dns
