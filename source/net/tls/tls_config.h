// What a TLS context is built from: plain values that the compiler of the configuration fills on the main thread. All
// files are read already; PEM stands in memory. The defaults are the safe ones.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "source/net/tls/san_matcher.h"

namespace weir::net::tls {

enum class Version : uint8_t { kTls12, kTls13 };

struct Parameters {
  Version minimum = Version::kTls12;
  Version maximum = Version::kTls13;
  // OpenSSL's or IANA's names, most wanted first; several that are wanted alike may stand as "[A|B]". Empty: ECDHE with
  // AEAD ciphers. Those of TLS 1.3 are always all on.
  std::vector<std::string> cipher_suites;
  std::vector<std::string> curves;                // "X25519", "P-256"; empty: these two and P-384
  std::vector<std::string> signature_algorithms;  // "ecdsa_secp256r1_sha256"; empty: OpenSSL's
};

struct Certificate {
  std::string chain;        // PEM: the certificate, then those that lead to its root
  std::string private_key;  // PEM
  std::string password;     // of the private key
  std::string ocsp_staple;  // DER; empty when there is none
};

using Sha256 = std::array<unsigned char, 32>;

// How the peer's certificate is checked.
struct Validation {
  std::string trusted_ca;  // PEM; empty: no chain is checked, and pins must vouch for the peer
  std::string crl;         // PEM
  bool crl_of_leaf_only = false;
  std::optional<uint32_t> max_depth;  // certificates between the peer's and the trusted one
  bool allow_expired = false;
  // A peer whose certificate fails is taken all the same, and reported as not verified. Pins hold regardless.
  bool accept_untrusted = false;
  std::vector<SanMatcher> names;  // one must match; empty: any name (server), the name that was asked for (client)
  // When there are any, the certificate must be one of these, or its key one of those.
  std::vector<Sha256> certificate_hashes;
  std::vector<Sha256> spki_pins;
};

// 16 bytes of name, 32 of HMAC key, 32 of AES key.
inline constexpr size_t kTicketKeyBytes = 80;

struct ServerConfig {
  std::vector<Certificate> certificates;  // at least one
  Parameters parameters;
  std::vector<std::string> alpn;  // most wanted first
  std::optional<Validation> validation;
  bool require_client_certificate = false;  // else one is asked for when there is a validation
  bool require_server_name = false;
  bool prefer_client_ciphers = false;
  bool session_tickets = true;           // stateless resumption
  bool session_cache = true;             // stateful resumption
  std::vector<std::string> ticket_keys;  // first seals, all open; empty: random ones, replaced every session_timeout
  absl::Duration session_timeout = absl::Hours(2);
  enum class Stapling : uint8_t { kLenient, kStrict, kMust };
  Stapling stapling = Stapling::kLenient;
  std::string key_log_path;  // secrets of every session are appended here, for debugging; empty: nowhere
};

struct ClientConfig {
  std::vector<Certificate> certificates;  // none or one
  Parameters parameters;
  std::vector<std::string> alpn;
  Validation validation;
  std::string server_name;        // SNI; empty: none, or the host's name
  bool host_name_as_sni = false;  // the host's name where it has one, else server_name
  // Without matchers in the validation: SNI must be a name of the certificate, or without SNI the name or address of
  // the host.
  bool verify_name = true;
  size_t sessions_per_host = 1;  // kept for resumption; 0: none
  std::string key_log_path;
};

// What is wrong with a configuration, by the part that it is about.
struct Problem {
  enum class Part : uint8_t {
    kCertificate,  // `index` is that of the certificate
    kPrivateKey,
    kOcspStaple,
    kVersions,
    kCipherSuite,  // `index` is that of the list's entry
    kCurve,
    kSignatureAlgorithm,
    kAlpn,
    kTrustedCa,
    kCrl,
    kValidation,
    kTicketKey,
    kKeyLog,
    kServerName,
  };
  Part part;
  size_t index = 0;
  std::string message;
};
using Problems = std::vector<Problem>;

}  // namespace weir::net::tls
