#include "source/net/tls/server_context.h"

#include <algorithm>
#include <cstring>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "source/base/check.h"
#include "source/base/strings.h"
#include "source/net/tls/connection_state.h"
#include "source/net/tls/context_setup.h"
#include "source/net/tls/openssl_error.h"
#include "source/net/tls/x509_text.h"

namespace weir::net::tls {
namespace {

using Part = Problem::Part;

// How many sessions the stateful cache holds, over all workers; each takes about a kilobyte.
constexpr long kCachedSessions = 10'240;

// What goes into logs and lookups: letters, digits and what host names are joined with. RFC 6066 allows no more.
bool isHostName(std::string_view name) {
  return !name.empty() && name.size() <= 255 && std::all_of(name.begin(), name.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '.' || c == '_';
  });
}

}  // namespace

ServerContext::Result ServerContext::create(const ServerConfig& config) {
  std::shared_ptr<ServerContext> context(new ServerContext(config));
  Result result;
  context->build(result.problems);
  if (result.problems.empty()) result.context = std::move(context);
  return result;
}

void ServerContext::build(Problems& problems) {
  alpn_ = alpnWire(config_.alpn, problems);
  const bool usable = checkOptions(problems);
  if (!loadCredentials(problems) || !usable) return;
  if (config_.validation.has_value()) verifier_ = Verifier::create(*config_.validation, problems);
  if (!config_.key_log_path.empty()) {
    absl::StatusOr<std::unique_ptr<KeyLog>> log = KeyLog::open(config_.key_log_path);
    if (log.ok()) key_log_ = *std::move(log);
    if (!log.ok()) problems.push_back({Part::kKeyLog, 0, std::string(log.status().message())});
  }
  if (!problems.empty()) return;
  if (config_.session_tickets && config_.ticket_keys.empty()) {
    ticket_keys_ = std::make_unique<TicketKeys>(config_.session_timeout);
  } else if (config_.session_tickets) {
    ticket_keys_ = std::make_unique<TicketKeys>(config_.ticket_keys);
  }
  buildIdentities(problems);
  // Only what is read while serving is kept.
  for (Certificate& certificate : config_.certificates) certificate = {};
}

bool ServerContext::checkOptions(Problems& problems) {
  const size_t before = problems.size();
  if (config_.certificates.empty()) problems.push_back({Part::kCertificate, 0, "a server needs a certificate"});
  if (config_.require_client_certificate && !config_.validation.has_value()) {
    problems.push_back({Part::kValidation, 0, "client certificates are required, and nothing says how to check them"});
  }
  for (size_t i = 0; i < config_.ticket_keys.size(); ++i) {
    if (config_.ticket_keys[i].size() == kTicketKeyBytes) continue;
    problems.push_back(
        {Part::kTicketKey, i,
         absl::StrCat("a ticket key has ", kTicketKeyBytes, " bytes, and this one ", config_.ticket_keys[i].size())});
  }
  return problems.size() == before;
}

bool ServerContext::loadCredentials(Problems& problems) {
  const size_t before = problems.size();
  for (size_t i = 0; i < config_.certificates.size(); ++i) {
    std::optional<Credential> credential = Credential::load(config_.certificates[i], i, problems);
    if (!credential.has_value()) continue;
    if (config_.stapling == ServerConfig::Stapling::kMust && credential->ocsp_staple.empty()) {
      problems.push_back({Part::kOcspStaple, i, "the policy is MUST_STAPLE, and this certificate has no OCSP staple"});
    }
    credentials_.push_back(*std::move(credential));
  }
  return problems.size() == before && !credentials_.empty();
}

// For every name, the first certificate of each type of key that is for it.
void ServerContext::buildIdentities(Problems& problems) {
  std::map<std::string, Identity> by_name;
  Identity all(credentials_.size());
  for (size_t i = 0; i < all.size(); ++i) {
    all[i] = i;
    for (const std::string& name : credentials_[i].names) by_name[name].push_back(i);
  }
  const auto firstOfEachType = [&](const Identity& from) {
    Identity identity;
    std::set<int> types;
    for (const size_t i : from) {
      if (types.insert(credentials_[i].key_type).second) identity.push_back(i);
    }
    return identity;
  };
  default_ = contextFor(firstOfEachType(all), problems);
  for (const auto& [name, from] : by_name) {
    SSL_CTX* const context = contextFor(firstOfEachType(from), problems);
    if (name.starts_with("*.")) {
      by_wildcard_[name.substr(1)] = context;
    } else {
      by_name_[name] = context;
    }
  }
}

SSL_CTX* ServerContext::contextFor(const Identity& identity, Problems& problems) {
  SslContextPtr& context = contexts_[identity];
  if (context == nullptr) context = makeContext(identity, problems);
  return context.get();
}

SslContextPtr ServerContext::makeContext(const Identity& identity, Problems& problems) const {
  SslContextPtr context = newContext(TLS_server_method(), config_.parameters, problems);
  SSL_CTX* const c = context.get();
  auto* const self = const_cast<ServerContext*>(this);
  for (const size_t i : identity) credentials_[i].use(c, i, problems);
  SSL_CTX_set_app_data(c, self);
  if (config_.prefer_client_ciphers) SSL_CTX_clear_options(c, SSL_OP_CIPHER_SERVER_PREFERENCE);
  if (verifier_ != nullptr) {
    const int required = config_.require_client_certificate ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0;
    verifier_->apply(c, SSL_VERIFY_PEER | SSL_VERIFY_CLIENT_ONCE | required);
    verifier_->offerAuthorities(c);
  }
  SSL_CTX_set_tlsext_servername_callback(c, &ServerContext::onServerName);
  SSL_CTX_set_tlsext_servername_arg(c, self);
  if (!alpn_.empty()) SSL_CTX_set_alpn_select_cb(c, &ServerContext::onAlpn, self);
  SSL_CTX_set_tlsext_status_cb(c, &ServerContext::onStatus);
  SSL_CTX_set_tlsext_status_arg(c, self);
  if (key_log_ != nullptr) key_log_->attach(c);
  setResumption(c);
  return context;
}

