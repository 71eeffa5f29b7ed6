#include "source/filter/network_filter_factory.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace weir::filter {

absl::Status NetworkFilterRegistry::add(NetworkFilterType type) {
  if (const NetworkFilterType* const other = byConfigType(type.config_type)) {
    return absl::AlreadyExistsError(absl::StrCat("two network filters, ", other->usual_name, " and ", type.usual_name,
                                                 ", have the configuration ", type.config_type));
  }
  std::string key = type.config_type;
  types_.emplace(std::move(key), std::move(type));
  return absl::OkStatus();
}

const NetworkFilterType* NetworkFilterRegistry::byConfigType(std::string_view full_name) const {
  const auto found = types_.find(full_name);
  return found == types_.end() ? nullptr : &found->second;
}

std::vector<std::string> NetworkFilterRegistry::configTypes() const {
  std::vector<std::string> names;
  for (const auto& [name, type] : types_) names.push_back(name);
  return names;
}

}  // namespace weir::filter
