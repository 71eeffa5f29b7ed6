#include "source/extensions/filters/http/header_to_metadata/header_to_metadata.h"

#include <cmath>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "envoy/extensions/filters/http/header_to_metadata/v3/header_to_metadata.pb.h"
#include "envoy/type/matcher/v3/matcher.pb.h"
#include "source/filter/dynamic_metadata.h"
#include "source/http/cookie.h"
#include "source/proxy/routes/path_rewrite.h"

namespace weir::extensions::header_to_metadata {
namespace {

namespace api = envoy::extensions::filters::http::header_to_metadata::v3;

constexpr std::string_view kName = "envoy.filters.http.header_to_metadata";
// Of a value that is noted. A longer one is not.
constexpr size_t kMaxValueBytes = 8192;

struct Note {
  std::string name_space;
  std::string key;
  std::string value;  // empty: that of the header
  bool number = false;
  bool base64 = false;
  std::shared_ptr<const proxy::PathRewrite> rewrite;  // null: none

  // None where the text has no such value.
  std::optional<base::Metadata> valueOf(std::string text) const {
    if (text.empty() || text.size() > kMaxValueBytes) return std::nullopt;
    if (base64) {
      std::string decoded;
      if (!absl::Base64Unescape(text, &decoded) || decoded.empty()) return std::nullopt;
      text = std::move(decoded);
    }
    if (!number) return base::Metadata(std::move(text));
    double parsed = 0;
    if (!absl::SimpleAtod(text, &parsed) || !std::isfinite(parsed)) return std::nullopt;
    return base::Metadata::number(parsed);
  }
};

struct Rule {
  std::string header;  // lower case; or else:
  std::string cookie;
  std::optional<Note> present;
  std::optional<Note> missing;
  bool remove = false;
};
using Rules = std::vector<Rule>;

struct Config final : filter::RouteFilterConfig {
  Rules request;
  Rules response;
};

class HeaderToMetadataFilter final : public filter::HttpFilter {
 public:
  explicit HeaderToMetadataFilter(const Config& config) : config_(config) {}

  filter::Verdict onRequestHead(http::Head& head) override {
    apply(config().request, head);
    return filter::Verdict::next();
  }

  filter::Verdict onResponseHead(http::Head& head) override {
    if (!head.isInterim()) apply(config().response, head);
    return filter::Verdict::next();
  }

 private:
  const Config& config() const {
    const auto* const route = static_cast<const Config*>(host().routeConfig());
    return route != nullptr ? *route : config_;
  }

  void apply(const Rules& rules, http::Head& head) {
    for (const Rule& rule : rules) {
      const std::optional<std::string_view> seen =
          rule.cookie.empty() ? head.value(rule.header) : http::cookieValue(head.headers, rule.cookie);
      if (seen && rule.present) {
        const Note& note = *rule.present;
        std::string text = note.value.empty() ? std::string(*seen) : note.value;
        if (note.rewrite != nullptr) text = note.rewrite->apply(text);
        take(note, std::move(text));
      } else if (!seen && rule.missing) {
        take(*rule.missing, rule.missing->value);
      }
      if (seen && rule.remove) head.headers.remove(rule.header);
    }
  }

  void take(const Note& note, std::string text) {
    std::optional<base::Metadata> value = note.valueOf(std::move(text));
    if (value) filter::writableMetadata(host()).field(note.name_space).field(note.key) = *std::move(value);
  }

  const Config& config_;
};

class Compiler {
 public:
  explicit Compiler(base::Diagnostics& diagnostics) : diagnostics_(diagnostics) {}

  Rules rules(const google::protobuf::RepeatedPtrField<api::Config::Rule>& messages, const base::FieldPath& path,
              const char* field) {
    Rules rules;
    for (int i = 0; i < messages.size(); ++i) {
      rules.push_back(rule(messages.Get(i), path.at(field, static_cast<size_t>(i))));
      if (!rules.back().cookie.empty() && std::string_view(field) == "response_rules") {
        diagnostics_.error(path.at(field, static_cast<size_t>(i)).at("cookie"),
                           "cookies are what clients send; allowed in response_rules: header");
      }
    }
    return rules;
  }

