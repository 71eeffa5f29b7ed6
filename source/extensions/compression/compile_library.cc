#include "source/extensions/compression/compile_library.h"

#include "absl/strings/str_cat.h"
#include "envoy/config/core/v3/core.pb.h"
#include "envoy/extensions/compression/brotli/compressor/v3/brotli.pb.h"
#include "envoy/extensions/compression/gzip/compressor/v3/gzip.pb.h"
#include "envoy/extensions/compression/gzip/decompressor/v3/gzip.pb.h"
#include "envoy/extensions/compression/zstd/compressor/v3/zstd.pb.h"
#include "source/base/strings.h"
#include "source/extensions/compression/brotli.h"
#include "source/extensions/compression/gzip.h"
#include "source/extensions/compression/zstd.h"
#include "source/extensions/messages/unpack_any.h"

namespace weir::extensions::compression {
namespace {

using GzipForm = envoy::extensions::compression::gzip::compressor::v3::Gzip;
using GunzipForm = envoy::extensions::compression::gzip::decompressor::v3::Gzip;
using BrotliForm = envoy::extensions::compression::brotli::compressor::v3::Brotli;
using ZstdForm = envoy::extensions::compression::zstd::compressor::v3::Zstd;

std::unique_ptr<const Library> gzip(const GzipForm& message) {
  GzipOptions options;
  // 0 is the API's default, which is zlib's own; its other levels and its strategies have the numbers of zlib.
  if (message.compression_level() != GzipForm::DEFAULT_COMPRESSION) options.level = message.compression_level();
  options.strategy = message.compression_strategy();
  if (message.has_memory_level()) options.memory_level = static_cast<int>(message.memory_level().value());
  if (message.has_window_bits()) options.window_bits = static_cast<int>(message.window_bits().value());
  if (message.has_chunk_size()) options.chunk_bytes = message.chunk_size().value();
  return gzipLibrary(options);
}

std::unique_ptr<const Library> brotli(const BrotliForm& message) {
  BrotliOptions options;
  if (message.has_quality()) options.quality = message.quality().value();
  // The API counts from its default, which is generic, and then the library's own three.
  if (message.encoder_mode() == BrotliForm::TEXT) options.mode = 1;
  if (message.encoder_mode() == BrotliForm::FONT) options.mode = 2;
  if (message.has_window_bits()) options.window_bits = message.window_bits().value();
  if (message.has_input_block_bits()) options.input_block_bits = message.input_block_bits().value();
  if (message.has_chunk_size()) options.chunk_bytes = message.chunk_size().value();
  options.no_literal_context = message.disable_literal_context_modeling();
  return brotliLibrary(options);
}

std::unique_ptr<const Library> zstd(const ZstdForm& message, base::Diagnostics& diagnostics,
                                    const base::FieldPath& path) {
  ZstdOptions options;
  if (message.has_compression_level()) {
    const uint32_t level = message.compression_level().value();
    if (level > static_cast<uint32_t>(zstdMaxLevel())) {
      diagnostics.error(path.at("compression_level"), absl::StrCat(level, "; allowed: 0 to ", zstdMaxLevel()));
      return nullptr;
    }
    options.level = static_cast<int>(level);
  }
  options.checksum = message.enable_checksum();
  options.strategy = message.strategy();
  if (message.has_chunk_size()) options.chunk_bytes = message.chunk_size().value();
  return zstdLibrary(options);
}

}  // namespace

std::unique_ptr<const Library> compileCompressor(const envoy::config::core::v3::TypedExtensionConfig& message,
                                                 base::Diagnostics& diagnostics, const base::FieldPath& path) {
  const base::FieldPath config_path = path.at("typed_config");
  const auto config = unpackAny(message.typed_config(), diagnostics, config_path);
  if (config == nullptr) return nullptr;
  if (const auto* form = google::protobuf::DynamicCastToGenerated<const GzipForm>(config.get())) return gzip(*form);
  if (const auto* form = google::protobuf::DynamicCastToGenerated<const BrotliForm>(config.get())) {
    return brotli(*form);
  }
  if (const auto* form = google::protobuf::DynamicCastToGenerated<const ZstdForm>(config.get())) {
    return zstd(*form, diagnostics, config_path);
  }
  diagnostics.error(config_path,
                    absl::StrCat(base::av(anyType(message.typed_config())),
                                 " is no compressor of weir; allowed: ", GzipForm::descriptor()->full_name(), ", ",
                                 BrotliForm::descriptor()->full_name(), ", ", ZstdForm::descriptor()->full_name()));
  return nullptr;
}

std::unique_ptr<const Library> compileDecompressor(const envoy::config::core::v3::TypedExtensionConfig& message,
                                                   base::Diagnostics& diagnostics, const base::FieldPath& path) {
  const base::FieldPath config_path = path.at("typed_config");
  const auto config = unpackAny(message.typed_config(), diagnostics, config_path);
  if (config == nullptr) return nullptr;
  const auto* const form = google::protobuf::DynamicCastToGenerated<const GunzipForm>(config.get());
  if (form == nullptr) {
    diagnostics.error(config_path,
                      absl::StrCat(base::av(anyType(message.typed_config())),
                                   " is no decompressor of weir; allowed: ", GunzipForm::descriptor()->full_name()));
    return nullptr;
  }
  GunzipOptions options;
  if (form->has_window_bits()) options.window_bits = static_cast<int>(form->window_bits().value());
  if (form->has_chunk_size()) options.chunk_bytes = form->chunk_size().value();
  if (form->has_max_inflate_ratio()) options.max_ratio = form->max_inflate_ratio().value();
  return gunzipLibrary(options);
}

}  // namespace weir::extensions::compression
