// SubsetIndex: which hosts carry the metadata that a route asks for. Selectors say by which sets of keys routes may
// ask; for each, every combination of values that hosts have is a subset, found by one lookup. Built with the host list
// and immutable; the wishes of routes are compiled once, at load, so that a lookup that finds its subset allocates
// nothing.
//
// Where there is no such subset, the selector with the same keys says what to do, or else the index: nothing, any host,
// the default subset, or the wish reduced to fewer of its keys.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"

namespace weir::upstream::lb {

// Keys with values, written so that what is equal is written equally; a key may occur with several values. Of a host
// it is what it has, of a route what it wants.
using Metadata = std::vector<std::pair<std::string, std::string>>;

class SubsetIndex {
 public:
  enum class Fallback : uint8_t { kNone, kAnyHost, kDefaultSubset, kFewerKeys };

  struct Selector {
    std::vector<std::string> keys;
    std::optional<Fallback> fallback = std::nullopt;  // otherwise that of the index
    std::vector<std::string> fallback_keys = {};      // for kFewerKeys: some of `keys`, not all
    bool single_host = false;                         // a subset is its first host alone
  };

  struct Options {
    std::vector<Selector> selectors;
    Fallback fallback = Fallback::kNone;  // not kFewerKeys
    Metadata default_subset = {};
  };

  // What a route asks for, with each key once.
  class Wish {
   public:
    explicit Wish(Metadata wanted);

   private:
    friend class SubsetIndex;
    Metadata wanted_;
    std::string keys_;
    std::string values_;
  };

  SubsetIndex(const std::vector<Metadata>& hosts, const Options& options);

  // The hosts, in the order of the list; perhaps none. Lives as long as the index.
  const std::vector<uint32_t>& find(const Wish& wish) const;
  // For routes that ask for nothing.
  const std::vector<uint32_t>& fallback() const { return fallback_; }
  size_t subsets() const { return subsets_; }
  // Each list that find() and fallback() may give.
  void forEach(const std::function<void(const std::vector<uint32_t>& hosts)>& fn) const;

 private:
  struct Group {
    absl::flat_hash_map<std::string, std::vector<uint32_t>> subsets;  // by values
    Selector selector;
  };

  void add(const std::vector<Metadata>& hosts, const Selector& selector);
  void addHost(Group& group, const Metadata& metadata, uint32_t host);
  const std::vector<uint32_t>& fallBack(Fallback how) const;

  absl::flat_hash_map<std::string, Group> groups_;  // by keys
  std::vector<uint32_t> none_;
  std::vector<uint32_t> any_;
  std::vector<uint32_t> default_;
  std::vector<uint32_t> fallback_;
  size_t subsets_ = 0;
};

}  // namespace weir::upstream::lb
