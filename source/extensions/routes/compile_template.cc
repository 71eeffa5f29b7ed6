#include "source/extensions/routes/compile_template.h"

#include <google/protobuf/message.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "envoy/config/core/v3/core.pb.h"
#include "envoy/extensions/path/match/uri_template/v3/uri_template.pb.h"
#include "envoy/extensions/path/rewrite/uri_template/v3/uri_template.pb.h"
#include "source/base/strings.h"
#include "source/extensions/messages/unpack_any.h"

namespace weir::extensions {
namespace {

using envoy::config::core::v3::TypedExtensionConfig;
using envoy::extensions::path::match::uri_template::v3::UriTemplateMatchConfig;
using envoy::extensions::path::rewrite::uri_template::v3::UriTemplateRewriteConfig;

// Null after an error was reported.
template <typename Config>
std::unique_ptr<Config> unpack(const TypedExtensionConfig& message, base::Diagnostics& diagnostics,
                               const base::FieldPath& path) {
  const std::string_view seen = anyType(message.typed_config());
  if (seen != Config::descriptor()->full_name()) {
    diagnostics.error(
        path, absl::StrCat("'", base::av(seen), "' is none of these; allowed: ", Config::descriptor()->full_name()));
    return nullptr;
  }
  auto config = std::make_unique<Config>();
  if (config->ParseFromString(message.typed_config().value())) return config;
  diagnostics.error(path, absl::StrCat("the bytes are not a ", Config::descriptor()->full_name()));
  return nullptr;
}

}  // namespace

std::optional<proxy::UriTemplate> compilePathTemplate(const TypedExtensionConfig& message,
                                                      base::Diagnostics& diagnostics, const base::FieldPath& path) {
  const base::FieldPath at = path.at("typed_config");
  const auto config = unpack<UriTemplateMatchConfig>(message, diagnostics, at);
  if (config == nullptr) return std::nullopt;
  auto parsed = proxy::parseUriTemplate(config->path_template());
  if (parsed.ok()) return *std::move(parsed);
  diagnostics.error(at.at("path_template"), std::string(parsed.status().message()));
  return std::nullopt;
}

std::shared_ptr<const proxy::PathRewrite> compileTemplateRewrite(const TypedExtensionConfig& message,
                                                                 const proxy::UriTemplate& from,
                                                                 base::Diagnostics& diagnostics,
                                                                 const base::FieldPath& path) {
  const base::FieldPath at = path.at("typed_config");
  const auto config = unpack<UriTemplateRewriteConfig>(message, diagnostics, at);
  if (config == nullptr) return nullptr;
  const auto substitution = proxy::parseUriRewrite(config->path_template_rewrite(), from);
  if (!substitution.ok()) {
    diagnostics.error(at.at("path_template_rewrite"), std::string(substitution.status().message()));
    return nullptr;
  }
  auto rewrite = proxy::PathRewrite::make(absl::StrCat("^", from.expression, "$"), *substitution);
  if (rewrite.ok()) return *std::move(rewrite);
  diagnostics.error(at.at("path_template_rewrite"), std::string(rewrite.status().message()));
  return nullptr;
}

}  // namespace weir::extensions
