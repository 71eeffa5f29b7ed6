// TlsCompiler: from the messages of a TLS context to the plain structs that its transport is built from, and from what
// is wrong with these back to the fields of the messages. For one context, at load, on the main thread; the messages
// and the path outlive it.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "source/base/diagnostics.h"
#include "source/extensions/transport_sockets/tls/secrets.h"
#include "source/net/tls/tls_config.h"

namespace envoy::config::core::v3 {
class DataSource;
}
namespace envoy::extensions::transport_sockets::tls::v3 {
class CertificateValidationContext;
class CommonTlsContext;
class DownstreamTlsContext;
class SdsSecretConfig;
class TlsCertificate;
class TlsParameters;
class TlsSessionTicketKeys;
class UpstreamTlsContext;
}  // namespace envoy::extensions::transport_sockets::tls::v3

namespace weir::extensions {

class TlsCompiler {
 public:
  // `path` is that of the context.
  TlsCompiler(const Secrets& secrets, bool schema_only, base::Diagnostics& diagnostics, const base::FieldPath& path)
      : secrets_(secrets), diagnostics_(diagnostics), path_(path), schema_only_(schema_only) {}

  // What they return is of use only when no error was reported.
  net::tls::ServerConfig server(const envoy::extensions::transport_sockets::tls::v3::DownstreamTlsContext& message);
  net::tls::ClientConfig client(const envoy::extensions::transport_sockets::tls::v3::UpstreamTlsContext& message);
  // Problems of what was compiled last, as errors of the fields that they come from.
  void report(const net::tls::Problems& problems);

 private:
  using Common = envoy::extensions::transport_sockets::tls::v3::CommonTlsContext;
  using ValidationMessage = envoy::extensions::transport_sockets::tls::v3::CertificateValidationContext;
  using CertificateMessage = envoy::extensions::transport_sockets::tls::v3::TlsCertificate;
  using DataSource = envoy::config::core::v3::DataSource;

  // Where a message stands: in the context, in a secret that the context names, or in a file.
  struct Place {
    std::optional<size_t> secret;
    size_t index = 0;                  // in the context's list
    const char* file_field = nullptr;  // the field that names the file
    bool combined = false;             // ... which is in the combined_validation_context
  };

  // The secret that `config`, at `path`, names; says in `place` where it stands. Null after an error, and when no file
  // is read.
  const Secrets::Message* secret(const envoy::extensions::transport_sockets::tls::v3::SdsSecretConfig& config,
                                 const char* field, const base::FieldPath& path, Place& place);
  std::string read(const DataSource& source, size_t max_bytes, const base::FieldPath& path);
  net::tls::Parameters parameters(const Common& message);
  std::vector<net::tls::Certificate> certificates(const Common& message);
  net::tls::Certificate certificate(const CertificateMessage& message, const base::FieldPath& path);
  std::optional<net::tls::Validation> validation(const Common& message, bool upstream);
  void compileTickets(const envoy::extensions::transport_sockets::tls::v3::DownstreamTlsContext& message,
                      net::tls::ServerConfig& config);
  std::vector<std::string> ticketKeys(
      const envoy::extensions::transport_sockets::tls::v3::TlsSessionTicketKeys& message, const base::FieldPath& path);

  // Calls fn with the path of a secret's part, or of a field of the common context.
  template <typename Fn>
  void atPlace(const Place& place, const char* field, const char* secret_field, Fn&& fn);

  const Secrets& secrets_;
  base::Diagnostics& diagnostics_;
  const base::FieldPath& path_;
  bool schema_only_;
  std::vector<Place> certificate_places_;
  Place validation_place_;
  const char* validation_field_ = "validation_context";
  std::optional<Place> ticket_place_;  // when they are of a secret
  std::vector<std::unique_ptr<const Secrets::Message>> from_files_;
};

}  // namespace weir::extensions