void ServerContext::setResumption(SSL_CTX* context) const {
  const auto id = policy();
  SSL_CTX_set_session_id_context(context, id.data(), id.size());
  SSL_CTX_set_timeout(context, std::max<int64_t>(absl::ToInt64Seconds(config_.session_timeout), 1));
  if (config_.session_cache) {
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_SERVER);
    SSL_CTX_sess_set_cache_size(context, kCachedSessions);
  } else {
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  }
  if (config_.session_tickets) {
    SSL_CTX_set_tlsext_ticket_key_evp_cb(context, &ServerContext::onTicket);
  } else {
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
    // TLS 1.3 resumes with tickets only; without sealed ones they are names of cached sessions.
    if (!config_.session_cache) SSL_CTX_set_num_tickets(context, 0);
  }
}

// A session is resumed only where a full handshake would have asked and found the same.
std::array<unsigned char, 32> ServerContext::policy() const {
  std::string text = absl::StrCat(config_.require_client_certificate, config_.require_server_name, alpn_, "\n",
                                  verifier_ == nullptr ? "" : verifier_->fingerprint(), "\n");
  for (const Credential& credential : credentials_) {
    const Sha256 hash = certificateHash(credential.leaf.get());
    text.append(reinterpret_cast<const char*>(hash.data()), hash.size());
  }
  std::array<unsigned char, 32> out;
  CHECK(EVP_Digest(text.data(), text.size(), out.data(), nullptr, EVP_sha256(), nullptr) == 1, "OpenSSL has SHA-256");
  return out;
}

SslPtr ServerContext::newSsl() const {
  SslPtr ssl(SSL_new(default_));
  if (ssl != nullptr) SSL_set_accept_state(ssl.get());
  return ssl;
}

SSL_CTX* ServerContext::find(std::string_view server_name) const {
  std::string name = absl::AsciiStrToLower(base::av(server_name));
  if (name.ends_with('.')) name.pop_back();
  if (const auto at = by_name_.find(name); at != by_name_.end()) return at->second;
  const size_t dot = name.find('.');
  if (dot == std::string::npos || dot == 0) return nullptr;
  const auto at = by_wildcard_.find(std::string_view(name).substr(dot));
  return at == by_wildcard_.end() ? nullptr : at->second;
}

ServerContext& ServerContext::of(SSL* ssl) {
  return *static_cast<ServerContext*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
}

int ServerContext::onServerName(SSL* ssl, int* alert, void* arg) {
  const auto& self = *static_cast<const ServerContext*>(arg);
  const char* const name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  if (name == nullptr) {
    if (!self.config_.require_server_name) return SSL_TLSEXT_ERR_NOACK;
    *alert = SSL_AD_UNRECOGNIZED_NAME;
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
  if (!isHostName(name)) {
    *alert = SSL_AD_ILLEGAL_PARAMETER;
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
  if (SSL_CTX* const context = self.find(name); context != nullptr) SSL_set_SSL_CTX(ssl, context);
  return SSL_TLSEXT_ERR_OK;
}

int ServerContext::onAlpn(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* in,
                          unsigned in_size, void* arg) {
  const auto& self = *static_cast<const ServerContext*>(arg);
  unsigned char* selected = nullptr;
  const auto* const ours = reinterpret_cast<const unsigned char*>(self.alpn_.data());
  const int result =
      SSL_select_next_proto(&selected, out_size, ours, static_cast<unsigned>(self.alpn_.size()), in, in_size);
  // A client with other protocols only is served what would be served without ALPN.
  if (result != OPENSSL_NPN_NEGOTIATED) return SSL_TLSEXT_ERR_NOACK;
  *out = selected;
  return SSL_TLSEXT_ERR_OK;
}

int ServerContext::onStatus(SSL* ssl, void* arg) {
  const auto& self = *static_cast<const ServerContext*>(arg);
  const ConnectionState* const state = ConnectionState::of(ssl);
  const X509* const shown = SSL_get_certificate(ssl);
  for (const Credential& credential : self.credentials_) {
    if (credential.leaf.get() != shown || credential.ocsp_staple.empty()) continue;
    if (state == nullptr || state->dispatcher->wallNow() >= credential.staple_expires) {
      const bool lenient = self.config_.stapling == ServerConfig::Stapling::kLenient;
      return lenient ? SSL_TLSEXT_ERR_NOACK : SSL_TLSEXT_ERR_ALERT_FATAL;
    }
    const std::string& der = credential.ocsp_staple;
    void* const copy = OPENSSL_memdup(der.data(), der.size());
    if (copy == nullptr) return SSL_TLSEXT_ERR_NOACK;
    SSL_set_tlsext_status_ocsp_resp(ssl, copy, static_cast<long>(der.size()));  // takes it over
    return SSL_TLSEXT_ERR_OK;
  }
  return SSL_TLSEXT_ERR_NOACK;
}

int ServerContext::onTicket(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac,
                            int seal) {
  const ConnectionState* const state = ConnectionState::of(ssl);
  if (state == nullptr) return 0;
  const bool once = SSL_version(ssl) >= TLS1_3_VERSION;  // RFC 8446 section C.4
  return of(ssl).ticket_keys_->onTicket(state->dispatcher->now(), name, iv, cipher, mac, seal != 0, once);
}

}  // namespace weir::net::tls
