// FormErrors: where a file could not be read, so that what is found later about its meaning can be told apart from mere
// consequences: a route to a cluster whose name is misspelt two lines up is none of its own. Made from the diagnostics
// of a load that failed, before anything else is added to them; main thread; the SourceMap must outlive it.
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "source/base/diagnostics.h"
#include "source/config/source_map.h"

namespace weir::config {

class FormErrors {
 public:
  FormErrors(const base::Diagnostics& diagnostics, const SourceMap& sources);

  // Whether what is wrong at `path` may be due to an error of form: there is one at this field, below or above it, or
  // beside it where the field was not written at all (it may be the one that is misspelt). Also the filter settings of
  // a route, where one of the filters that they may be for could not be read.
  bool explains(std::string_view path) const;

  // Whether the items of the list at `path` may have other names than those that were read.
  bool hideNamesOf(std::string_view path) const;

 private:
  bool isAbout(std::string_view path) const;
  bool isHidden(std::string_view path) const;
  bool hasBelow(std::string_view path) const { return around_.count(path) != 0 || at_.count(path) != 0; }

  const SourceMap& sources_;
  std::set<std::string, std::less<>> at_;       // the fields with an error
  std::set<std::string, std::less<>> around_;   // every field around one of them
  std::set<std::string, std::less<>> parents_;  // those right around
};

}  // namespace weir::config
