// Takes every key of every file named on the command line and deletes, misspells, duplicates and retypes it, one at a
// time. A misspelling must be reported on its line with the right name as the hint; a duplicate must name both lines; a
// retyped value is reported on its line or is a leniency; a deletion is fine or is reported at the message around it.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "source/base/strings.h"
#include "source/config/yaml_reader.h"
#include "test/config/loading.h"

namespace weir::config {
namespace {

struct Key {
  std::string name;
  std::string around;  // the path of the map that holds it, without indices
  Place place;
  const Value* value;
  bool of_schema;  // a field, not a key that the user makes up
};

// Maps whose keys the user makes up, and whether what is inside is free as well.
bool isNameMap(std::string_view key) {
  return key == "typed_per_filter_config" || key == "typed_extension_protocol_options" || key == "policies" ||
         key == "map";
}
bool isFree(std::string_view key) {
  return key == "json_format" || key == "typed_json_format" || key == "filter_metadata" || key == "metadata";
}

void collect(const Value& value, const std::string& path, bool names, bool free, std::vector<Key>& out) {
  for (const Value& item : value.items) collect(item, path, names, free, out);
  for (const Entry& entry : value.entries) {
    out.push_back({entry.key, path, entry.place, &entry.value, !names && !free && entry.key != "@type"});
    const std::string inner = names          ? absl::StrCat(path, "[\"", entry.key, "\"]")
                              : path.empty() ? entry.key
                                             : absl::StrCat(path, ".", entry.key);
    collect(entry.value, inner, !names && isNameMap(entry.key), free || isFree(entry.key), out);
  }
}

std::string withoutIndices(std::string_view path) {
  std::string out;
  for (size_t i = 0; i < path.size(); ++i) {
    const bool index = path[i] == '[' && i + 1 < path.size() && path[i + 1] != '"';
    if (index) i = path.find(']', i);
    if (!index) out += path[i];
  }
  return out;
}

class Mutation : public testing::Test {
 public:
  explicit Mutation(std::string file) : file_(std::move(file)), format_(formatOf(file_)) {}

  void TestBody() override {
    std::ifstream in(file_, std::ios::binary);
    text_.assign((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    lines_ = absl::StrSplit(text_, '\n');
    ASSERT_TRUE(load(text_, format_).ok) << load(text_, format_).report;
    SourceMap sources;
    base::Diagnostics diagnostics;
    const std::optional<Value> root = readYaml(text_, Syntax::kYaml, sources.addFile(file_), sources, diagnostics);
    ASSERT_TRUE(root);
    std::vector<Key> keys;
    collect(*root, "", false, false, keys);
    ASSERT_GT(keys.size(), 0u);
    std::set<std::pair<uint32_t, uint32_t>> done;  // an alias shows the same key again
    for (const Key& key : keys) {
      if (!done.emplace(key.place.line, key.place.column).second) continue;
      SCOPED_TRACE(absl::StrCat(file_, ":", key.place.line, ":", key.place.column, ": ", key.name));
      remove(key);
      misspell(key);
      duplicate(key);
      retype(key);
    }
  }

 private:
  struct Report {
    bool ok;
    std::string text;
    std::vector<std::pair<uint32_t, std::string>> errors;  // line, path
  };

  Report loadWith(uint32_t line, size_t from, size_t length, std::string_view replacement) const {
    std::vector<std::string> lines = lines_;
    lines[line - 1].replace(from, length, replacement);
    std::string text;
    for (const std::string& one : lines) absl::StrAppend(&text, one, "\n");
    base::Diagnostics diagnostics;
    const LoadedConfig config = loadText(text, format_, "m", "", diagnostics);
    Report out{diagnostics.ok(), render(diagnostics, config.sources), {}};
    for (size_t i = 0; i < diagnostics.all().size(); ++i) {
      const base::Diagnostic& one = diagnostics.all()[i];
      if (one.severity != base::Diagnostic::Severity::kError) continue;
      out.errors.emplace_back(config.sources.find(i, one.path).line, one.path);
    }
    return out;
  }

  void remove(const Key& key) {
    const Report report = loadWith(key.place.line, key.place.column - 1, 0, "!ignore ");
    for (const auto& [line, path] : report.errors) {
      EXPECT_EQ(withoutIndices(path).substr(0, key.around.size()), key.around) << report.text;
      EXPECT_GT(line, 0u);
      EXPECT_LE(line, key.place.line) << report.text;
    }
  }

  void misspell(const Key& key) {
    if (!key.of_schema) return;
    const size_t length = lines_[key.place.line - 1].find(key.name, key.place.column - 1) - (key.place.column - 1);
    const Report report = loadWith(key.place.line, key.place.column - 1 + length, key.name.size(), key.name + "q");
    EXPECT_FALSE(report.ok);
    ASSERT_FALSE(report.errors.empty());
    EXPECT_NE(report.text.find(absl::StrCat("m:", key.place.line, ":", key.place.column, ": ")), std::string::npos)
        << report.text;
    EXPECT_NE(report.text.find(absl::StrCat("'", key.name, "q'; did you mean '", key.name, "'?")), std::string::npos)
        << report.text;
  }

  void duplicate(const Key& key) {
    const std::string& line = lines_[key.place.line - 1];
    const size_t before = key.place.column < 2 ? std::string::npos : line.find_last_not_of(' ', key.place.column - 2);
    const bool flow =
        format_ == Format::kJson || (before != std::string::npos && (line[before] == '{' || line[before] == ','));
    const std::string quoted = absl::StrCat("\"", key.name, "\"");
    const uint32_t second = flow ? key.place.line : key.place.line + 1;
    const Report report =
        loadWith(key.place.line, key.place.column - 1, 0,
                 flow ? quoted + ": ~, " : absl::StrCat(quoted, ": ~\n", std::string(key.place.column - 1, ' ')));
    EXPECT_FALSE(report.ok);
    EXPECT_NE(report.text.find(absl::StrCat("duplicate key '", key.name, "' on line ", second,
                                            "; it is already given on line ", key.place.line, "\n")),
              std::string::npos)
        << report.text;
  }

  // Only values that stand alone behind their key can be replaced without knowing where they end.
  void retype(const Key& key) {
    const Value& value = *key.value;
    if (!value.isScalar() || value.quoted || value.place.line != key.place.line) return;
    if (lines_[value.place.line - 1].substr(value.place.column - 1, value.text.size()) != value.text) return;
    for (const std::string_view other : {"{weir_no_such: 1}", "[[]]", "on", "7", "\"\\x01\"", "-99999999999"}) {
      const Report report = loadWith(value.place.line, value.place.column - 1, value.text.size(), other);
      if (report.ok) continue;
      bool here = false;
      for (const auto& [line, path] : report.errors) here = here || line == key.place.line;
      EXPECT_TRUE(here || withoutIndices(report.errors[0].second).substr(0, key.around.size()) == key.around)
          << other << "\n"
          << report.text;
    }
  }

  const std::string file_;
  const Format format_;
  std::string text_;
  std::vector<std::string> lines_;
};

}  // namespace
}  // namespace weir::config

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  if (argc < 2) return 1;
  for (int i = 1; i < argc; ++i) {
    const std::string file = argv[i];
    testing::RegisterTest("Mutation", file.c_str(), nullptr, nullptr, __FILE__, __LINE__,
                          [file]() -> testing::Test* { return new weir::config::Mutation(file); });
  }
  return RUN_ALL_TESTS();
}
