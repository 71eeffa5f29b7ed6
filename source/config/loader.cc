#include "source/config/loader.h"

#include <google/protobuf/any.pb.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/text_format.h>
#include <google/protobuf/unknown_field_set.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "source/base/strings.h"
#include "source/config/linked_types.h"
#include "source/config/proto_reader.h"
#include "source/config/runtime_layers.h"
#include "source/config/validator.h"
#include "source/config/yaml_reader.h"

namespace weir::config {
namespace {

using base::FieldPath;
using google::protobuf::Message;

constexpr size_t kLargestFile = 64 << 20;

void report(std::string message, Place place, SourceMap::Node file, SourceMap& sources,
            base::Diagnostics& diagnostics) {
  sources.pin(diagnostics.all().size(), file, place);
  diagnostics.error(FieldPath(), std::move(message));
}

std::optional<std::string> readAll(const std::string& path, SourceMap::Node file, SourceMap& sources,
                                   base::Diagnostics& diagnostics) {
  struct stat info {};
  if (stat(path.c_str(), &info) != 0) {
    report(absl::StrCat("cannot be read: ", std::strerror(errno)), {}, file, sources, diagnostics);
    return std::nullopt;
  }
  if (S_ISDIR(info.st_mode)) {
    report("is a directory; expected a file", {}, file, sources, diagnostics);
    return std::nullopt;
  }
  std::ifstream in(path, std::ios::binary);
  if (!in) {
    report(absl::StrCat("cannot be read: ", std::strerror(errno)), {}, file, sources, diagnostics);
    return std::nullopt;
  }
  // Read to one byte above the limit rather than trusting the size: a pipe has none.
  std::string text;
  char block[65536];
  while (text.size() <= kLargestFile && (in.read(block, sizeof(block)) || in.gcount() > 0)) {
    text.append(block, static_cast<size_t>(in.gcount()));
  }
  if (text.size() > kLargestFile) {
    report("is larger than 64 MiB, which is the limit", {}, file, sources, diagnostics);
    return std::nullopt;
  }
  return text;
}

class TextErrors : public google::protobuf::io::ErrorCollector {
 public:
  TextErrors(SourceMap::Node file, SourceMap& sources, base::Diagnostics& diagnostics)
      : file_(file), sources_(sources), diagnostics_(diagnostics) {}

  void AddError(int line, google::protobuf::io::ColumnNumber column, const std::string& message) override {
    const Place place{static_cast<uint32_t>(line + 1), static_cast<uint32_t>(column + 1)};
    report(message, line < 0 ? Place{} : place, file_, sources_, diagnostics_);
  }

