// From the uri_template extensions of a route to what matches and rewrites its path. Called at load on the main thread.
#pragma once

#include <memory>
#include <optional>

#include "source/base/diagnostics.h"
#include "source/proxy/routes/path_rewrite.h"
#include "source/proxy/routes/uri_template.h"

namespace envoy::config::core::v3 {
class TypedExtensionConfig;
}

namespace weir::extensions {

// None after an error was reported. `path` is that of the path_match_policy.
std::optional<proxy::UriTemplate> compilePathTemplate(const envoy::config::core::v3::TypedExtensionConfig& message,
                                                      base::Diagnostics& diagnostics, const base::FieldPath& path);

// Null after an error was reported. `path` is that of the path_rewrite_policy; `from` is the template of the match.
std::shared_ptr<const proxy::PathRewrite> compileTemplateRewrite(
    const envoy::config::core::v3::TypedExtensionConfig& message, const proxy::UriTemplate& from,
    base::Diagnostics& diagnostics, const base::FieldPath& path);

}  // namespace weir::extensions
