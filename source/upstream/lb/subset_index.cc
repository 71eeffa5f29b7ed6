#include "source/upstream/lb/subset_index.h"

#include <algorithm>

namespace weir::upstream::lb {
namespace {

// Lengths make the joined text unambiguous.
void append(std::string& to, std::string_view part) {
  to += std::to_string(part.size());
  to += ':';
  to += part;
}

std::vector<std::string> sortedUnique(std::vector<std::string> keys) {
  std::sort(keys.begin(), keys.end());
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  return keys;
}

std::string joined(const std::vector<std::string>& keys) {
  std::string out;
  for (const std::string& key : keys) append(out, key);
  return out;
}

bool has(const Metadata& metadata, const std::pair<std::string, std::string>& wanted) {
  return std::find(metadata.begin(), metadata.end(), wanted) != metadata.end();
}

// What is wanted of `keys` alone.
Metadata reduced(const Metadata& wanted, const std::vector<std::string>& keys) {
  Metadata out;
  for (const auto& pair : wanted) {
    if (std::find(keys.begin(), keys.end(), pair.first) != keys.end()) out.push_back(pair);
  }
  return out;
}

}  // namespace

SubsetIndex::Wish::Wish(Metadata wanted) : wanted_(std::move(wanted)) {
  std::sort(wanted_.begin(), wanted_.end());
  for (const auto& [key, value] : wanted_) {
    append(keys_, key);
    append(values_, value);
  }
}

SubsetIndex::SubsetIndex(const std::vector<Metadata>& hosts, const Options& options) {
  for (uint32_t i = 0; i < hosts.size(); ++i) {
    any_.push_back(i);
    const bool matches = std::all_of(options.default_subset.begin(), options.default_subset.end(),
                                     [&](const auto& wanted) { return has(hosts[i], wanted); });
    if (matches) default_.push_back(i);
  }
  for (const Selector& selector : options.selectors) add(hosts, selector);
  fallback_ = fallBack(options.fallback);
}

void SubsetIndex::add(const std::vector<Metadata>& hosts, const Selector& selector) {
  Selector own = selector;
  own.keys = sortedUnique(own.keys);
  own.fallback_keys = sortedUnique(own.fallback_keys);
  const auto [entry, fresh] = groups_.try_emplace(joined(own.keys));
  if (!fresh) return;  // the first of two with the same keys counts
  Group& group = entry->second;
  group.selector = std::move(own);
  for (uint32_t i = 0; i < hosts.size(); ++i) addHost(group, hosts[i], i);
  subsets_ += group.subsets.size();
}

// A key with several values puts the host into a subset for each.
void SubsetIndex::addHost(Group& group, const Metadata& metadata, uint32_t host) {
  std::vector<std::string> combinations = {""};
  for (const std::string& key : group.selector.keys) {
    std::vector<std::string> longer;
    for (const auto& [name, value] : metadata) {
      if (name != key) continue;
      for (std::string prefix : combinations) {
        append(prefix, value);
        longer.push_back(std::move(prefix));
      }
    }
    combinations = std::move(longer);
  }
  for (std::string& values : combinations) {
    std::vector<uint32_t>& subset = group.subsets[values];
    const bool known = !subset.empty() && (group.selector.single_host || subset.back() == host);
    if (!known) subset.push_back(host);
  }
}

const std::vector<uint32_t>& SubsetIndex::fallBack(Fallback how) const {
  if (how == Fallback::kAnyHost) return any_;
  if (how == Fallback::kDefaultSubset) return default_;
  return none_;
}

void SubsetIndex::forEach(const std::function<void(const std::vector<uint32_t>&)>& fn) const {
  for (const std::vector<uint32_t>* list : {&none_, &any_, &default_, &fallback_}) fn(*list);
  for (const auto& [keys, group] : groups_) {
    for (const auto& [values, hosts] : group.subsets) fn(hosts);
  }
}

const std::vector<uint32_t>& SubsetIndex::find(const Wish& wish) const {
  const auto group = groups_.find(wish.keys_);
  if (group == groups_.end()) return fallback_;
  const auto subset = group->second.subsets.find(wish.values_);
  if (subset != group->second.subsets.end()) return subset->second;
  const Selector& selector = group->second.selector;
  if (!selector.fallback.has_value()) return fallback_;
  if (*selector.fallback != Fallback::kFewerKeys) return fallBack(*selector.fallback);
  // Ends: each step has fewer keys.
  if (selector.fallback_keys.size() >= selector.keys.size()) return none_;
  return find(Wish(reduced(wish.wanted_, selector.fallback_keys)));
}

}  // namespace weir::upstream::lb
