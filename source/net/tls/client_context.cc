#include "source/net/tls/client_context.h"

#include <arpa/inet.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "source/base/strings.h"
#include "source/net/tls/context_setup.h"
#include "source/net/tls/openssl_error.h"

namespace weir::net::tls {
namespace {

using Part = Problem::Part;

// RFC 6066 section 3: an address is no server name.
bool isIp(const std::string& name) {
  unsigned char bytes[16];
  return inet_pton(AF_INET, name.c_str(), bytes) == 1 || inet_pton(AF_INET6, name.c_str(), bytes) == 1;
}

// "127.0.0.1:80" -> "127.0.0.1", "[::1]:80" -> "::1"
std::string_view ipOf(std::string_view address) {
  address = address.substr(0, address.rfind(':'));
  if (address.starts_with('[') && address.ends_with(']')) address = address.substr(1, address.size() - 2);
  return address;
}

}  // namespace

ClientContext::Result ClientContext::create(const ClientConfig& config) {
  std::shared_ptr<ClientContext> context(new ClientContext(config));
  Result result;
  context->build(result.problems);
  if (result.problems.empty()) result.context = std::move(context);
  return result;
}

void ClientContext::build(Problems& problems) {
  const std::string alpn = alpnWire(config_.alpn, problems);
  checkNames(problems);
  verifier_ = Verifier::create(config_.validation, problems);
  context_ = newContext(TLS_client_method(), config_.parameters, problems);
  SSL_CTX* const c = context_.get();
  if (config_.certificates.size() > 1) {
    problems.push_back({Part::kCertificate, 1, "a client shows one certificate, and here are more"});
  } else if (!config_.certificates.empty()) {
    credential_ = Credential::load(config_.certificates.front(), 0, problems);
    if (credential_.has_value()) credential_->use(c, 0, problems);
    config_.certificates.clear();
  }
  if (!config_.key_log_path.empty()) {
    absl::StatusOr<std::unique_ptr<KeyLog>> log = KeyLog::open(config_.key_log_path);
    if (log.ok()) key_log_ = *std::move(log);
    if (!log.ok()) problems.push_back({Part::kKeyLog, 0, std::string(log.status().message())});
  }
  if (!problems.empty()) return;
  SSL_CTX_set_app_data(c, this);
  verifier_->apply(c, SSL_VERIFY_PEER);
  if (key_log_ != nullptr) key_log_->attach(c);
  if (!alpn.empty()) {
    SSL_CTX_set_alpn_protos(c, reinterpret_cast<const unsigned char*>(alpn.data()), static_cast<unsigned>(alpn.size()));
  }
  if (config_.sessions_per_host > 0) {
    SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(c, &ClientContext::onSession);
  } else {
    SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_options(c, SSL_OP_NO_TICKET);
  }
}

void ClientContext::checkNames(Problems& problems) const {
  if (config_.server_name.size() > 255 || config_.server_name.find('\0') != std::string::npos) {
    problems.push_back({Part::kServerName, 0, "a server name has at most 255 bytes, and no NUL"});
  }
}

SslPtr ClientContext::newSsl(std::string_view host_name, std::string_view address, ConnectionState& state) const {
  SslPtr ssl(SSL_new(context_.get()));
  if (ssl == nullptr) return ssl;
  const bool use_host = config_.host_name_as_sni && !host_name.empty();
  const std::string name = use_host ? std::string(host_name) : config_.server_name;
  const Validation& v = config_.validation;
  const bool pinned = !v.certificate_hashes.empty() || !v.spki_pins.empty();
  if (config_.verify_name && v.names.empty() && !(pinned && v.trusted_ca.empty())) {
    // Without a name of its own to go by, the certificate must be for what was connected to.
    const std::string_view host = host_name.empty() ? ipOf(address) : host_name;
    state.expected_name = name.empty() ? std::string(host) : name;
    if (state.expected_name.empty()) state.expected_name = "(the host has no name)";
  }
  if (!name.empty() && !isIp(name)) SSL_set_tlsext_host_name(ssl.get(), name.c_str());
  SSL_set_connect_state(ssl.get());
  if (config_.sessions_per_host > 0) {
    state.session_key = absl::StrCat(base::av(address), " ", name);
    const OpensslPtr<SSL_SESSION> session = sessions_.take(state.session_key);
    if (session != nullptr) SSL_set_session(ssl.get(), session.get());
  }
  return ssl;
}

int ClientContext::onSession(SSL* ssl, SSL_SESSION* session) {
  ConnectionState* const state = ConnectionState::of(ssl);
  if (state == nullptr || state->session_key.empty()) return 0;
  auto* const self = static_cast<ClientContext*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
  self->sessions_.put(state->session_key, OpensslPtr<SSL_SESSION>(session));
  return 1;  // the reference is taken over
}

}  // namespace weir::net::tls
