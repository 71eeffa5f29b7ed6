#include "source/extensions/access_loggers/line_format.h"

#include <google/protobuf/struct.pb.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "envoy/config/core/v3/core.pb.h"
#include "source/base/strings.h"
#include "source/extensions/messages/data_source.h"
#include "source/filter/json_text.h"

namespace weir::extensions {

const std::string_view kDefaultLogFormat =
    "[%START_TIME%] \"%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%\" %RESPONSE_CODE% "
    "%RESPONSE_FLAGS% %BYTES_RECEIVED% %BYTES_SENT% %DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "
    "\"%REQ(X-FORWARDED-FOR)%\" \"%REQ(USER-AGENT)%\" \"%REQ(X-REQUEST-ID)%\" \"%REQ(:AUTHORITY)%\" "
    "\"%UPSTREAM_HOST%\"\n";

namespace {

constexpr size_t kMaxFormatBytes = 64 * 1024;

// A JSON string literal.
std::string quoted(std::string_view text) {
  std::string out = "\"";
  filter::appendJsonEscaped(text, out);
  return out + '"';
}

std::string number(double value) {
  // Beyond 2^53 a double no longer holds every whole number.
  if (std::floor(value) == value && std::abs(value) < 9007199254740992.0) {
    return absl::StrCat(static_cast<int64_t>(value));
  }
  return absl::StrCat(value);
}

}  // namespace

// Walks a Struct once and lists its pieces.
class JsonCompiler {
 public:
  JsonCompiler(LineFormat& format, base::Diagnostics& diagnostics) : format_(format), diagnostics_(diagnostics) {}

  void object(const google::protobuf::Struct& object, std::string key, const base::FieldPath& path) {
    open('{', std::move(key));
    std::vector<const std::string*> names;
    for (const auto& entry : object.fields()) names.push_back(&entry.first);
    std::sort(names.begin(), names.end(), [](const auto* a, const auto* b) { return *a < *b; });
    for (const std::string* name : names) {
      value(object.fields().at(*name), quoted(*name) + ":", path.key(*name));
    }
    close('}');
  }

 private:
  void open(char bracket, std::string key) {
    LineFormat::Piece piece;
    piece.kind = LineFormat::Piece::Kind::kOpen;
    piece.literal = bracket;
    piece.key = std::move(key);
    format_.pieces_.push_back(std::move(piece));
  }
  void close(char bracket) {
    LineFormat::Piece piece;
    piece.kind = LineFormat::Piece::Kind::kClose;
    piece.literal = bracket;
    format_.pieces_.push_back(std::move(piece));
  }
  void literal(std::string text, std::string key) {
    LineFormat::Piece piece;
    piece.literal = std::move(text);
    piece.key = std::move(key);
    format_.pieces_.push_back(std::move(piece));
  }
  void operators(const std::string& text, std::string key, const base::FieldPath& path) {
    auto format = filter::SubstitutionFormat::parse(text, format_.omit_empty_);
    if (!format.ok()) {
      diagnostics_.error(path, std::string(format.status().message()));
      return;
    }
    if ((*format)->isPlain()) return literal(quoted(text), std::move(key));
    LineFormat::Piece piece;
    piece.kind = LineFormat::Piece::Kind::kValue;
    piece.key = std::move(key);
    piece.format = *std::move(format);
    format_.pieces_.push_back(std::move(piece));
  }
  void value(const google::protobuf::Value& value, std::string key, const base::FieldPath& path) {
    switch (value.kind_case()) {
      case google::protobuf::Value::kStringValue:
        return operators(value.string_value(), std::move(key), path);
      case google::protobuf::Value::kNumberValue:
        return literal(number(value.number_value()), std::move(key));
      case google::protobuf::Value::kBoolValue:
        return literal(value.bool_value() ? "true" : "false", std::move(key));
      case google::protobuf::Value::kStructValue:
        return object(value.struct_value(), std::move(key), path);
      case google::protobuf::Value::kListValue: {
        open('[', std::move(key));
        for (int i = 0; i < value.list_value().values_size(); ++i) {
          this->value(value.list_value().values(i), "", path);
        }
        return close(']');
      }
      case google::protobuf::Value::kNullValue:
      case google::protobuf::Value::KIND_NOT_SET:
        return literal("null", std::move(key));
    }
  }

