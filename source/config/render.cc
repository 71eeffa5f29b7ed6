#include "source/config/render.h"

#include <algorithm>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

namespace weir::config {
namespace {

std::string lineOf(const base::Diagnostic& diagnostic, const Position& position) {
  std::string out;
  if (!position.file.empty()) absl::StrAppend(&out, position.file, ":");
  if (position.line != 0) absl::StrAppend(&out, position.line, ":", position.column, ":");
  if (!out.empty()) out += ' ';
  if (diagnostic.severity == base::Diagnostic::Severity::kWarning) out += "warning: ";
  if (!diagnostic.path.empty()) absl::StrAppend(&out, diagnostic.path, ": ");
  // A name out of the file may hold anything; the report stays one line per diagnostic, and no terminal obeys it.
  for (const char c : diagnostic.message) {
    const bool control = static_cast<unsigned char>(c) < ' ' || c == '\x7f';
    out += c == '\n' || c == '\r' || c == '\t' ? ' ' : control ? '?' : c;
  }
  out += '\n';
  return out;
}

}  // namespace

std::string render(const base::Diagnostics& diagnostics, const SourceMap& sources) {
  using Order = std::tuple<size_t, uint32_t, uint32_t, size_t>;
  std::vector<std::pair<Order, std::string>> lines;
  for (size_t i = 0; i < diagnostics.all().size(); ++i) {
    const base::Diagnostic& diagnostic = diagnostics.all()[i];
    const Position at = sources.find(i, diagnostic.path);
    lines.emplace_back(Order{sources.orderOf(at.file), at.line, at.column, i}, lineOf(diagnostic, at));
  }
  std::sort(lines.begin(), lines.end());
  std::string out;
  for (const auto& [order, line] : lines) out += line;
  return out;
}

}  // namespace weir::config
