#include "source/extensions/transport_sockets/tls/compile_tls.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "envoy/config/core/v3/core.pb.h"
#include "envoy/extensions/transport_sockets/tls/v3/tls.pb.h"
#include "source/extensions/messages/data_source.h"
#include "source/extensions/messages/duration.h"
#include "source/extensions/transport_sockets/tls/compile_validation.h"

namespace weir::extensions {
namespace {

namespace tls_v3 = envoy::extensions::transport_sockets::tls::v3;
using base::FieldPath;
using envoy::config::core::v3::DataSource;
using net::tls::Problem;

constexpr size_t kMaxPem = 1024 * 1024;
constexpr char kCertificateSecrets[] = "tls_certificate_sds_secret_configs";
constexpr char kValidationSecret[] = "validation_context_sds_secret_config";
constexpr char kTicketSecret[] = "session_ticket_keys_sds_secret_config";

std::optional<net::tls::Version> versionOf(tls_v3::TlsParameters::TlsProtocol protocol, net::tls::Version otherwise) {
  switch (protocol) {
    case tls_v3::TlsParameters::TLS_AUTO:
      return otherwise;
    case tls_v3::TlsParameters::TLSv1_2:
      return net::tls::Version::kTls12;
    case tls_v3::TlsParameters::TLSv1_3:
      return net::tls::Version::kTls13;
    default:
      return std::nullopt;
  }
}

// The field of tls_params, or of the common context, that a problem is about.
const char* fieldOf(Problem::Part part) {
  switch (part) {
    case Problem::Part::kCertificate:
      return "certificate_chain";
    case Problem::Part::kPrivateKey:
      return "private_key";
    case Problem::Part::kOcspStaple:
      return "ocsp_staple";
    case Problem::Part::kVersions:
      return "tls_minimum_protocol_version";
    case Problem::Part::kCipherSuite:
      return "cipher_suites";
    case Problem::Part::kCurve:
      return "ecdh_curves";
    case Problem::Part::kSignatureAlgorithm:
      return "signature_algorithms";
    case Problem::Part::kAlpn:
      return "alpn_protocols";
    case Problem::Part::kTrustedCa:
      return "trusted_ca";
    case Problem::Part::kCrl:
      return "crl";
    case Problem::Part::kValidation:
      return "require_client_certificate";
    case Problem::Part::kTicketKey:
      return "keys";
    case Problem::Part::kKeyLog:
      return "path";
    case Problem::Part::kServerName:
      return "sni";
  }
  return "";
}

}  // namespace

template <typename Fn>
void TlsCompiler::atPlace(const Place& place, const char* field, const char* secret_field, Fn&& fn) {
  if (place.secret.has_value()) {
    const FieldPath root;
    const FieldPath resources = root.at("static_resources");
    const FieldPath secret = resources.at("secrets", *place.secret);
    fn(secret.at(secret_field));
    return;
  }
  const FieldPath common = path_.at("common_tls_context");
  if (place.file_field == kTicketSecret) {
    fn(path_.at(place.file_field));
  } else if (place.file_field == kCertificateSecrets) {
    fn(common.at(place.file_field, place.index));
  } else if (place.file_field != nullptr && place.combined) {
    const FieldPath both = common.at("combined_validation_context");
    fn(both.at(place.file_field));
  } else if (place.file_field != nullptr) {
    fn(common.at(place.file_field));
  } else if (std::string_view(field) == "tls_certificates") {
    fn(common.at(field, place.index));
  } else {
    fn(common.at(field));
  }
}

const Secrets::Message* TlsCompiler::secret(const tls_v3::SdsSecretConfig& config, const char* field,
                                            const FieldPath& path, Place& place) {
  if (config.has_sds_config()) {
    place.file_field = field;
    if (schema_only_) return nullptr;
    from_files_.push_back(secrets_.read(config, diagnostics_, path));
    return from_files_.back().get();
  }
  const Secrets::Entry* const entry = secrets_.find(config.name(), diagnostics_, path.at("name"));
  if (entry == nullptr) return nullptr;
  place.secret = entry->index;
  return entry->message;
}

std::string TlsCompiler::read(const DataSource& source, size_t max_bytes, const FieldPath& path) {
  return readDataSource(source, max_bytes, schema_only_, diagnostics_, path).value_or("");
}

// --- the two contexts ---

net::tls::ServerConfig TlsCompiler::server(const tls_v3::DownstreamTlsContext& message) {
  const Common& common = message.common_tls_context();
  net::tls::ServerConfig config;
  config.parameters = parameters(common);
  config.certificates = certificates(common);
  const bool not_read = schema_only_ && common.tls_certificate_sds_secret_configs_size() > 0;
  if (config.certificates.empty() && !not_read && diagnostics_.ok()) {
    diagnostics_.error(path_.at("common_tls_context").at("tls_certificates"),
                       "empty; a server needs a certificate, here or in tls_certificate_sds_secret_configs");
  }
  config.alpn.assign(common.alpn_protocols().begin(), common.alpn_protocols().end());
  config.validation = validation(common, false);
  config.require_client_certificate = message.require_client_certificate().value();
  config.require_server_name = message.require_sni().value();
  config.prefer_client_ciphers = message.prefer_client_ciphers();
  config.session_cache = !message.disable_stateful_session_resumption();
  if (message.has_session_timeout() && durationOf(message.session_timeout()) >= absl::Seconds(1)) {
    config.session_timeout = durationOf(message.session_timeout());
  }
  compileTickets(message, config);
  switch (message.ocsp_staple_policy()) {
    case tls_v3::DownstreamTlsContext::STRICT_STAPLING:
      config.stapling = net::tls::ServerConfig::Stapling::kStrict;
      break;
    case tls_v3::DownstreamTlsContext::MUST_STAPLE:
      config.stapling = net::tls::ServerConfig::Stapling::kMust;
      break;
    default:
      break;
  }
  if (common.has_key_log() && !schema_only_) config.key_log_path = common.key_log().path();
  return config;
}

net::tls::ClientConfig TlsCompiler::client(const tls_v3::UpstreamTlsContext& message) {
  const Common& common = message.common_tls_context();
  net::tls::ClientConfig config;
  config.parameters = parameters(common);
  config.certificates = certificates(common);
  config.alpn.assign(common.alpn_protocols().begin(), common.alpn_protocols().end());
  if (std::optional<net::tls::Validation> given = validation(common, true); given.has_value()) {
    config.validation = *std::move(given);
  } else {
    diagnostics_.warning(path_.at("common_tls_context").at("validation_context"),
                         "not given: the server's certificate is checked all the same, against the authorities that "
                         "this machine trusts and by the name of sni or of the host; trusted_ca names others, "
                         "trust_chain_verification: ACCEPT_UNTRUSTED switches the check off");
    config.validation.trusted_ca =
        readSystemRoots(schema_only_, diagnostics_, path_.at("common_tls_context").at("validation_context"));
  }
  config.server_name = message.sni();
  config.host_name_as_sni = message.auto_host_sni();
  if (message.auto_sni_san_validation()) config.validation.names.clear();
  if (message.has_max_session_keys()) config.sessions_per_host = message.max_session_keys().value();
  if (common.has_key_log() && !schema_only_) config.key_log_path = common.key_log().path();
  return config;
}

// --- their parts ---

net::tls::Parameters TlsCompiler::parameters(const Common& common) {
  const tls_v3::TlsParameters& message = common.tls_params();
  net::tls::Parameters result;
  const auto version = [&](tls_v3::TlsParameters::TlsProtocol protocol, const char* field, net::tls::Version& to) {
    const std::optional<net::tls::Version> known = versionOf(protocol, to);
    if (known.has_value()) {
      to = *known;
      return;
    }
    diagnostics_.error(path_.at("common_tls_context").at("tls_params").at(field),
                       absl::StrCat(tls_v3::TlsParameters::TlsProtocol_Name(protocol),
                                    " was withdrawn and is not spoken by weir; allowed: TLS_AUTO, TLSv1_2, TLSv1_3"));
  };
  version(message.tls_minimum_protocol_version(), "tls_minimum_protocol_version", result.minimum);
  version(message.tls_maximum_protocol_version(), "tls_maximum_protocol_version", result.maximum);
  result.cipher_suites.assign(message.cipher_suites().begin(), message.cipher_suites().end());
  result.curves.assign(message.ecdh_curves().begin(), message.ecdh_curves().end());
  result.signature_algorithms.assign(message.signature_algorithms().begin(), message.signature_algorithms().end());
  return result;
}

std::vector<net::tls::Certificate> TlsCompiler::certificates(const Common& common) {
  std::vector<net::tls::Certificate> result;
  const auto add = [&](const CertificateMessage& message, Place place) {
    certificate_places_.push_back(place);
    atPlace(place, "tls_certificates", "tls_certificate",
            [&](const FieldPath& path) { result.push_back(certificate(message, path)); });
  };
  for (int i = 0; i < common.tls_certificates_size(); ++i) {
    add(common.tls_certificates(i), {std::nullopt, static_cast<size_t>(i)});
  }
  const FieldPath context = path_.at("common_tls_context");
  for (int i = 0; i < common.tls_certificate_sds_secret_configs_size(); ++i) {
    const tls_v3::SdsSecretConfig& named = common.tls_certificate_sds_secret_configs(i);
    const FieldPath config = context.at(kCertificateSecrets, static_cast<size_t>(i));
    Place place{std::nullopt, static_cast<size_t>(i)};
    const Secrets::Message* const found = secret(named, kCertificateSecrets, config, place);
    if (found == nullptr) continue;
    if (!found->has_tls_certificate()) {
      diagnostics_.error(config.at("name"), absl::StrCat("the secret '", named.name(), "' is not a tls_certificate"));
      continue;
    }
    add(found->tls_certificate(), place);
  }
  return result;
}

net::tls::Certificate TlsCompiler::certificate(const CertificateMessage& message, const FieldPath& path) {
  net::tls::Certificate result;
  if (!message.has_certificate_chain()) diagnostics_.error(path.at("certificate_chain"), "missing; it is required");
  if (!message.has_private_key()) diagnostics_.error(path.at("private_key"), "missing; it is required");
  if (message.has_certificate_chain()) {
    result.chain = read(message.certificate_chain(), kMaxPem, path.at("certificate_chain"));
  }
  if (message.has_private_key()) result.private_key = read(message.private_key(), kMaxPem, path.at("private_key"));
  if (message.has_password()) {
    result.password = read(message.password(), kMaxPem, path.at("password"));
    // A file of one line ends with the end of the line.
    while (result.password.ends_with('\n') || result.password.ends_with('\r')) result.password.pop_back();
  }
  if (message.has_ocsp_staple()) result.ocsp_staple = read(message.ocsp_staple(), kMaxPem, path.at("ocsp_staple"));
  return result;
}

std::optional<net::tls::Validation> TlsCompiler::validation(const Common& common, bool upstream) {
  const FieldPath context = path_.at("common_tls_context");
  const auto named = [&](const tls_v3::SdsSecretConfig& config, const FieldPath& path) -> const ValidationMessage* {
    const Secrets::Message* const found = secret(config, kValidationSecret, path, validation_place_);
    if (found == nullptr) return nullptr;
    if (found->has_validation_context()) return &found->validation_context();
    diagnostics_.error(path.at("name"), absl::StrCat("the secret '", config.name(), "' is not a validation_context"));
    return nullptr;
  };
  std::optional<net::tls::Validation> result;
  const auto compile = [&](const ValidationMessage& message) {
    atPlace(validation_place_, validation_field_, "validation_context", [&](const FieldPath& path) {
      result = compileValidation(message, upstream, schema_only_, diagnostics_, path);
    });
  };
  if (common.has_validation_context()) {
    compile(common.validation_context());
  } else if (common.has_validation_context_sds_secret_config()) {
    const FieldPath path = context.at("validation_context_sds_secret_config");
    if (const auto* message = named(common.validation_context_sds_secret_config(), path)) compile(*message);
  } else if (common.has_combined_validation_context()) {
    const auto& combined = common.combined_validation_context();
    const FieldPath both = context.at("combined_validation_context");
    const FieldPath path = both.at("validation_context_sds_secret_config");
    validation_place_.combined = true;
    if (const auto* message = named(combined.validation_context_sds_secret_config(), path)) {
      ValidationMessage merged = combined.default_validation_context();
      merged.MergeFrom(*message);
      compile(merged);
    }
  }
  return result;
}

void TlsCompiler::compileTickets(const tls_v3::DownstreamTlsContext& message, net::tls::ServerConfig& config) {
  config.session_tickets = !message.disable_stateless_session_resumption();
  if (message.has_session_ticket_keys()) {
    config.ticket_keys = ticketKeys(message.session_ticket_keys(), path_.at("session_ticket_keys"));
  }
  if (!message.has_session_ticket_keys_sds_secret_config()) return;
  const tls_v3::SdsSecretConfig& named = message.session_ticket_keys_sds_secret_config();
  const FieldPath reference = path_.at(kTicketSecret);
  Place place;
  const Secrets::Message* const found = secret(named, kTicketSecret, reference, place);
  if (found == nullptr) return;
  if (!found->has_session_ticket_keys()) {
    diagnostics_.error(reference.at("name"),
                       absl::StrCat("the secret '", named.name(), "' is not session_ticket_keys"));
    return;
  }
  ticket_place_ = place;
  atPlace(place, "", "session_ticket_keys",
          [&](const FieldPath& path) { config.ticket_keys = ticketKeys(found->session_ticket_keys(), path); });
}

std::vector<std::string> TlsCompiler::ticketKeys(const tls_v3::TlsSessionTicketKeys& message, const FieldPath& path) {
  std::vector<std::string> keys;
  for (int i = 0; i < message.keys_size(); ++i) {
    keys.push_back(read(message.keys(i), kMaxPem, path.at("keys", static_cast<size_t>(i))));
  }
  return keys;
}

// --- and back ---

void TlsCompiler::report(const net::tls::Problems& problems) {
  const FieldPath common = path_.at("common_tls_context");
  const FieldPath parameters = common.at("tls_params");
  for (const Problem& problem : problems) {
    const char* const field = fieldOf(problem.part);
    const auto error = [&](const FieldPath& path) { diagnostics_.error(path.at(field), problem.message); };
    switch (problem.part) {
      case Problem::Part::kCertificate:
      case Problem::Part::kPrivateKey:
      case Problem::Part::kOcspStaple:
        atPlace(certificate_places_.at(problem.index), "tls_certificates", "tls_certificate", error);
        break;
      case Problem::Part::kCipherSuite:
      case Problem::Part::kCurve:
      case Problem::Part::kSignatureAlgorithm:
        diagnostics_.error(parameters.at(field, problem.index), problem.message);
        break;
      case Problem::Part::kAlpn:
        diagnostics_.error(common.at(field, problem.index), problem.message);
        break;
      case Problem::Part::kVersions:
        error(parameters);
        break;
      case Problem::Part::kTrustedCa:
      case Problem::Part::kCrl:
        atPlace(validation_place_, validation_field_, "validation_context", error);
        break;
      case Problem::Part::kKeyLog:
        error(common.at("key_log"));
        break;
      case Problem::Part::kTicketKey:
        if (ticket_place_.has_value()) {
          atPlace(*ticket_place_, "", "session_ticket_keys",
                  [&](const FieldPath& path) { diagnostics_.error(path.at(field, problem.index), problem.message); });
        } else {
          diagnostics_.error(path_.at("session_ticket_keys").at(field, problem.index), problem.message);
        }
        break;
      case Problem::Part::kValidation:
      case Problem::Part::kServerName:
        error(path_);
        break;
    }
  }
}

}  // namespace weir::extensions
