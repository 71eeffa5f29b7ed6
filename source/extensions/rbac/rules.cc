#include "source/extensions/rbac/rules.h"

#include <algorithm>

namespace weir::extensions::rbac {
namespace {

std::string_view withoutQuery(std::string_view path) { return path.substr(0, path.find_first_of("?#")); }

bool anyMatches(const std::vector<std::string>& names, const filter::StringMatcher& matcher) {
  return std::any_of(names.begin(), names.end(), [&](const std::string& name) { return matcher.matches(name); });
}

// A name is looked for among the URIs of the certificate, then its DNS names; its subject is the name of one that has
// neither.
bool isAuthenticated(const net::TransportInfo* tls, const std::optional<filter::StringMatcher>& name) {
  if (tls == nullptr || tls->peer == nullptr || !tls->verified) return false;
  if (!name) return true;
  const net::PeerCertificate& peer = *tls->peer;
  if (anyMatches(peer.uris, *name) || anyMatches(peer.dns_names, *name)) return true;
  return peer.uris.empty() && peer.dns_names.empty() && name->matches(peer.subject);
}

bool anyOf(const std::vector<Term>& terms, const Subject& subject) {
  return std::any_of(terms.begin(), terms.end(), [&](const Term& term) { return term.matches(subject); });
}

}  // namespace

bool Term::matches(const Subject& subject) const {
  switch (kind) {
    case Kind::kAnd:
      return std::all_of(inner.begin(), inner.end(), [&](const Term& term) { return term.matches(subject); });
    case Kind::kOr:
      return anyOf(inner, subject);
    case Kind::kNot:
      return !inner.front().matches(subject);
    case Kind::kAny:
      return true;
    case Kind::kHeader:
      return subject.request != nullptr && header->matches(*subject.request);
    case Kind::kPath:
      return subject.request != nullptr && text->matches(withoutQuery(subject.request->path));
    case Kind::kDestinationIp:
      return range->contains(subject.destination);
    case Kind::kDestinationPort:
      return subject.destination.port() >= first_port && subject.destination.port() <= last_port;
    case Kind::kServerName:
      return text->matches(subject.tls == nullptr ? std::string_view() : std::string_view(subject.tls->server_name));
    case Kind::kAuthenticated:
      return isAuthenticated(subject.tls, text);
    case Kind::kDirectRemoteIp:
      return range->contains(subject.direct_remote);
    case Kind::kRemoteIp:
      return range->contains(subject.remote);
    case Kind::kMetadata:
      return metadata->matches(subject.noted);
    case Kind::kRouteMetadata:
      return metadata->matches(subject.route_noted);
  }
  return false;
}

bool Policy::matches(const Subject& subject) const { return anyOf(permissions, subject) && anyOf(principals, subject); }

bool Rules::checkTree(const Subject& subject, stats::Shard& shard) const {
  const size_t found = tree->find(subject, shard);
  const NamedAction* const matched = found == MatchTree::kNone ? nullptr : &actions[found];
  const bool ok = matched != nullptr && matched->action != Action::kDeny;
  shard.add(ok ? allowed : denied);
  if (matched != nullptr && matched->allowed) shard.add(ok ? *matched->allowed : *matched->denied);
  return ok;
}

bool Rules::check(const Subject& subject, stats::Shard& shard) const {
  if (tree != nullptr) return checkTree(subject, shard);
  const auto matched =
      std::find_if(policies.begin(), policies.end(), [&](const Policy& policy) { return policy.matches(subject); });
  const bool found = matched != policies.end();
  const bool ok = action == Action::kLog || found == (action == Action::kAllow);
  shard.add(ok ? allowed : denied);
  if (found && matched->allowed) shard.add(ok ? *matched->allowed : *matched->denied);
  return ok;
}

}  // namespace weir::extensions::rbac
