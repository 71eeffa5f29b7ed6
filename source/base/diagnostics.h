// Diagnostics: collects every error and warning of a configuration, each with the place it is about. A FieldPath
// names a field of the configuration as a chain on the stack ("static_resources.listeners[0].address"); it becomes
// text only when something is reported, and the loader turns that text into file, line and column. Made by the
// loader or a test, passed down through compilation on the main thread. Never used on the data path.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace weir::base {

// One step of the way to a field. Lives on the stack of the function that walks there; must not outlive its parent.
class FieldPath {
 public:
  FieldPath() = default;
  FieldPath at(std::string_view field) const { return FieldPath(this, field, kNoIndex); }
  FieldPath at(std::string_view field, size_t index) const { return FieldPath(this, field, index); }
  // A map entry: path["key"].
  FieldPath key(std::string_view key) const { return FieldPath(this, key, kKey); }
  // "a.b[2].c", a map entry as m["key"]; empty for the root. A field inside an Any continues the path directly:
  // "...typed_config.stat_prefix".
  std::string text() const;

 private:
  static constexpr size_t kNoIndex = static_cast<size_t>(-1);
  static constexpr size_t kKey = static_cast<size_t>(-2);
  FieldPath(const FieldPath* parent, std::string_view field, size_t index)
      : parent_(parent), field_(field), index_(index) {}

  const FieldPath* parent_ = nullptr;
  std::string_view field_;
  size_t index_ = kNoIndex;
};

struct Diagnostic {
  enum class Severity { kError, kWarning };
  Severity severity;
  std::string path;     // FieldPath::text()
  std::string message;  // "what was seen; what is allowed"
};

class Diagnostics {
 public:
  void error(const FieldPath& where, std::string message);
  void warning(const FieldPath& where, std::string message);

  bool ok() const { return errors_ == 0; }
  size_t errors() const { return errors_; }
  const std::vector<Diagnostic>& all() const { return all_; }

 private:
  std::vector<Diagnostic> all_;
  size_t errors_ = 0;
};

}  // namespace weir::base
