#include "source/extensions/matchers/match_tree.h"

#include <algorithm>
#include <functional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace weir::extensions {
namespace {

std::optional<std::string_view> ipText(const net::Address& address, std::string& scratch) {
  if (!address.isIp()) return std::nullopt;
  scratch = address.ip();
  return scratch;
}

std::optional<std::string_view> portText(const net::Address& address, std::string& scratch) {
  if (!address.isIp()) return std::nullopt;
  scratch = absl::StrCat(address.port());
  return scratch;
}

std::optional<std::string_view> joined(const std::vector<std::string>& names, std::string& scratch) {
  if (names.empty()) return std::nullopt;
  if (names.size() == 1) return names.front();
  scratch = absl::StrJoin(names, ",");
  return scratch;
}

}  // namespace

std::optional<std::string_view> MatchInput::text(const MatchSubject& subject, std::string& scratch) const {
  // A name that was shown, but not proved, names nobody.
  const net::PeerCertificate* const peer =
      subject.tls != nullptr && subject.tls->verified ? subject.tls->peer.get() : nullptr;
  switch (kind) {
    case Kind::kHeader:
      return subject.request == nullptr ? std::nullopt : subject.request->value(header);
    case Kind::kDestinationIp:
    case Kind::kSourceIp:
    case Kind::kDirectSourceIp:
      return ipText(*address(subject), scratch);
    case Kind::kDestinationPort:
      return portText(subject.destination, scratch);
    case Kind::kSourcePort:
      return portText(subject.remote, scratch);
    case Kind::kServerName:
      if (subject.tls == nullptr || subject.tls->server_name.empty()) return std::nullopt;
      return subject.tls->server_name;
    case Kind::kUriSan:
      return peer == nullptr ? std::nullopt : joined(peer->uris, scratch);
    case Kind::kDnsSan:
      return peer == nullptr ? std::nullopt : joined(peer->dns_names, scratch);
    case Kind::kSubject:
      if (peer == nullptr || peer->subject.empty()) return std::nullopt;
      return peer->subject;
  }
  return std::nullopt;
}

const net::Address* MatchInput::address(const MatchSubject& subject) const {
  if (kind == Kind::kDestinationIp) return &subject.destination;
  if (kind == Kind::kSourceIp) return &subject.remote;
  return kind == Kind::kDirectSourceIp ? &subject.direct_remote : nullptr;
}

bool MatchPredicate::matches(const MatchSubject& subject, stats::Shard& shard) const {
  const auto holds = [&](const MatchPredicate& one) { return one.matches(subject, shard); };
  switch (kind) {
    case Kind::kAnd:
      return std::all_of(inner.begin(), inner.end(), holds);
    case Kind::kOr:
      return std::any_of(inner.begin(), inner.end(), holds);
    case Kind::kNot:
      return !holds(inner.front());
    case Kind::kValue:
    case Kind::kRanges:
      break;
  }
  std::string scratch;
  const net::Address* address = input.address(subject);
  net::Address parsed;
  if (kind == Kind::kValue || address == nullptr) {
    const std::optional<std::string_view> text = input.text(subject, scratch);
    if (!text) return false;
    if (kind == Kind::kValue) return value->matches(*text);
    auto read = net::Address::parseIp(*text, 0);
    if (read.ok()) parsed = *std::move(read);
    address = &parsed;
  }
  if (!address->isIp()) {
    shard.add(not_an_address);
    return false;
  }
  return std::any_of(ranges.begin(), ranges.end(),
                     [&](const net::CidrRange& range) { return range.contains(*address); });
}

size_t MatchTree::OnMatch::find(const MatchSubject& subject, stats::Shard& shard) const {
  return tree == nullptr ? action : tree->find(subject, shard);
}

size_t MatchTree::find(const MatchSubject& subject, stats::Shard& shard) const {
  for (const Branch& branch : list) {
    if (!branch.predicate.matches(subject, shard)) continue;
    if (const size_t found = branch.on_match.find(subject, shard); found != kNone) return found;
  }
  if (input) {
    std::string scratch;
    const std::optional<std::string_view> text = input->text(subject, scratch);
    const size_t found = text ? findInMap(*text, subject, shard) : kNone;
    if (found != kNone) return found;
  }
  return on_no_match ? on_no_match->find(subject, shard) : kNone;
}

size_t MatchTree::findInMap(std::string_view text, const MatchSubject& subject, stats::Shard& shard) const {
  for (size_t length = by_prefix ? std::min(text.size(), longest_prefix) : text.size();; --length) {
    const auto at = map.find(text.substr(0, length));
    const size_t found = at == map.end() ? kNone : at->second.find(subject, shard);
    if (found != kNone || !by_prefix || length == 0) return found;
  }
}

}  // namespace weir::extensions
