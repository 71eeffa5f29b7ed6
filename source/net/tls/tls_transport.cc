#include "source/net/tls/tls_transport.h"

#include <string>
#include <utility>

#include "source/base/check.h"
#include "source/net/tls/client_context.h"
#include "source/net/tls/credential.h"
#include "source/net/tls/server_context.h"
#include "source/net/tls/tls_socket.h"
#include "source/net/tls/x509_text.h"

namespace weir::net::tls {
namespace {

template <typename Credentials>
std::shared_ptr<const TlsSocket::Shared> share(const TlsStats& stats, const Credentials& credentials) {
  auto shared = std::make_shared<TlsSocket::Shared>();
  shared->stats = stats;
  for (const Credential& one : credentials) {
    shared->certificates.emplace_back(one.leaf.get(),
                                      std::make_shared<const PeerCertificate>(describe(one.leaf.get())));
  }
  return shared;
}

std::unique_ptr<ConnectionState> stateOn(const WorkerContext& worker, const TlsSocket::Shared& shared) {
  auto state = std::make_unique<ConnectionState>();
  state->dispatcher = &worker.dispatcher;
  state->gate = &shared.gates.on(worker.dispatcher);
  return state;
}

class ServerTransport final : public TransportFactory {
 public:
  ServerTransport(std::shared_ptr<const ServerContext> context, const TlsStats& stats)
      : context_(std::move(context)), shared_(share(stats, context_->credentials())) {}

  std::unique_ptr<Socket> wrap(std::unique_ptr<Socket> socket, const WorkerContext& worker,
                               const Purpose&) const override {
    SslPtr ssl = context_->newSsl();
    CHECK(ssl != nullptr, "a connection needs memory");
    return std::make_unique<TlsSocket>(std::move(socket), std::move(ssl), stateOn(worker, *shared_), context_, shared_,
                                       worker.stats);
  }

 private:
  std::shared_ptr<const ServerContext> context_;
  std::shared_ptr<const TlsSocket::Shared> shared_;
};

class ClientTransport final : public TransportFactory {
 public:
  ClientTransport(std::shared_ptr<const ClientContext> context, const TlsStats& stats)
      : context_(std::move(context)), shared_(share(stats, context_->credentials())) {}

  std::unique_ptr<Socket> wrap(std::unique_ptr<Socket> socket, const WorkerContext& worker,
                               const Purpose& purpose) const override {
    std::unique_ptr<ConnectionState> state = stateOn(worker, *shared_);
    SslPtr ssl = context_->newSsl(purpose.host_name, socket->remoteAddress().text(), *state);
    CHECK(ssl != nullptr, "a connection needs memory");
    return std::make_unique<TlsSocket>(std::move(socket), std::move(ssl), std::move(state), context_, shared_,
                                       worker.stats);
  }

 private:
  std::shared_ptr<const ClientContext> context_;
  std::shared_ptr<const TlsSocket::Shared> shared_;
};

// More than this is the list of a machine.
constexpr size_t kMaxShownAuthorities = 64 * 1024;

std::vector<PeerCertificate> describeAll(const std::string& text) {
  std::vector<PeerCertificate> all;
  if (text.empty() || text.size() > kMaxShownAuthorities) return all;
  Problems ignored;
  const auto certificates = parseCertificates(text, Problem::Part::kTrustedCa, 0, ignored);
  if (!certificates) return all;
  for (const X509Ptr& one : *certificates) all.push_back(describe(one.get()));
  return all;
}

template <typename Credentials>
std::vector<PeerCertificate> describeOwn(const Credentials& credentials) {
  std::vector<PeerCertificate> all;
  for (const Credential& one : credentials) all.push_back(describe(one.leaf.get()));
  return all;
}

}  // namespace

TlsTransport TlsTransport::server(const ServerConfig& config, const TlsStats& stats) {
  ServerContext::Result result = ServerContext::create(config);
  TlsTransport transport;
  transport.problems = std::move(result.problems);
  if (result.context != nullptr) {
    transport.certificates = describeOwn(result.context->credentials());
    if (config.validation) transport.authorities = describeAll(config.validation->trusted_ca);
    transport.factory = std::make_shared<const ServerTransport>(std::move(result.context), stats);
  }
  return transport;
}

TlsTransport TlsTransport::client(const ClientConfig& config, const TlsStats& stats) {
  ClientContext::Result result = ClientContext::create(config);
  TlsTransport transport;
  transport.problems = std::move(result.problems);
  if (result.context != nullptr) {
    transport.certificates = describeOwn(result.context->credentials());
    transport.authorities = describeAll(config.validation.trusted_ca);
    transport.factory = std::make_shared<const ClientTransport>(std::move(result.context), stats);
  }
  return transport;
}

}  // namespace weir::net::tls