 private:
  const SourceMap::Node file_;
  SourceMap& sources_;
  base::Diagnostics& diagnostics_;
};

// Binary files name fields by number only, and protobuf keeps those it does not know: refuse them like any other.
void refuseUnknown(const Message& message, const FieldPath& path, base::Diagnostics& diagnostics) {
  const auto& reflection = *message.GetReflection();
  const auto& unknown = reflection.GetUnknownFields(message);
  for (int i = 0; i < unknown.field_count(); ++i) {
    diagnostics.error(path, absl::StrCat("field number ", unknown.field(i).number(), " of ",
                                         message.GetDescriptor()->full_name(), " is not implemented by weir"));
  }
  std::vector<const google::protobuf::FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  for (const auto* field : fields) {
    if (field->cpp_type() != google::protobuf::FieldDescriptor::CPPTYPE_MESSAGE) continue;
    if (!field->is_repeated()) {
      refuseUnknown(reflection.GetMessage(message, field), path.at(field->name()), diagnostics);
      continue;
    }
    for (int i = 0; i < reflection.FieldSize(message, field); ++i) {
      refuseUnknown(reflection.GetRepeatedMessage(message, field, i), path.at(field->name(), static_cast<size_t>(i)),
                    diagnostics);
    }
  }
  if (const auto* any = google::protobuf::DynamicCastToGenerated<google::protobuf::Any>(&message)) {
    const auto* type = google::protobuf::DescriptorPool::generated_pool()->FindMessageTypeByName(
        any->type_url().substr(any->type_url().rfind('/') + 1));
    if (type == nullptr) return;  // the Validator reports it
    const std::unique_ptr<Message> inner(
        google::protobuf::MessageFactory::generated_factory()->GetPrototype(type)->New());
    if (inner->ParseFromString(any->value())) refuseUnknown(*inner, path, diagnostics);
  }
}

// What the file should hold, in the words of whoever wrote it.
std::string kind(const Message& message) {
  const bool bootstrap = message.GetDescriptor() == envoy::config::bootstrap::v3::Bootstrap::descriptor();
  return bootstrap ? "a configuration with static_resources"
                   : absl::StrCat("a ", std::string(message.GetDescriptor()->name()));
}

// False when the text is no text of this format; `out` then holds nothing, or a part. Errors about fields are reported
// and do not count.
bool readInto(std::string_view text, Format format, SourceMap::Node file, SourceMap& sources,
              base::Diagnostics& diagnostics, Message& out, const Message* below) {
  const auto fail = [&](std::string message) {
    report(std::move(message), {}, file, sources, diagnostics);
    return false;
  };
  switch (format) {
    case Format::kYaml:
    case Format::kJson: {
      const Syntax syntax = format == Format::kJson ? Syntax::kJson : Syntax::kYaml;
      const std::optional<Value> root = readYaml(text, syntax, file, sources, diagnostics);
      if (!root) return false;
      if (root->isNull()) return fail(absl::StrCat("is empty; expected ", kind(out)));
      ProtoReader(sources, diagnostics).read(*root, file, out, below);
      return true;
    }
    case Format::kBinary:
      if (text.empty()) return fail("is empty; expected a configuration");
      if (!out.ParseFromArray(text.data(), static_cast<int>(text.size()))) {
        return fail(absl::StrCat("is no ", out.GetDescriptor()->full_name(), " in protobuf's binary form"));
      }
      refuseUnknown(out, FieldPath(), diagnostics);
      return true;
    case Format::kText: {
      TextErrors errors(file, sources, diagnostics);
      google::protobuf::TextFormat::Parser parser;
      parser.RecordErrorsTo(&errors);
      return parser.ParseFromString(std::string(text), &out);
    }
  }
  return false;
}

// Merges config_yaml on top, then checks the whole.
void finish(LoadedConfig& config, std::string_view config_yaml, base::Diagnostics& diagnostics) {
  if (!config_yaml.empty()) {
    envoy::config::bootstrap::v3::Bootstrap overlay;
    const SourceMap::Node file = config.sources.addFile("<config-yaml>");
    if (!readInto(config_yaml, Format::kYaml, file, config.sources, diagnostics, overlay, &config.bootstrap)) {
      config.whole = false;
    }
    config.bootstrap.MergeFrom(overlay);
  }
  Validator(diagnostics).check(config.bootstrap);
  if (diagnostics.ok()) applyRuntime(config.bootstrap, diagnostics);
}

}  // namespace

Format formatOf(std::string_view path) {
  if (absl::EndsWith(base::av(path), ".yaml") || absl::EndsWith(base::av(path), ".yml")) return Format::kYaml;
  if (absl::EndsWith(base::av(path), ".pb")) return Format::kBinary;
  if (absl::EndsWith(base::av(path), ".pb_text")) return Format::kText;
  return Format::kJson;
}

LoadedConfig loadFile(const std::string& path, std::string_view config_yaml, base::Diagnostics& diagnostics) {
  LoadedConfig config;
  linkedFiles();  // from here on, the generated pool knows every type
  if (!path.empty()) {
    const SourceMap::Node file = config.sources.addFile(path);
    const std::optional<std::string> text = readAll(path, file, config.sources, diagnostics);
    config.whole =
        text && readInto(*text, formatOf(path), file, config.sources, diagnostics, config.bootstrap, nullptr);
    if (!text) return config;
  }
  finish(config, config_yaml, diagnostics);
  return config;
}

LoadedConfig loadText(std::string_view text, Format format, std::string name, std::string_view config_yaml,
                      base::Diagnostics& diagnostics) {
  LoadedConfig config;
  linkedFiles();
  const SourceMap::Node file = config.sources.addFile(std::move(name));
  config.whole = readInto(text, format, file, config.sources, diagnostics, config.bootstrap, nullptr);
  finish(config, config_yaml, diagnostics);
  return config;
}

bool loadMessage(const std::string& path, Message& out, SourceMap& sources, base::Diagnostics& diagnostics) {
  linkedFiles();
  const SourceMap::Node file = sources.addFile(path);
  const std::optional<std::string> text = readAll(path, file, sources, diagnostics);
  if (!text || !readInto(*text, formatOf(path), file, sources, diagnostics, out, nullptr)) return false;
  Validator(diagnostics).check(out);
  return diagnostics.ok();
}

}  // namespace weir::config
