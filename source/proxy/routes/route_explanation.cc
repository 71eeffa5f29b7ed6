#include "source/proxy/routes/route_explanation.h"

#include <cstdint>
#include <string>

#include "absl/strings/ascii.h"
#include "source/base/strings.h"
#include "source/http/authority.h"

namespace weir::proxy {
namespace {

// How well a domain fits a host in lower case: exact, then the longest suffix, the longest prefix, any; 0: not.
uint64_t fit(std::string_view domain, std::string_view host) {
  constexpr uint64_t kExact = uint64_t{4} << 32, kSuffix = uint64_t{3} << 32, kPrefix = uint64_t{2} << 32, kAny = 1;
  if (domain == "*") return kAny;
  if (domain == host) return kExact;
  if (domain.size() > host.size()) return 0;  // a wildcard stands for one byte at least
  if (domain.front() == '*' && host.ends_with(domain.substr(1))) return kSuffix + domain.size();
  if (domain.back() == '*' && host.starts_with(domain.substr(0, domain.size() - 1))) return kPrefix + domain.size();
  return 0;
}

void findHost(const RouteTable& table, std::string_view authority, RouteExplanation& explanation) {
  if (table.ignore_port) authority = http::stripPort(authority);
  const std::string host = absl::AsciiStrToLower(base::av(authority));
  uint64_t best = 0;
  for (const auto& candidate : table.hosts) {
    for (const std::string& domain : candidate->domains) {
      const uint64_t seen = fit(domain, host);
      if (seen <= best) continue;
      best = seen;
      explanation.host = candidate.get();
      explanation.domain = domain;
    }
  }
}

}  // namespace

RouteExplanation explainRoute(const RouteTable& table, const http::Head& request, const filter::StreamInfo& info,
                              base::Random& random) {
  RouteExplanation explanation;
  findHost(table, request.authority, explanation);
  if (explanation.host == nullptr) return explanation;
  explanation.chosen = explanation.host->tlsRedirect(request);
  explanation.needs_tls = explanation.chosen != nullptr;
  if (explanation.needs_tls) return explanation;
  for (const auto& [match, route] : explanation.host->routes) {
    const Mismatch mismatch = match.mismatch(request, info, random);
    explanation.trials.push_back({route.get(), &match, mismatch});
    if (mismatch.kind != Mismatch::Kind::kNone) continue;
    explanation.chosen = &chooseCluster(*route, request, info, random);
    break;
  }
  return explanation;
}

}  // namespace weir::proxy
