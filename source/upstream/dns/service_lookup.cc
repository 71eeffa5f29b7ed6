#include "source/upstream/dns/service_lookup.h"

#include <algorithm>
#include <utility>

namespace weir::upstream::dns {

bool isServiceName(std::string_view name) {
  if (name.size() < 2 || name[0] != '_') return false;
  const size_t dot = name.find('.');
  return dot != std::string_view::npos && dot + 1 < name.size() && name[dot + 1] == '_';
}

class ServiceLookup::Target final : private AddressReceiver {
 public:
  Target(ServiceLookup& lookup, ServiceRecord record, uint32_t rank)
      : lookup_(lookup), record_(std::move(record)), rank_(rank) {
    question_ = lookup.resolver_.resolve(record_.target, lookup.family_, *this);
  }

  const ServiceRecord& record() const { return record_; }
  Outcome outcome() const { return outcome_; }
  bool failed() const { return outcome_ != Outcome::kFound && !isEmpty(outcome_); }
  const std::vector<AddressRecord>& addresses() const { return addresses_; }
  void keep(const Target& before) {
    addresses_ = before.addresses_;
    if (!addresses_.empty()) outcome_ = Outcome::kFound;
  }
  uint32_t rank() const { return rank_; }

 private:
  void onAddresses(Outcome outcome, std::vector<AddressRecord> records) override {
    outcome_ = outcome;
    addresses_ = std::move(records);
    lookup_.onTarget();
  }

  ServiceLookup& lookup_;
  const ServiceRecord record_;
  const uint32_t rank_;
  Outcome outcome_ = Outcome::kNoData;
  std::vector<AddressRecord> addresses_;
  base::Ticket question_;
};

ServiceLookup::ServiceLookup(Resolver& resolver, AddressReceiver& receiver)
    : resolver_(resolver), receiver_(receiver) {}

ServiceLookup::~ServiceLookup() = default;

void ServiceLookup::start(std::string_view name, Family family) {
  family_ = family;
  question_ = resolver_.resolveService(name, *this);
}

void ServiceLookup::onServices(Outcome outcome, std::vector<ServiceRecord> records) {
  // A target of "." says that the service is not there.
  std::erase_if(records, [](const ServiceRecord& record) { return record.target.empty() || record.target == "."; });
  if (outcome != Outcome::kFound || records.empty()) {
    receiver_.onAddresses(outcome == Outcome::kFound ? Outcome::kNoData : outcome, {});
    return;
  }
  std::stable_sort(records.begin(), records.end(),
                   [](const ServiceRecord& a, const ServiceRecord& b) { return a.priority < b.priority; });
  if (records.size() > kMaxTargets) records.resize(kMaxTargets);
  before_ = std::move(targets_);
  targets_.clear();
  waiting_ = records.size();
  uint32_t rank = 0;
  uint16_t priority = records.front().priority;
  for (ServiceRecord& record : records) {
    if (record.priority != std::exchange(priority, record.priority)) ++rank;
    targets_.push_back(std::make_unique<Target>(*this, std::move(record), rank));
  }
}

void ServiceLookup::onTarget() {
  if (--waiting_ > 0) return;
  std::vector<AddressRecord> all;
  Outcome worst = Outcome::kNoData;
  for (const std::unique_ptr<Target>& target : targets_) {
    const ServiceRecord& record = target->record();
    if (target->failed()) {
      const auto old = std::find_if(before_.begin(), before_.end(), [&](const std::unique_ptr<Target>& one) {
        return one->record().target == record.target && one->record().port == record.port;
      });
      if (old != before_.end()) target->keep(**old);
    }
    if (target->failed()) worst = target->outcome();
    for (const AddressRecord& address : target->addresses()) {
      AddressRecord& out = all.emplace_back(address);
      out.address = withPort(address.address, record.port);
      out.ttl = std::min(address.ttl, record.ttl);
      out.weight = std::max<uint32_t>(record.weight, 1);
      out.rank = target->rank();
    }
  }
  const Outcome outcome = all.empty() ? worst : Outcome::kFound;
  receiver_.onAddresses(outcome, std::move(all));
}

}  // namespace weir::upstream::dns
