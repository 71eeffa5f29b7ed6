// MetadataText: what a configuration notes about one of its parts, for whoever reads logs: each value by its path,
// written as a log has it. Filled at load, then const; shared by workers.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "source/base/strings.h"

namespace weir::base {

class MetadataText {
 public:
  // `path`: "namespace:key", and further keys where a value has any.
  void add(std::string path, std::string text) { values_.insert_or_assign(std::move(path), std::move(text)); }
  // None where nothing is noted there. Lives as long as this.
  std::optional<std::string_view> find(std::string_view path) const {
    const auto at = values_.find(av(path));
    return at == values_.end() ? std::nullopt : std::optional<std::string_view>(at->second);
  }

 private:
  absl::flat_hash_map<std::string, std::string> values_;
};

}  // namespace weir::base
