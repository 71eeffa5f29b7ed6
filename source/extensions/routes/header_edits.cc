#include "source/extensions/routes/header_edits.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "envoy/config/core/v3/core.pb.h"
#include "source/base/strings.h"

namespace weir::extensions {

namespace {

using envoy::config::core::v3::HeaderValueOption;

// What codecs write from their own knowledge of the message; an edit of these would be a second, contradicting truth.
constexpr std::array<std::string_view, 8> kFraming = {
    "connection", "content-length", "host", "keep-alive", "proxy-connection", "te", "transfer-encoding", "upgrade"};

// The lower-case name, or none after an error.
std::optional<std::string> editableName(std::string_view name, base::Diagnostics& diagnostics,
                                        const base::FieldPath& path) {
  const std::string lower = absl::AsciiStrToLower(base::av(name));
  if (lower.empty() || lower[0] == ':' || std::find(kFraming.begin(), kFraming.end(), lower) != kFraming.end()) {
    diagnostics.error(path,
                      absl::StrCat("'", lower,
                                   "' cannot be edited here: weir writes it from the message; allowed: any "
                                   "other header (host_rewrite_literal and prefix_rewrite change host and path)"));
    return std::nullopt;
  }
  return lower;
}

proxy::HeaderEdit::Action actionOf(const HeaderValueOption& option) {
  using Action = proxy::HeaderEdit::Action;
  if (option.has_append()) return option.append().value() ? Action::kAppend : Action::kOverwriteOrAdd;
  switch (option.append_action()) {
    case HeaderValueOption::ADD_IF_ABSENT:
      return Action::kAddIfAbsent;
    case HeaderValueOption::OVERWRITE_IF_EXISTS_OR_ADD:
      return Action::kOverwriteOrAdd;
    case HeaderValueOption::OVERWRITE_IF_EXISTS:
      return Action::kOverwriteIfExists;
    default:
      return Action::kAppend;
  }
}

std::optional<proxy::HeaderEdit> compileEdit(const HeaderValueOption& option, base::Diagnostics& diagnostics,
                                             const base::FieldPath& path) {
  const base::FieldPath header = path.at("header");
  if (option.has_append() && option.append_action() != HeaderValueOption::APPEND_IF_EXISTS_OR_ADD) {
    diagnostics.error(path.at("append"), "set together with append_action; allowed: one of the two");
    return std::nullopt;
  }
  std::optional<std::string> name = editableName(option.header().key(), diagnostics, header.at("key"));
  if (!name) return std::nullopt;
  auto format = filter::SubstitutionFormat::parse(option.header().value(), /*omit_empty_values=*/true);
  if (!format.ok()) {
    diagnostics.error(header.at("value"), std::string(format.status().message()));
    return std::nullopt;
  }
  proxy::HeaderEdit edit;
  edit.action = actionOf(option);
  edit.name = *std::move(name);
  edit.value = *std::move(format);
  edit.keep_empty = option.keep_empty_value();
  return edit;
}

}  // namespace

void compileHeaderEdit(const HeaderValueOption& add, proxy::HeaderEdits& edits, base::Diagnostics& diagnostics,
                       const base::FieldPath& path) {
  if (std::optional<proxy::HeaderEdit> edit = compileEdit(add, diagnostics, path)) {
    edits.add.push_back(*std::move(edit));
  }
}

void compileHeaderRemoval(const std::string& remove, proxy::HeaderEdits& edits, base::Diagnostics& diagnostics,
                          const base::FieldPath& path) {
  if (std::optional<std::string> name = editableName(remove, diagnostics, path)) {
    edits.remove.push_back(*std::move(name));
  }
}

proxy::HeaderEdits compileHeaderEdits(const google::protobuf::RepeatedPtrField<HeaderValueOption>& add,
                                      const char* add_field,
                                      const google::protobuf::RepeatedPtrField<std::string>& remove,
                                      const char* remove_field, base::Diagnostics& diagnostics,
                                      const base::FieldPath& path) {
  proxy::HeaderEdits edits;
  for (int i = 0; i < add.size(); ++i) {
    compileHeaderEdit(add[i], edits, diagnostics, path.at(add_field, static_cast<size_t>(i)));
  }
  for (int i = 0; i < remove.size(); ++i) {
    compileHeaderRemoval(remove[i], edits, diagnostics, path.at(remove_field, static_cast<size_t>(i)));
  }
  return edits;
}

}  // namespace weir::extensions
