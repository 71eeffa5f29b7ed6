#include "source/config/hints.h"

#include <google/protobuf/descriptor.h>

#include <array>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "source/base/strings.h"
#include "source/config/linked_types.h"
#include "source/config/nearest.h"

namespace weir::config {
namespace {

using base::av;
using base::sv;

constexpr int kFewFields = 12;
constexpr size_t kFarthestType = 6;

std::string didYouMean(std::string_view name) {
  return name.empty() ? "" : absl::StrCat("; did you mean '", av(name), "'?");
}

std::string snakeCase(std::string_view name) {
  std::string out;
  for (const char c : name) {
    if (absl::ascii_isupper(c) && !out.empty() && out.back() != '_') out += '_';
    out += absl::ascii_tolower(c);
  }
  return out;
}

std::string_view lastPart(std::string_view full_name) { return full_name.substr(full_name.rfind('.') + 1); }

// The linked type whose last part is the same: a wrong package, most often one of an older API version.
std::string_view sameLastPart(std::string_view full_name, const std::vector<std::string_view>& types) {
  std::string_view found;
  for (const std::string_view type : types) {
    if (lastPart(type) != lastPart(full_name)) continue;
    if (!found.empty()) return {};
    found = type;
  }
  return found;
}

}  // namespace

std::string unknownField(const google::protobuf::Descriptor& message, std::string_view name, const KnownXds& known) {
  if (known.field(message.full_name(), name)) {
    return absl::StrCat("'", av(name), "' of ", message.name(), ": known xDS field, not implemented by weir");
  }
  if (name == "<<")
    return "merge keys ('<<') are not supported; give the fields themselves, or an alias for all of them";
  std::vector<std::string_view> names;
  for (int i = 0; i < message.field_count(); ++i) names.push_back(message.field(i)->name());
  std::string_view close = nearest(name, names);
  if (close.empty()) close = nearest(snakeCase(name), names);
  std::string out = absl::StrCat("unknown field '", av(name), "'", didYouMean(close));
  if (!close.empty()) return out;
  if (names.empty()) return absl::StrCat(out, "; ", message.name(), " has no fields");
  if (message.field_count() > kFewFields) return absl::StrCat(out, "; no field of ", message.name(), " is named so");
  std::vector<std::string> quoted;
  for (const std::string_view field : names) quoted.emplace_back(field);
  return absl::StrCat(out, "; ", message.name(), " allows ", absl::StrJoin(quoted, ", "));
}

std::string unknownEnumValue(const google::protobuf::EnumDescriptor& type, std::string_view name) {
  std::vector<std::string_view> names;
  for (int i = 0; i < type.value_count(); ++i) names.push_back(type.value(i)->name());
  const std::string_view close = nearest(name, names);
  return absl::StrCat("unknown value '", av(name), "'", didYouMean(close), close.empty() ? ";" : "",
                      " allowed: ", enumNames(type));
}

std::string unknownType(std::string_view full_name, const KnownXds& known) {
  if (known.extension(full_name) || known.message(full_name)) {
    return absl::StrCat("'", av(full_name), "': known xDS extension, not implemented by weir");
  }
  const std::vector<std::string_view> types = linkedMessages();
  std::string_view close = nearest(full_name, types, kFarthestType);
  if (close.empty()) close = sameLastPart(full_name, types);
  return absl::StrCat("unknown type '", av(full_name), "'", didYouMean(close),
                      close.empty() ? "; docs/xds-support.md lists the types that weir has" : "");
}

std::string deprecatedField(const google::protobuf::FieldDescriptor& field) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 19> kInstead = {{
      {"envoy.config.bootstrap.v3.Admin.access_log_path", "access_log with a file access log"},
      {"envoy.config.cluster.v3.Cluster.max_requests_per_connection",
       "common_http_protocol_options of HttpProtocolOptions in typed_extension_protocol_options"},
      {"envoy.config.cluster.v3.Cluster.http_protocol_options",
       "HttpProtocolOptions in typed_extension_protocol_options"},
      {"envoy.config.cluster.v3.Cluster.http2_protocol_options",
       "HttpProtocolOptions in typed_extension_protocol_options"},
      {"envoy.config.cluster.v3.Cluster.common_http_protocol_options",
       "HttpProtocolOptions in typed_extension_protocol_options"},
      {"envoy.config.core.v3.HeaderValueOption.append", "append_action"},
      {"envoy.config.core.v3.SubstitutionFormatString.text_format", "text_format_source with inline_string"},
      {"envoy.config.listener.v3.Listener.reuse_port", "enable_reuse_port"},
      {"envoy.config.route.v3.HeaderMatcher.exact_match", "string_match with exact"},
      {"envoy.config.route.v3.HeaderMatcher.prefix_match", "string_match with prefix"},
      {"envoy.config.route.v3.HeaderMatcher.suffix_match", "string_match with suffix"},
      {"envoy.config.route.v3.HeaderMatcher.contains_match", "string_match with contains"},
      {"envoy.config.route.v3.HeaderMatcher.safe_regex_match", "string_match with safe_regex"},
      {"envoy.config.route.v3.RouteAction.cors", "CorsPolicy in typed_per_filter_config"},
      {"envoy.config.route.v3.VirtualHost.cors", "CorsPolicy in typed_per_filter_config"},
      {"envoy.extensions.access_loggers.file.v3.FileAccessLog.format", "log_format"},
      {"envoy.extensions.access_loggers.file.v3.FileAccessLog.json_format", "log_format"},
      {"envoy.extensions.access_loggers.file.v3.FileAccessLog.typed_json_format", "log_format"},
      {"envoy.config.route.v3.WeightedCluster.total_weight", "the weights alone, whose sum is the total"},
  }};
  for (const auto& [name, instead] : kInstead) {
    if (field.full_name() == name) return absl::StrCat("deprecated; use ", av(instead));
  }
  return "deprecated; it still works and may go away";
}

std::string enumNames(const google::protobuf::EnumDescriptor& type) {
  std::vector<std::string> names;
  for (int i = 0; i < type.value_count(); ++i) names.push_back(type.value(i)->name());
  return absl::StrJoin(names, ", ");
}

}  // namespace weir::config
