// ServiceLookup: from the name of a service to the addresses of its hosts: the SRV records of the name, then the
// addresses of each target (RFC 2782). Embedded in a DnsHosts, which starts it again and again; one lookup at a time.
// Destroying it cancels. Never calls the receiver from inside start().
//
// The answer is one list, in which each address has the port, the weight and the rank of its target: targets of the
// least priority have rank 0, those of the next one rank 1. A target whose addresses cannot be had now, for a reason
// other than that there are none, keeps those that it had in the lookup before.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "source/base/ticket.h"
#include "source/upstream/dns/resolver.h"

namespace weir::upstream::dns {

// "_http._tcp.example.org": the first two labels begin with an underscore.
bool isServiceName(std::string_view name);

class ServiceLookup final : private ServiceReceiver {
 public:
  // Targets that are resolved; more than any service has, few enough to ask for at once.
  static constexpr size_t kMaxTargets = 128;

  // Both must outlive it.
  ServiceLookup(Resolver& resolver, AddressReceiver& receiver);
  ~ServiceLookup();

  void start(std::string_view name, Family family);

 private:
  class Target;

  void onServices(Outcome outcome, std::vector<ServiceRecord> records) override;
  void onTarget();

  Resolver& resolver_;
  AddressReceiver& receiver_;
  Family family_ = Family::kAuto;
  base::Ticket question_;
  std::vector<std::unique_ptr<Target>> targets_;
  std::vector<std::unique_ptr<Target>> before_;  // of the lookup before
  size_t waiting_ = 0;
};

}  // namespace weir::upstream::dns
