#include "source/proxy/listener/listener_filter.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace weir::proxy {

absl::Status ListenerFilterRegistry::add(ListenerFilterType type) {
  const auto found = types_.find(type.config_type);
  if (found != types_.end()) {
    return absl::AlreadyExistsError(absl::StrCat("\"", type.config_type, "\" is registered twice, by \"",
                                                 found->second.usual_name, "\" and by \"", type.usual_name, "\""));
  }
  std::string key = type.config_type;
  types_.emplace(std::move(key), std::move(type));
  return absl::OkStatus();
}

const ListenerFilterType* ListenerFilterRegistry::byConfigType(std::string_view full_name) const {
  const auto found = types_.find(full_name);
  return found == types_.end() ? nullptr : &found->second;
}

}  // namespace weir::proxy
