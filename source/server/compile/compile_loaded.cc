#include "source/server/compile/compile_loaded.h"

#include "source/config/form_errors.h"

namespace weir::server {

std::unique_ptr<const ServerConfig> compileLoaded(const config::LoadedConfig& loaded, const CompileContext& context,
                                                  base::Diagnostics& diagnostics) {
  if (diagnostics.ok()) return compileBootstrap(loaded.bootstrap, context, diagnostics);
  if (!loaded.whole) return nullptr;
  const config::FormErrors form(diagnostics, loaded.sources);
  CompileContext partial = context;
  partial.any_cluster = form.hideNamesOf("static_resources.clusters");
  base::Diagnostics found;
  compileBootstrap(loaded.bootstrap, partial, found);
  const base::FieldPath root;
  for (const base::Diagnostic& one : found.all()) {
    if (form.explains(one.path)) continue;
    const base::FieldPath path = root.at(one.path);
    if (one.severity == base::Diagnostic::Severity::kError) {
      diagnostics.error(path, one.message);
    } else {
      diagnostics.warning(path, one.message);
    }
  }
  return nullptr;
}

}  // namespace weir::server
