// SelectiveFilter: a listener filter that leaves some connections alone. Made at load around another one, which it
// owns; immutable, shared by workers. What decides is the address that the client went to, as far as filters before
// this one have found it out.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "source/proxy/listener/listener_filter.h"

namespace weir::proxy {

class SelectiveFilter final : public ListenerFilter {
 public:
  // Which connections are meant.
  struct Rule {
    enum class Kind : uint8_t { kEvery, kPorts, kNot, kAll, kAny };
    Kind kind = Kind::kEvery;
    int32_t first_port = 0;     // kPorts
    int32_t end_port = 0;       // behind the last
    std::vector<Rule> rules{};  // kNot: one

    bool matches(const net::Address& local) const;
  };

  // `inner` does not look at those that `alone` means.
  SelectiveFilter(std::unique_ptr<const ListenerFilter> inner, Rule alone);

  Verdict inspect(Look& look, Inspected& result) const override;
  size_t maxBytes() const override { return inner_->maxBytes(); }

 private:
  const std::unique_ptr<const ListenerFilter> inner_;
  const Rule alone_;
};

}  // namespace weir::proxy
