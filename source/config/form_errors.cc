#include "source/config/form_errors.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "source/base/strings.h"

namespace weir::config {
namespace {

// "a.b[2].c" -> "", "a", "a.b", "a.b[2]", "a.b[2].c". What stands in quotes is one step.
std::vector<std::string_view> prefixesOf(std::string_view path) {
  std::vector<std::string_view> prefixes{std::string_view()};
  bool quoted = false;
  for (size_t i = 0; i < path.size(); ++i) {
    if (quoted && path[i] == '\\') {
      ++i;
    } else if (path[i] == '"') {
      quoted = !quoted;
    } else if (i > 0 && !quoted && (path[i] == '.' || path[i] == '[')) {
      prefixes.push_back(path.substr(0, i));
    }
  }
  if (!path.empty()) prefixes.push_back(path);
  return prefixes;
}

}  // namespace

FormErrors::FormErrors(const base::Diagnostics& diagnostics, const SourceMap& sources) : sources_(sources) {
  for (const base::Diagnostic& diagnostic : diagnostics.all()) {
    if (diagnostic.severity != base::Diagnostic::Severity::kError) continue;
    std::vector<std::string_view> prefixes = prefixesOf(diagnostic.path);
    at_.insert(diagnostic.path);
    prefixes.pop_back();
    if (!prefixes.empty()) parents_.emplace(prefixes.back());
    for (const std::string_view prefix : prefixes) around_.emplace(prefix);
  }
}

// An error at the field or above it.
bool FormErrors::isAbout(std::string_view path) const {
  for (const std::string_view prefix : prefixesOf(path)) {
    if (at_.count(prefix) != 0) return true;
  }
  return false;
}

// The field, or one around it, is not in the file, but something beside it is that could not be read.
bool FormErrors::isHidden(std::string_view path) const {
  const std::vector<std::string_view> prefixes = prefixesOf(path);
  for (size_t i = 1; i < prefixes.size(); ++i) {
    if (parents_.count(prefixes[i - 1]) != 0 && !sources_.has(prefixes[i])) return true;
  }
  return false;
}

bool FormErrors::explains(std::string_view path) const {
  if (hasBelow(path) || isAbout(path) || isHidden(path)) return true;
  constexpr std::string_view kRoutes = ".route_config";
  const size_t routes = path.rfind(kRoutes);
  if (routes == std::string_view::npos || path.find(".typed_per_filter_config[", routes) == std::string_view::npos) {
    return false;
  }
  const std::string filters = absl::StrCat(base::av(path.substr(0, routes)), ".http_filters");
  return hasBelow(filters) || isHidden(filters);
}

bool FormErrors::hideNamesOf(std::string_view path) const {
  if (isAbout(path) || isHidden(path)) return true;
  for (const std::string& error : at_) {
    const std::vector<std::string_view> prefixes = prefixesOf(error);
    for (size_t i = 1; i < prefixes.size(); ++i) {
      if (prefixes[i - 1] != path) continue;
      const std::string_view item = prefixes[i];
      const std::string name = absl::StrCat(base::av(item), ".name");
      if (item == error || name == error || !sources_.has(name)) return true;
    }
  }
  return false;
}

}  // namespace weir::config
