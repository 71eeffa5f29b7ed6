// Operators that say what TLS knows of the connections on both sides. Lists of names are joined by ",".
#include <utility>

#include "source/base/percent.h"
#include "source/filter/format_operator.h"
#include "source/net/client_fingerprints.h"
#include "source/net/transport_info.h"

namespace weir::filter {
namespace {

using net::PeerCertificate;
using net::PeerChain;
using net::TransportInfo;

bool appendText(std::string_view text, std::string& out) {
  out += text;
  return !text.empty();
}

bool appendList(const std::vector<std::string>& list, std::string& out) {
  for (const std::string& one : list) {
    if (&one != &list.front()) out += ',';
    out += one;
  }
  return !list.empty();
}

const TransportInfo* downstream(const StreamInfo& info) { return info.downstream_transport; }
const TransportInfo* upstream(const StreamInfo& info) { return info.upstream_transport.get(); }

// What one side's transport says. kOf picks the side.
template <const TransportInfo* (*kOf)(const StreamInfo&)>
struct Of {
  static const PeerCertificate* certificate(const StreamInfo& info, bool peer) {
    const TransportInfo* const transport = kOf(info);
    if (transport == nullptr) return nullptr;
    return peer ? transport->peer.get() : transport->local.get();
  }
  static bool version(const FormatOperator&, const StreamInfo& info, std::string& out) {
    return kOf(info) != nullptr && appendText(kOf(info)->version, out);
  }
  static bool cipher(const FormatOperator&, const StreamInfo& info, std::string& out) {
    return kOf(info) != nullptr && appendText(kOf(info)->cipher, out);
  }
  static bool sessionId(const FormatOperator&, const StreamInfo& info, std::string& out) {
    return kOf(info) != nullptr && appendText(kOf(info)->session_id, out);
  }
  static bool failure(const FormatOperator&, const StreamInfo& info, std::string& out) {
    return kOf(info) != nullptr && appendText(kOf(info)->failure, out);
  }
  template <std::string PeerCertificate::*kMember, bool kPeer>
  static bool text(const FormatOperator&, const StreamInfo& info, std::string& out) {
    const PeerCertificate* const shown = certificate(info, kPeer);
    return shown != nullptr && appendText(shown->*kMember, out);
  }
  template <std::vector<std::string> PeerCertificate::*kMember, bool kPeer>
  static bool list(const FormatOperator&, const StreamInfo& info, std::string& out) {
    const PeerCertificate* const shown = certificate(info, kPeer);
    return shown != nullptr && appendList(shown->*kMember, out);
  }
  // Of the whole chain, its own certificate first.
  template <std::string PeerChain::Link::*kMember>
  static bool chain(const FormatOperator&, const StreamInfo& info, std::string& out) {
    if (kOf(info) == nullptr || kOf(info)->peer_chain == nullptr) return false;
    std::vector<std::string> all;
    for (PeerChain::Link& one : kOf(info)->peer_chain->links()) all.push_back(std::move(one.*kMember));
    return appendList(all, out);
  }
  static bool pem(const FormatOperator&, const StreamInfo& info, std::string& out) {
    if (kOf(info) == nullptr || kOf(info)->peer_chain == nullptr) return false;
    return appendText(base::percentEncoded(kOf(info)->peer_chain->pem()), out);
  }
  template <absl::Time PeerCertificate::*kMember>
  static bool time(const FormatOperator& self, const StreamInfo& info, std::string& out) {
    const PeerCertificate* const shown = certificate(info, true);
    return shown != nullptr && appendTime(self, shown->*kMember, out);
  }
};
using Down = Of<downstream>;
using Up = Of<upstream>;
using P = PeerCertificate;
using L = PeerChain::Link;

bool requestedServerName(const FormatOperator&, const StreamInfo& info, std::string& out) {
  if (!info.requested_server_name.empty()) return appendText(info.requested_server_name, out);
  return info.downstream_transport != nullptr && appendText(info.downstream_transport->server_name, out);
}

template <std::string net::ClientFingerprints::*kMember>
bool fingerprint(const FormatOperator&, const StreamInfo& info, std::string& out) {
  return info.fingerprints != nullptr && appendText(info.fingerprints->*kMember, out);
}

constexpr auto kTime = FormatOperator::Arity::kTime;

const FormatOperator kOperators[] = {
    {.name = "DOWNSTREAM_LOCAL_DNS_SAN", .write = Down::list<&P::dns_names, false>},
    {.name = "DOWNSTREAM_LOCAL_EMAIL_SAN", .write = Down::list<&P::emails, false>},
    {.name = "DOWNSTREAM_LOCAL_IP_SAN", .write = Down::list<&P::ip_addresses, false>},
    {.name = "DOWNSTREAM_LOCAL_OTHERNAME_SAN", .write = Down::list<&P::other_names, false>},
    {.name = "DOWNSTREAM_LOCAL_SUBJECT", .write = Down::text<&P::subject, false>},
    {.name = "DOWNSTREAM_LOCAL_URI_SAN", .write = Down::list<&P::uris, false>},
    {.name = "DOWNSTREAM_PEER_CERT", .write = Down::pem},
    {.name = "DOWNSTREAM_PEER_CERT_V_END", .arity = kTime, .write = Down::time<&P::not_after>},
    {.name = "DOWNSTREAM_PEER_CERT_V_START", .arity = kTime, .write = Down::time<&P::not_before>},
    {.name = "DOWNSTREAM_PEER_CHAIN_FINGERPRINTS_1", .write = Down::chain<&L::sha1_fingerprint>},
    {.name = "DOWNSTREAM_PEER_CHAIN_FINGERPRINTS_256", .write = Down::chain<&L::sha256_fingerprint>},
    {.name = "DOWNSTREAM_PEER_CHAIN_SERIALS", .write = Down::chain<&L::serial>},
    {.name = "DOWNSTREAM_PEER_DNS_SAN", .write = Down::list<&P::dns_names, true>},
    {.name = "DOWNSTREAM_PEER_EMAIL_SAN", .write = Down::list<&P::emails, true>},
    {.name = "DOWNSTREAM_PEER_FINGERPRINT_1", .write = Down::text<&P::sha1_fingerprint, true>},
    {.name = "DOWNSTREAM_PEER_FINGERPRINT_256", .write = Down::text<&P::sha256_fingerprint, true>},
    {.name = "DOWNSTREAM_PEER_IP_SAN", .write = Down::list<&P::ip_addresses, true>},
    {.name = "DOWNSTREAM_PEER_ISSUER", .write = Down::text<&P::issuer, true>},
    {.name = "DOWNSTREAM_PEER_OTHERNAME_SAN", .write = Down::list<&P::other_names, true>},
    {.name = "DOWNSTREAM_PEER_SERIAL", .write = Down::text<&P::serial, true>},
    {.name = "DOWNSTREAM_PEER_SUBJECT", .write = Down::text<&P::subject, true>},
    {.name = "DOWNSTREAM_PEER_URI_SAN", .write = Down::list<&P::uris, true>},
    {.name = "DOWNSTREAM_TLS_CIPHER", .write = Down::cipher},
    {.name = "DOWNSTREAM_TLS_SESSION_ID", .write = Down::sessionId},
    {.name = "DOWNSTREAM_TLS_VERSION", .write = Down::version},
    {.name = "DOWNSTREAM_TRANSPORT_FAILURE_REASON", .write = Down::failure},
    {.name = "REQUESTED_SERVER_NAME", .write = requestedServerName},
    {.name = "TLS_JA3_FINGERPRINT", .write = fingerprint<&net::ClientFingerprints::ja3>},
    {.name = "TLS_JA4_FINGERPRINT", .write = fingerprint<&net::ClientFingerprints::ja4>},
    {.name = "UPSTREAM_LOCAL_DNS_SAN", .write = Up::list<&P::dns_names, false>},
    {.name = "UPSTREAM_LOCAL_EMAIL_SAN", .write = Up::list<&P::emails, false>},
    {.name = "UPSTREAM_LOCAL_IP_SAN", .write = Up::list<&P::ip_addresses, false>},
    {.name = "UPSTREAM_LOCAL_OTHERNAME_SAN", .write = Up::list<&P::other_names, false>},
    {.name = "UPSTREAM_LOCAL_SUBJECT", .write = Up::text<&P::subject, false>},
    {.name = "UPSTREAM_LOCAL_URI_SAN", .write = Up::list<&P::uris, false>},
    {.name = "UPSTREAM_PEER_CERT", .write = Up::pem},
    {.name = "UPSTREAM_PEER_CERT_V_END", .arity = kTime, .write = Up::time<&P::not_after>},
    {.name = "UPSTREAM_PEER_CERT_V_START", .arity = kTime, .write = Up::time<&P::not_before>},
    {.name = "UPSTREAM_PEER_CHAIN_FINGERPRINTS_1", .write = Up::chain<&L::sha1_fingerprint>},
    {.name = "UPSTREAM_PEER_CHAIN_FINGERPRINTS_256", .write = Up::chain<&L::sha256_fingerprint>},
    {.name = "UPSTREAM_PEER_CHAIN_SERIALS", .write = Up::chain<&L::serial>},
    {.name = "UPSTREAM_PEER_DNS_SAN", .write = Up::list<&P::dns_names, true>},
    {.name = "UPSTREAM_PEER_EMAIL_SAN", .write = Up::list<&P::emails, true>},
    {.name = "UPSTREAM_PEER_FINGERPRINT_1", .write = Up::text<&P::sha1_fingerprint, true>},
    {.name = "UPSTREAM_PEER_FINGERPRINT_256", .write = Up::text<&P::sha256_fingerprint, true>},
    {.name = "UPSTREAM_PEER_IP_SAN", .write = Up::list<&P::ip_addresses, true>},
    {.name = "UPSTREAM_PEER_ISSUER", .write = Up::text<&P::issuer, true>},
    {.name = "UPSTREAM_PEER_OTHERNAME_SAN", .write = Up::list<&P::other_names, true>},
    {.name = "UPSTREAM_PEER_SERIAL", .write = Up::text<&P::serial, true>},
    {.name = "UPSTREAM_PEER_SUBJECT", .write = Up::text<&P::subject, true>},
    {.name = "UPSTREAM_PEER_URI_SAN", .write = Up::list<&P::uris, true>},
    {.name = "UPSTREAM_TLS_CIPHER", .write = Up::cipher},
    {.name = "UPSTREAM_TLS_SESSION_ID", .write = Up::sessionId},
    {.name = "UPSTREAM_TLS_VERSION", .write = Up::version},
    {.name = "UPSTREAM_TRANSPORT_FAILURE_REASON", .write = Up::failure},
};

}  // namespace

FormatOperatorList transportOperators() { return {kOperators, std::size(kOperators)}; }

}  // namespace weir::filter
