#include "source/proxy/session_factory.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace weir::proxy {
namespace {

template <typename Type>
absl::Status addTo(std::map<std::string, Type, std::less<>>& types, Type type) {
  const auto found = types.find(type.config_type);
  if (found != types.end()) {
    return absl::AlreadyExistsError(absl::StrCat("\"", type.config_type, "\" is registered twice, by \"",
                                                 found->second.usual_name, "\" and by \"", type.usual_name, "\""));
  }
  std::string key = type.config_type;
  types.emplace(std::move(key), std::move(type));
  return absl::OkStatus();
}

template <typename Type>
const Type* findIn(const std::map<std::string, Type, std::less<>>& types, std::string_view full_name) {
  const auto found = types.find(full_name);
  return found == types.end() ? nullptr : &found->second;
}

}  // namespace

absl::Status SessionRegistry::add(SessionType type) { return addTo(types_, std::move(type)); }

const SessionType* SessionRegistry::byConfigType(std::string_view full_name) const { return findIn(types_, full_name); }

absl::Status AccessLogRegistry::add(AccessLogType type) { return addTo(types_, std::move(type)); }

const AccessLogType* AccessLogRegistry::byConfigType(std::string_view full_name) const {
  return findIn(types_, full_name);
}

}  // namespace weir::proxy