  LineFormat& format_;
  base::Diagnostics& diagnostics_;
};

void LineFormat::wantFilterTimes(filter::FilterTimesWanted& wanted) const {
  if (text_ != nullptr) text_->wantFilterTimes(wanted);
  for (const Piece& piece : pieces_) {
    if (piece.format != nullptr) piece.format->wantFilterTimes(wanted);
  }
}

LineFormat::LineFormat() = default;
LineFormat::~LineFormat() = default;

std::unique_ptr<const LineFormat> LineFormat::text(std::string_view format, bool omit_empty_values,
                                                   base::Diagnostics& diagnostics, const base::FieldPath& path) {
  std::string line(format);
  if (line.empty() || line.back() != '\n') line += '\n';
  auto parsed = filter::SubstitutionFormat::parse(line, omit_empty_values);
  if (!parsed.ok()) {
    diagnostics.error(path, std::string(parsed.status().message()));
    return nullptr;
  }
  std::unique_ptr<LineFormat> result(new LineFormat());
  result->text_ = *std::move(parsed);
  return result;
}

std::unique_ptr<const LineFormat> LineFormat::json(const google::protobuf::Struct& object, bool omit_empty_values,
                                                   base::Diagnostics& diagnostics, const base::FieldPath& path) {
  const size_t errors = diagnostics.errors();
  std::unique_ptr<LineFormat> result(new LineFormat());
  result->omit_empty_ = omit_empty_values;
  JsonCompiler(*result, diagnostics).object(object, "", path);
  if (diagnostics.errors() != errors) return nullptr;
  return result;
}

std::unique_ptr<const LineFormat> LineFormat::compile(const envoy::config::core::v3::SubstitutionFormatString& message,
                                                      bool schema_only, base::Diagnostics& diagnostics,
                                                      const base::FieldPath& path) {
  using Message = envoy::config::core::v3::SubstitutionFormatString;
  switch (message.format_case()) {
    case Message::kTextFormat:
      return text(message.text_format(), message.omit_empty_values(), diagnostics, path.at("text_format"));
    case Message::kTextFormatSource: {
      const base::FieldPath source_path = path.at("text_format_source");
      const auto source =
          readDataSource(message.text_format_source(), kMaxFormatBytes, schema_only, diagnostics, source_path);
      if (!source) return nullptr;
      return text(*source, message.omit_empty_values(), diagnostics, source_path);
    }
    case Message::kJsonFormat:
      return json(message.json_format(), message.omit_empty_values(), diagnostics, path.at("json_format"));
    case Message::FORMAT_NOT_SET:
      break;
  }
  diagnostics.error(path, "no format is given; allowed: text_format_source, text_format, json_format");
  return nullptr;
}

void LineFormat::append(const filter::StreamInfo& info, std::string& out) const {
  if (text_ != nullptr) {
    text_->append(info, out);
    return;
  }
  appendJson(info, out);
  out += '\n';
}

void LineFormat::appendJson(const filter::StreamInfo& info, std::string& out) const {
  for (const Piece& piece : pieces_) {
    if (piece.kind == Piece::Kind::kClose) {
      if (out.back() == ',') out.pop_back();
      out += piece.literal;
      out += ',';
      continue;
    }
    const size_t before = out.size();
    out += piece.key;
    if (piece.kind == Piece::Kind::kOpen) {
      out += piece.literal;
      continue;
    }
    if (piece.kind == Piece::Kind::kLiteral) {
      out += piece.literal;
    } else {
      const size_t value = out.size();
      piece.format->appendJson(info, out);
      if (omit_empty_ && !piece.key.empty() && std::string_view(out).substr(value) == "null") {
        out.resize(before);
        continue;
      }
    }
    out += ',';
  }
  out.pop_back();  // the comma behind the outermost object
}

}  // namespace weir::extensions
