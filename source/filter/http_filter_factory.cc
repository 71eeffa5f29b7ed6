#include "source/filter/http_filter_factory.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace weir::filter {

absl::Status HttpFilterRegistry::add(HttpFilterType type) {
  if (const HttpFilterType* const other = byConfigType(type.config_type)) {
    return absl::AlreadyExistsError(absl::StrCat("two HTTP filters, ", other->usual_name, " and ", type.usual_name,
                                                 ", have the configuration ", type.config_type));
  }
  const HttpFilterType* const other =
      type.route_config_type.empty() ? nullptr : byRouteConfigType(type.route_config_type);
  if (other != nullptr) {
    return absl::AlreadyExistsError(absl::StrCat("two HTTP filters, ", other->usual_name, " and ", type.usual_name,
                                                 ", have the route configuration ", type.route_config_type));
  }
  std::string key = type.config_type;
  by_config_type_.emplace(std::move(key), std::move(type));
  return absl::OkStatus();
}

const HttpFilterType* HttpFilterRegistry::byConfigType(std::string_view full_name) const {
  const auto found = by_config_type_.find(full_name);
  return found == by_config_type_.end() ? nullptr : &found->second;
}

const HttpFilterType* HttpFilterRegistry::byRouteConfigType(std::string_view full_name) const {
  for (const auto& [name, type] : by_config_type_) {
    if (type.route_config_type == full_name) return &type;
  }
  return nullptr;
}

std::vector<std::string> HttpFilterRegistry::configTypes() const {
  std::vector<std::string> names;
  names.reserve(by_config_type_.size());
  for (const auto& [name, type] : by_config_type_) names.push_back(name);
  return names;
}

}  // namespace weir::filter
