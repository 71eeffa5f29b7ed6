#include "source/proxy/routes/regex_index.h"

#include <re2/re2.h>
#include <re2/set.h>

#include <algorithm>
#include <utility>

namespace weir::proxy {
namespace {

// The states of an automaton are made as they are needed; this is how much of them a set may keep.
constexpr int64_t kSetBytes = 32 << 20;

re2::StringPiece piece(std::string_view text) { return {text.data(), text.size()}; }

}  // namespace

struct RegexIndex::Group {
  std::vector<uint32_t> entries;
  std::unique_ptr<RE2::Set> set;  // null: all entries are candidates
};

std::string requiredPrefix(std::string_view expression) {
  RE2::Options options;
  options.set_log_errors(false);
  const RE2 anchored("^(?:" + std::string(expression) + ")$", options);
  std::string least, most;
  // Every match lies between the two, so that it begins with what they have in common.
  if (!anchored.ok() || !anchored.PossibleMatchRange(&least, &most, 256)) return "";
  const size_t limit = std::min(least.size(), most.size());
  size_t same = 0;
  while (same < limit && least[same] == most[same]) ++same;
  least.resize(same);
  return least;
}

RegexIndex::RegexIndex() = default;
RegexIndex::~RegexIndex() = default;
RegexIndex::RegexIndex(RegexIndex&&) noexcept = default;
RegexIndex& RegexIndex::operator=(RegexIndex&&) noexcept = default;

void RegexIndex::Builder::add(std::string_view expression, uint32_t entry) {
  groups_[requiredPrefix(expression)].push_back({std::string(expression), entry});
}

RegexIndex RegexIndex::Builder::build() && {
  RegexIndex result;
  PathIndex::Builder index;
  for (auto& [prefix, items] : groups_) result.addGroup(prefix, std::move(items), index);
  result.index_ = std::move(index).build();
  return result;
}

void RegexIndex::addGroup(const std::string& prefix, std::vector<Builder::Item> items, PathIndex::Builder& index) {
  auto group = std::make_unique<Group>();
  for (const Builder::Item& item : items) group->entries.push_back(item.entry);
  if (items.size() > kSmallGroup) {
    RE2::Options options;
    options.set_log_errors(false);
    options.set_max_mem(kSetBytes);
    group->set = std::make_unique<RE2::Set>(options, RE2::ANCHOR_BOTH);
    bool whole = true;
    for (const Builder::Item& item : items) whole = whole && group->set->Add(piece(item.expression), nullptr) >= 0;
    if (!whole || !group->set->Compile()) group->set.reset();
  }
  index.add(prefix, PathIndex::Kind::kPrefix, static_cast<uint32_t>(groups_.size()));
  groups_.push_back(std::move(group));
}

void RegexIndex::collect(std::string_view path, PathCandidates& candidates,
                         std::vector<std::vector<uint32_t>>& storage) const {
  PathCandidates met;
  index_.collect(path, met);
  uint32_t at;
  while (met.next(at)) {
    const Group& group = *groups_[at];
    if (group.set == nullptr) {
      candidates.push(group.entries.data(), group.entries.size());
      continue;
    }
    std::vector<int> matches;
    RE2::Set::ErrorInfo error{RE2::Set::kNoError};
    if (!group.set->Match(piece(path), &matches, &error)) {
      // Out of memory for the automaton: then they are tried one by one.
      if (error.kind != RE2::Set::kNoError) candidates.push(group.entries.data(), group.entries.size());
      continue;
    }
    std::vector<uint32_t>& entries = storage.emplace_back();
    for (const int match : matches) entries.push_back(group.entries[static_cast<size_t>(match)]);
    std::sort(entries.begin(), entries.end());
    candidates.push(entries.data(), entries.size());
  }
}

}  // namespace weir::proxy
