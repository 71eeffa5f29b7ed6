// compileCompressor, compileDecompressor: from the library that a filter names to a Library. Called at load on the main
// thread; errors go to the diagnostics, under the path of the field that they are about.
#pragma once

#include <memory>

#include "source/base/diagnostics.h"
#include "source/extensions/compression/coder.h"

namespace envoy::config::core::v3 {
class TypedExtensionConfig;
}

namespace weir::extensions::compression {

// `path` is that of the message. Null after an error was reported.
std::unique_ptr<const Library> compileCompressor(const envoy::config::core::v3::TypedExtensionConfig& message,
                                                 base::Diagnostics& diagnostics, const base::FieldPath& path);

std::unique_ptr<const Library> compileDecompressor(const envoy::config::core::v3::TypedExtensionConfig& message,
                                                   base::Diagnostics& diagnostics, const base::FieldPath& path);

}  // namespace weir::extensions::compression