 private:
  Rule rule(const api::Config::Rule& message, const base::FieldPath& path) {
    Rule rule;
    rule.header = absl::AsciiStrToLower(message.header());
    rule.cookie = message.cookie();
    rule.remove = message.remove();
    if (message.header().empty() == message.cookie().empty()) {
      diagnostics_.error(path, message.cookie().empty() ? "neither header nor cookie is given; one of them is needed"
                                                        : "header and cookie are given; allowed: one of them");
    }
    if (rule.remove && (!rule.cookie.empty() || absl::StartsWith(rule.header, ":"))) {
      diagnostics_.error(path.at("remove"),
                         "true; allowed: true only for a header, and not for one that begins with :");
    }
    if (!message.has_on_header_present() && !message.has_on_header_missing()) {
      diagnostics_.error(path, "notes nothing; on_header_present, on_header_missing or both are needed");
    }
    if (message.has_on_header_present()) {
      rule.present = note(message.on_header_present(), path.at("on_header_present"));
    }
    if (!message.has_on_header_missing()) return rule;
    const base::FieldPath missing = path.at("on_header_missing");
    rule.missing = note(message.on_header_missing(), missing);
    if (message.on_header_missing().value().empty()) {
      diagnostics_.error(missing.at("value"), "empty; allowed: a text, as there is no header to take one from");
    }
    return rule;
  }

  Note note(const api::Config::KeyValuePair& message, const base::FieldPath& path) {
    Note note;
    note.name_space = message.metadata_namespace().empty() ? std::string(kName) : message.metadata_namespace();
    note.key = message.key();
    note.value = message.value();
    note.number = message.type() == api::Config::NUMBER;
    note.base64 = message.encode() == api::Config::BASE64;
    if (!note.value.empty() && !message.has_regex_value_rewrite() && !note.valueOf(note.value)) {
      diagnostics_.error(path.at("value"),
                         "not of that type and encode, or longer than 8192 bytes; allowed: a text "
                         "that can be noted");
    }
    if (!message.has_regex_value_rewrite()) return note;
    const base::FieldPath at = path.at("regex_value_rewrite");
    if (!note.value.empty()) {
      diagnostics_.error(at, "beside a value; allowed: value or regex_value_rewrite");
      return note;
    }
    const auto& rewrite = message.regex_value_rewrite();
    auto compiled = proxy::PathRewrite::make(rewrite.pattern().regex(), rewrite.substitution());
    if (compiled.ok()) {
      note.rewrite = *std::move(compiled);
    } else {
      diagnostics_.error(at, std::string(compiled.status().message()));
    }
    return note;
  }

  base::Diagnostics& diagnostics_;
};

std::unique_ptr<Config> compile(const google::protobuf::Message& message, const filter::FactoryContext& context) {
  const size_t errors = context.diagnostics.errors();
  const auto& configured = static_cast<const api::Config&>(message);
  auto config = std::make_unique<Config>();
  Compiler compiler(context.diagnostics);
  config->request = compiler.rules(configured.request_rules(), context.path, "request_rules");
  config->response = compiler.rules(configured.response_rules(), context.path, "response_rules");
  if (context.diagnostics.errors() > errors) return nullptr;
  return config;
}

}  // namespace

filter::HttpFilterType headerToMetadataType() {
  filter::HttpFilterType type;
  type.config_type = api::Config::descriptor()->full_name();
  type.route_config_type = type.config_type;
  type.usual_name = kName;
  type.make = [](const google::protobuf::Message& message,
                 const filter::FactoryContext& context) -> std::unique_ptr<filter::HttpFilterFactory> {
    auto config = compile(message, context);
    if (config == nullptr) return nullptr;
    return filter::factoryOf<HeaderToMetadataFilter>(std::move(config));
  };
  type.make_route_config = [](const google::protobuf::Message& message,
                              const filter::FactoryContext& context) -> std::unique_ptr<filter::RouteFilterConfig> {
    return compile(message, context);
  };
  return type;
}

}  // namespace weir::extensions::header_to_metadata
