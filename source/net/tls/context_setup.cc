#include "source/net/tls/context_setup.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "source/base/check.h"
#include "source/base/strings.h"
#include "source/net/tls/openssl_error.h"

namespace weir::net::tls {
namespace {

using Part = Problem::Part;

constexpr char kDefaultCiphers[] =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
constexpr char kTls13Ciphers[] = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
constexpr char kDefaultCurves[] = "X25519:P-256:P-384";

int versionNumber(Version version) { return version == Version::kTls13 ? TLS1_3_VERSION : TLS1_2_VERSION; }

// OpenSSL's name for an IANA name ("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"); other names stay.
std::string opensslCipher(std::string_view name) {
  if (!name.starts_with("TLS_")) return std::string(name);
  const SslContextPtr scratch(SSL_CTX_new(TLS_method()));
  SSL_CTX_set_cipher_list(scratch.get(), "ALL");
  const STACK_OF(SSL_CIPHER)* const all = SSL_CTX_get_ciphers(scratch.get());
  for (int i = 0; i < sk_SSL_CIPHER_num(all); ++i) {
    const SSL_CIPHER* const cipher = sk_SSL_CIPHER_value(all, i);
    const char* const standard = SSL_CIPHER_standard_name(cipher);
    if (standard != nullptr && name == standard) return SSL_CIPHER_get_name(cipher);
  }
  return std::string(name);
}

// "[A|B]" is how files for BoringSSL say that A and B are wanted alike; here A goes first.
std::vector<std::string> cipherNames(std::string_view entry) {
  if (entry.size() > 2 && entry.front() == '[' && entry.back() == ']') entry = entry.substr(1, entry.size() - 2);
  std::vector<std::string> names;
  while (true) {
    const size_t end = entry.find_first_of("|:");
    names.push_back(opensslCipher(entry.substr(0, end)));
    if (end == std::string_view::npos) return names;
    entry.remove_prefix(end + 1);
  }
}

void setCiphers(SSL_CTX* context, const Parameters& parameters, Problems& problems) {
  std::vector<std::string> names;
  for (size_t i = 0; i < parameters.cipher_suites.size(); ++i) {
    for (std::string& name : cipherNames(parameters.cipher_suites[i])) {
      const bool rule = !name.empty() && std::string_view("!-+@").find(name.front()) != std::string_view::npos;
      if (name.starts_with("TLS_") && std::string_view(kTls13Ciphers).find(name) != std::string_view::npos) {
        problems.push_back({Part::kCipherSuite, i,
                            absl::StrCat("'", name,
                                         "' is a suite of TLS 1.3, which are always on; only those of TLS "
                                         "1.2 are chosen here")});
      } else if (!rule && SSL_CTX_set_cipher_list(context, name.c_str()) != 1) {
        dropOpensslErrors();
        problems.push_back({Part::kCipherSuite, i, absl::StrCat("no cipher suite is called '", name, "'")});
      } else {
        names.push_back(std::move(name));
      }
    }
  }
  names.push_back("!aNULL:!eNULL");
  const std::string list = names.size() == 1 ? kDefaultCiphers : absl::StrJoin(names, ":");
  if (SSL_CTX_set_cipher_list(context, list.c_str()) != 1 && problems.empty()) {
    problems.push_back({Part::kCipherSuite, 0, absl::StrCat("no cipher suite is left: ", takeOpensslError())});
  }
  dropOpensslErrors();
  CHECK(SSL_CTX_set_ciphersuites(context, kTls13Ciphers) == 1, "OpenSSL has the suites of TLS 1.3");
}

using SetList = int (*)(SSL_CTX*, const char*);

void setList(SSL_CTX* context, SetList set, const std::vector<std::string>& names, Part part, const char* what,
             Problems& problems) {
  const size_t before = problems.size();
  for (size_t i = 0; i < names.size(); ++i) {
    if (!names[i].empty() && names[i].find(':') == std::string::npos && set(context, names[i].c_str()) == 1) continue;
    dropOpensslErrors();
    problems.push_back({part, i, absl::StrCat("no ", what, " is called '", names[i], "'")});
  }
  if (names.empty() || problems.size() != before) return;
  if (set(context, absl::StrJoin(names, ":").c_str()) == 1) return;
  dropOpensslErrors();
  problems.push_back({part, 0, "the list is not accepted; is an entry there twice?"});
}

}  // namespace

SslContextPtr newContext(const SSL_METHOD* method, const Parameters& parameters, Problems& problems) {
  SslContextPtr context(SSL_CTX_new(method));
  CHECK(context != nullptr, "a TLS context needs memory and the default provider");
  SSL_CTX* const c = context.get();
  SSL_CTX_set_security_level(c, 2);
  SSL_CTX_set_options(
      c, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
  SSL_CTX_clear_options(c, SSL_OP_LEGACY_SERVER_CONNECT);
  SSL_CTX_set_mode(c, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  if (parameters.minimum > parameters.maximum) {
    problems.push_back({Part::kVersions, 0, "the least version is above the greatest"});
  } else {
    SSL_CTX_set_min_proto_version(c, versionNumber(parameters.minimum));
    SSL_CTX_set_max_proto_version(c, versionNumber(parameters.maximum));
  }
  setCiphers(c, parameters, problems);
  CHECK(SSL_CTX_set1_groups_list(c, kDefaultCurves) == 1, "OpenSSL has the default curves");
  const SetList curves = [](SSL_CTX* ctx, const char* list) {
    return static_cast<int>(SSL_CTX_set1_groups_list(ctx, const_cast<char*>(list)));
  };
  const SetList algorithms = [](SSL_CTX* ctx, const char* list) {
    return static_cast<int>(SSL_CTX_set1_sigalgs_list(ctx, const_cast<char*>(list)));
  };
  setList(c, curves, parameters.curves, Part::kCurve, "curve", problems);
  setList(c, algorithms, parameters.signature_algorithms, Part::kSignatureAlgorithm, "signature algorithm", problems);
  return context;
}

std::string alpnWire(const std::vector<std::string>& protocols, Problems& problems) {
  std::string wire;
  for (size_t i = 0; i < protocols.size(); ++i) {
    if (protocols[i].empty() || protocols[i].size() > 255) {
      problems.push_back({Part::kAlpn, i, "the name of a protocol has 1 to 255 bytes"});
      continue;
    }
    wire += static_cast<char>(protocols[i].size());
    wire += protocols[i];
  }
  return wire;
}

}  // namespace weir::net::tls
