// FakeResolver: a Resolver whose answers the test gives. It notes each question; answer() and answerServices()
// deliver to the oldest one that is open, from the run phase of a later turn, as a real one does.
#pragma once

#include <list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "source/event/dispatcher.h"
#include "source/upstream/dns/resolver.h"

namespace weir::upstream::dns {

class FakeResolver final : public Resolver {
 public:
  explicit FakeResolver(event::Dispatcher& dispatcher) : dispatcher_(dispatcher) {}

  base::Ticket resolve(std::string_view name, Family family, AddressReceiver& receiver) override {
    questions.push_back({std::string(name), family, dispatcher_.now()});
    open_.emplace_back(*this, &receiver, nullptr);
    return open_.back().issue();
  }
  base::Ticket resolveService(std::string_view name, ServiceReceiver& receiver) override {
    questions.push_back({std::string(name), Family::kAll, dispatcher_.now()});
    open_.emplace_back(*this, nullptr, &receiver);
    return open_.back().issue();
  }

  bool hasOpen() const { return !open_.empty(); }
  // In the next turn, unless the question is cancelled before.
  void answer(Outcome outcome, std::vector<AddressRecord> records = {}) {
    dispatcher_.post([this, outcome, records = std::move(records)] {
      if (open_.empty()) return;
      std::list<Open> done;
      done.splice(done.end(), open_, open_.begin());
      done.front().settle();
      done.front().addresses->onAddresses(outcome, records);
    });
  }

  void answerServices(Outcome outcome, std::vector<ServiceRecord> records = {}) {
    dispatcher_.post([this, outcome, records = std::move(records)] {
      if (open_.empty()) return;
      std::list<Open> done;
      done.splice(done.end(), open_, open_.begin());
      done.front().settle();
      done.front().services->onServices(outcome, records);
    });
  }

  struct Question {
    std::string name;
    Family family;
    base::MonotonicTime at;
  };
  std::vector<Question> questions;

 private:
  struct Open final : base::Operation {
    Open(FakeResolver& resolver, AddressReceiver* addresses, ServiceReceiver* services)
        : resolver(resolver), addresses(addresses), services(services) {}
    void onCancelled() override {
      resolver.open_.remove_if([this](const Open& open) { return &open == this; });
    }
    FakeResolver& resolver;
    AddressReceiver* addresses;
    ServiceReceiver* services;
  };

  event::Dispatcher& dispatcher_;
  std::list<Open> open_;
};

}  // namespace weir::upstream::dns
