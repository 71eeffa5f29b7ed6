#include "source/extensions/filters/network/http_connection_manager/local_reply.h"

#include <memory>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.pb.h"
#include "source/extensions/access_loggers/line_format.h"
#include "source/extensions/access_loggers/log_condition.h"
#include "source/extensions/messages/data_source.h"
#include "source/extensions/routes/header_edits.h"

namespace weir::extensions::http_connection_manager {
namespace {

namespace xds = envoy::extensions::filters::network::http_connection_manager::v3;
using FormatMessage = envoy::config::core::v3::SubstitutionFormatString;

constexpr size_t kMaxBodyBytes = 64 * 1024;

std::optional<proxy::LocalReplyFormat> compileFormat(const FormatMessage& message, const proxy::SessionContext& context,
                                                     const base::FieldPath& path) {
  std::shared_ptr<const LineFormat> line = LineFormat::compile(message, context.schema_only, context.diagnostics, path);
  if (line == nullptr) return std::nullopt;
  const bool json = message.format_case() == FormatMessage::kJsonFormat;
  // A log line ends with a newline, which a body has only if it was asked for.
  const bool source = message.format_case() == FormatMessage::kTextFormatSource;
  const std::string& text = source ? message.text_format_source().inline_string() : message.text_format();
  const bool newline = json || (!text.empty() && text.back() == '\n');
  proxy::LocalReplyFormat format;
  format.content_type = json ? "application/json" : "text/plain";
  if (!message.content_type().empty()) format.content_type = message.content_type();
  format.append = [line, newline](const filter::StreamInfo& info, std::string& out) {
    line->append(info, out);
    if (!newline && !out.empty() && out.back() == '\n') out.pop_back();
  };
  return format;
}

proxy::LocalReplyMapper compileMapper(const xds::ResponseMapper& message, const proxy::SessionContext& context,
                                      const base::FieldPath& path) {
  proxy::LocalReplyMapper mapper;
  if (auto condition = compileLogCondition(message.filter(), context.diagnostics, path.at("filter"))) {
    mapper.passes = [held = std::make_shared<const LogCondition>(*std::move(condition))](
                        const filter::StreamInfo& info) { return held->passes(info); };
  }
  if (message.has_status_code()) mapper.status = static_cast<uint16_t>(message.status_code().value());
  if (message.has_body()) {
    mapper.body =
        readDataSource(message.body(), kMaxBodyBytes, context.schema_only, context.diagnostics, path.at("body"));
  }
  if (message.has_body_format_override()) {
    mapper.format = compileFormat(message.body_format_override(), context, path.at("body_format_override"));
  }
  for (int i = 0; i < message.headers_to_add_size(); ++i) {
    compileHeaderEdit(message.headers_to_add(i), mapper.headers, context.diagnostics,
                      path.at("headers_to_add", static_cast<size_t>(i)));
  }
  return mapper;
}

}  // namespace

proxy::LocalReplyRules compileLocalReplies(const xds::HttpConnectionManager& message,
                                           const proxy::SessionContext& context) {
  proxy::LocalReplyRules rules;
  const auto& config = message.local_reply_config();
  const base::FieldPath path = context.path.at("local_reply_config");
  for (int i = 0; i < config.mappers_size(); ++i) {
    rules.mappers.push_back(compileMapper(config.mappers(i), context, path.at("mappers", static_cast<size_t>(i))));
  }
  if (config.has_body_format()) rules.format = compileFormat(config.body_format(), context, path.at("body_format"));
  return rules;
}

std::optional<proxy::ProxyStatusConfig> compileProxyStatus(const xds::HttpConnectionManager& message,
                                                           const proxy::SessionContext& context) {
  if (!message.has_proxy_status_config()) return std::nullopt;
  const auto& from = message.proxy_status_config();
  proxy::ProxyStatusConfig config;
  config.details = !from.remove_details();
  config.flags = !from.remove_response_flags();
  config.recommended_status = from.set_recommended_response_code();
  if (!from.literal_proxy_name().empty()) config.name = from.literal_proxy_name();
  // RFC 9209 section 2: the name is a token, or a string in quotes.
  for (const char c : config.name) {
    if (absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '.' || c == '_') continue;
    context.diagnostics.error(
        context.path.at("proxy_status_config").at("literal_proxy_name"),
        absl::StrCat("saw '", config.name, "'; allowed: letters, digits, '-', '.' and '_', beginning with a letter"));
    break;
  }
  return config;
}

}  // namespace weir::extensions::http_connection_manager
