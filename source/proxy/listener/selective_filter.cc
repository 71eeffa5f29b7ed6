#include "source/proxy/listener/selective_filter.h"

#include <algorithm>
#include <utility>

namespace weir::proxy {

bool SelectiveFilter::Rule::matches(const net::Address& local) const {
  const auto one = [&local](const Rule& rule) { return rule.matches(local); };
  switch (kind) {
    case Kind::kPorts:
      return local.isIp() && local.port() >= first_port && local.port() < end_port;
    case Kind::kNot:
      return !rules.front().matches(local);
    case Kind::kAll:
      return std::all_of(rules.begin(), rules.end(), one);
    case Kind::kAny:
      return std::any_of(rules.begin(), rules.end(), one);
    case Kind::kEvery:
      break;
  }
  return true;
}

SelectiveFilter::SelectiveFilter(std::unique_ptr<const ListenerFilter> inner, Rule alone)
    : inner_(std::move(inner)), alone_(std::move(alone)) {}

ListenerFilter::Verdict SelectiveFilter::inspect(Look& look, Inspected& result) const {
  return alone_.matches(result.local) ? Verdict::kDone : inner_->inspect(look, result);
}

}  // namespace weir::proxy
