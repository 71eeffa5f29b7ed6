#include "source/base/diagnostics.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace weir::base {

std::string FieldPath::text() const {
  if (parent_ == nullptr) return {};
  std::string out = parent_->text();
  if (index_ == kKey) {
    out += "[\"";
    for (const char c : field_) {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
    out += "\"]";
    return out;
  }
  if (!out.empty() && !field_.empty()) out += '.';
  out += field_;
  if (index_ != kNoIndex) absl::StrAppend(&out, "[", index_, "]");
  return out;
}

void Diagnostics::error(const FieldPath& where, std::string message) {
  all_.push_back({Diagnostic::Severity::kError, where.text(), std::move(message)});
  ++errors_;
}

void Diagnostics::warning(const FieldPath& where, std::string message) {
  all_.push_back({Diagnostic::Severity::kWarning, where.text(), std::move(message)});
}

}  // namespace weir::base
