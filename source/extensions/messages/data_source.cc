#include "source/extensions/messages/data_source.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "envoy/config/core/v3/core.pb.h"

namespace weir::extensions {

namespace {

using envoy::config::core::v3::DataSource;

std::optional<std::string> readFile(const std::string& name, size_t max_bytes, base::Diagnostics& diagnostics,
                                    const base::FieldPath& path) {
  std::ifstream file(name, std::ios::binary);
  std::string text;
  if (file) {
    text.resize(max_bytes + 1);
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<size_t>(file.gcount()));
  }
  if (!file && !file.eof()) {
    diagnostics.error(path.at("filename"), absl::StrCat("cannot read '", name, "': ", std::strerror(errno)));
    return std::nullopt;
  }
  return text;
}

}  // namespace

std::optional<std::string> readDataSource(const DataSource& source, size_t max_bytes, bool schema_only,
                                          base::Diagnostics& diagnostics, const base::FieldPath& path) {
  std::optional<std::string> text;
  switch (source.specifier_case()) {
    case DataSource::kInlineString:
      text = source.inline_string();
      break;
    case DataSource::kInlineBytes:
      text = source.inline_bytes();
      break;
    case DataSource::kFilename:
      text = schema_only ? std::optional<std::string>("") : readFile(source.filename(), max_bytes, diagnostics, path);
      break;
    case DataSource::kEnvironmentVariable: {
      const char* value = schema_only ? "" : std::getenv(source.environment_variable().c_str());
      if (value == nullptr) {
        diagnostics.error(path.at("environment_variable"),
                          absl::StrCat("the environment has no variable '", source.environment_variable(), "'"));
      } else {
        text = value;
      }
      break;
    }
    case DataSource::SPECIFIER_NOT_SET:
      diagnostics.error(path, "empty; allowed: one of filename, inline_bytes, inline_string, environment_variable");
      break;
  }
  if (text && text->size() > max_bytes) {
    diagnostics.error(path, absl::StrCat("more than ", max_bytes, " bytes, which is the most that is allowed here"));
    return std::nullopt;
  }
  return text;
}

}  // namespace weir::extensions
