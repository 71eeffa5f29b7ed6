#include "source/extensions/transport_sockets/tls/compile_validation.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string_view>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "envoy/config/core/v3/core.pb.h"
#include "envoy/extensions/transport_sockets/tls/v3/tls.pb.h"
#include "envoy/type/matcher/v3/matcher.pb.h"
#include "source/extensions/messages/data_source.h"

namespace weir::extensions {
namespace {

namespace tls_v3 = envoy::extensions::transport_sockets::tls::v3;
using base::FieldPath;
using envoy::config::core::v3::DataSource;
using envoy::type::matcher::v3::StringMatcher;
using net::tls::SanMatcher;
using net::tls::SanType;
using ValidationMessage = tls_v3::CertificateValidationContext;

constexpr size_t kMaxBundle = 8 * 1024 * 1024;

// Where systems keep the authorities that they trust.
constexpr const char* kRootFiles[] = {"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
                                      "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem"};

std::optional<SanType> sanType(tls_v3::SubjectAltNameMatcher::SanType type) {
  switch (type) {
    case tls_v3::SubjectAltNameMatcher::DNS:
      return SanType::kDns;
    case tls_v3::SubjectAltNameMatcher::URI:
      return SanType::kUri;
    case tls_v3::SubjectAltNameMatcher::EMAIL:
      return SanType::kEmail;
    case tls_v3::SubjectAltNameMatcher::IP_ADDRESS:
      return SanType::kIp;
    case tls_v3::SubjectAltNameMatcher::OTHER_NAME:
      return SanType::kOther;
    default:
      return std::nullopt;
  }
}

void addMatcher(SanType type, const StringMatcher& from, std::string_view oid, std::vector<SanMatcher>& to,
                base::Diagnostics& diagnostics, const FieldPath& path) {
  using Kind = SanMatcher::Kind;
  const bool any_case = from.ignore_case();
  switch (from.match_pattern_case()) {
    case StringMatcher::kExact:
      to.emplace_back(type, Kind::kExact, from.exact(), any_case, oid);
      return;
    case StringMatcher::kPrefix:
      to.emplace_back(type, Kind::kPrefix, from.prefix(), any_case, oid);
      return;
    case StringMatcher::kSuffix:
      to.emplace_back(type, Kind::kSuffix, from.suffix(), any_case, oid);
      return;
    case StringMatcher::kContains:
      to.emplace_back(type, Kind::kContains, from.contains(), any_case, oid);
      return;
    case StringMatcher::kSafeRegex: {
      absl::StatusOr<SanMatcher> matcher = SanMatcher::regex(type, from.safe_regex().regex(), oid);
      if (matcher.ok()) {
        to.push_back(*std::move(matcher));
      } else {
        diagnostics.error(path.at("safe_regex").at("regex"), std::string(matcher.status().message()));
      }
      return;
    }
    case StringMatcher::MATCH_PATTERN_NOT_SET:
      diagnostics.error(path, "no pattern; one of exact, prefix, suffix, safe_regex, contains is needed");
      return;
  }
}

std::optional<net::tls::Sha256> toHash(const std::string& bytes) {
  net::tls::Sha256 hash;
  if (bytes.size() != hash.size()) return std::nullopt;
  std::copy(bytes.begin(), bytes.end(), hash.begin());
  return hash;
}

bool isHex(const std::string& text) {
  return text.find_first_not_of("0123456789abcdefABCDEF") == std::string::npos && text.size() % 2 == 0;
}

void compileNames(const ValidationMessage& message, net::tls::Validation& validation, base::Diagnostics& diagnostics,
                  const FieldPath& path) {
  for (int i = 0; i < message.match_typed_subject_alt_names_size(); ++i) {
    const tls_v3::SubjectAltNameMatcher& from = message.match_typed_subject_alt_names(i);
    const FieldPath where = path.at("match_typed_subject_alt_names", static_cast<size_t>(i));
    const std::optional<SanType> type = sanType(from.san_type());
    if (!type.has_value()) {
      diagnostics.error(where.at("san_type"), "missing; allowed: DNS, URI, EMAIL, IP_ADDRESS, OTHER_NAME");
      continue;
    }
    if (type == SanType::kOther && from.oid().empty()) {
      diagnostics.error(where.at("oid"), "missing; OTHER_NAME needs the object identifier of the name");
    }
    addMatcher(*type, from.matcher(), from.oid(), validation.names, diagnostics, where.at("matcher"));
  }
  for (int i = 0; i < message.match_subject_alt_names_size(); ++i) {
    const FieldPath where = path.at("match_subject_alt_names", static_cast<size_t>(i));
    // The older field is about names of every type.
    for (const SanType type : {SanType::kDns, SanType::kUri, SanType::kEmail, SanType::kIp}) {
      const size_t before = diagnostics.errors();
      addMatcher(type, message.match_subject_alt_names(i), "", validation.names, diagnostics, where);
      if (diagnostics.errors() != before) break;
    }
  }
}

void compilePins(const ValidationMessage& message, net::tls::Validation& validation, base::Diagnostics& diagnostics,
                 const FieldPath& path) {
  for (int i = 0; i < message.verify_certificate_hash_size(); ++i) {
    const std::string text = absl::StrReplaceAll(message.verify_certificate_hash(i), {{":", ""}});
    const std::optional<net::tls::Sha256> hash = isHex(text) ? toHash(absl::HexStringToBytes(text)) : std::nullopt;
    if (hash.has_value()) validation.certificate_hashes.push_back(*hash);
    if (!hash.has_value()) {
      diagnostics.error(path.at("verify_certificate_hash", static_cast<size_t>(i)),
                        absl::StrCat("'", message.verify_certificate_hash(i),
                                     "' is not a SHA-256 in hexadecimal: 64 digits, or 32 pairs joined by ':'"));
    }
  }
  for (int i = 0; i < message.verify_certificate_spki_size(); ++i) {
    std::string bytes;
    const bool decoded = absl::Base64Unescape(message.verify_certificate_spki(i), &bytes);
    const std::optional<net::tls::Sha256> hash = decoded ? toHash(bytes) : std::nullopt;
    if (hash.has_value()) validation.spki_pins.push_back(*hash);
    if (!hash.has_value()) {
      diagnostics.error(path.at("verify_certificate_spki", static_cast<size_t>(i)),
                        absl::StrCat("'", message.verify_certificate_spki(i), "' is not a SHA-256 in base64"));
    }
  }
}

}  // namespace

std::string readSystemRoots(bool schema_only, base::Diagnostics& diagnostics, const FieldPath& path) {
  if (schema_only) return {};
  const char* const chosen = std::getenv("SSL_CERT_FILE");
  DataSource source;
  if (chosen != nullptr && *chosen != '\0') source.set_filename(chosen);
  for (const char* file : kRootFiles) {
    std::error_code error;
    if (source.filename().empty() && std::filesystem::exists(file, error)) source.set_filename(file);
  }
  if (!source.filename().empty()) {
    return readDataSource(source, kMaxBundle, schema_only, diagnostics, path).value_or("");
  }
  diagnostics.error(path,
                    "this machine has no list of trusted authorities (install ca-certificates, or set "
                    "SSL_CERT_FILE); give a trusted_ca instead");
  return {};
}

net::tls::Validation compileValidation(const ValidationMessage& message, bool upstream, bool schema_only,
                                       base::Diagnostics& diagnostics, const FieldPath& path) {
  const auto read = [&](const DataSource& source, const FieldPath& where) {
    return readDataSource(source, kMaxBundle, schema_only, diagnostics, where).value_or("");
  };
  net::tls::Validation result;
  result.allow_expired = message.allow_expired_certificate();
  result.crl_of_leaf_only = message.only_verify_leaf_cert_crl();
  result.accept_untrusted = message.trust_chain_verification() == ValidationMessage::ACCEPT_UNTRUSTED;
  if (message.has_max_verify_depth()) result.max_depth = message.max_verify_depth().value();
  if (message.has_crl()) result.crl = read(message.crl(), path.at("crl"));
  compileNames(message, result, diagnostics, path);
  compilePins(message, result, diagnostics, path);
  const bool pinned = !result.spki_pins.empty() || !result.certificate_hashes.empty();
  if (message.has_trusted_ca()) {
    result.trusted_ca = read(message.trusted_ca(), path.at("trusted_ca"));
    if (message.has_system_root_certs()) {
      diagnostics.error(path.at("system_root_certs"), "trusted_ca is given too; allowed: one of them");
    }
  } else if (message.has_system_root_certs() || (upstream && !pinned && !result.accept_untrusted)) {
    result.trusted_ca = readSystemRoots(schema_only, diagnostics, path.at("system_root_certs"));
  }
  if (upstream && result.accept_untrusted && !pinned) {
    diagnostics.warning(path.at("trust_chain_verification"),
                        "ACCEPT_UNTRUSTED: the certificate of the server is not checked, so that whoever is on the way "
                        "can read and change what is sent");
  }
  return result;
}

}  // namespace weir::extensions
