#include "source/proxy/client_certificate.h"

#include "absl/strings/str_cat.h"
#include "source/base/percent.h"
#include "source/net/transport_info.h"

namespace weir::proxy {
namespace {

using Forward = ClientCertificateOptions::Forward;
using http::HeaderId;

constexpr http::HeaderId kName = http::HeaderId::kXForwardedClientCert;

// In quotes, where the value has what would end the pair or the element.
std::string quoted(const std::string& text, bool always) {
  if (!always && text.find_first_of(",;=\"\\") == std::string::npos) return text;
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

}  // namespace

std::string clientCertificateElement(const ClientCertificateOptions& options, const net::Connection& connection) {
  const net::TransportInfo* const info = connection.transportInfo();
  if (info == nullptr || info->peer == nullptr) return {};
  std::string element;
  const auto add = [&](const char* key, const std::string& value) {
    absl::StrAppend(&element, element.empty() ? "" : ";", key, "=", value);
  };
  if (info->local != nullptr) {
    for (const std::string& uri : info->local->uris) add("By", quoted(uri, false));
  }
  add("Hash", info->peer->sha256_fingerprint);
  if (options.cert) add("Cert", absl::StrCat("\"", base::percentEncoded(connection.peerCertificatePem(false)), "\""));
  if (options.chain) add("Chain", absl::StrCat("\"", base::percentEncoded(connection.peerCertificatePem(true)), "\""));
  if (options.subject) add("Subject", quoted(info->peer->subject, true));
  if (options.uri) {
    for (const std::string& uri : info->peer->uris) add("URI", quoted(uri, false));
    if (info->peer->uris.empty()) add("URI", "");
  }
  if (options.dns) {
    for (const std::string& name : info->peer->dns_names) add("DNS", quoted(name, false));
  }
  return element;
}

void forwardClientCertificate(const ClientCertificateOptions& options, bool presented, std::string_view element,
                              http::HeaderMap& headers) {
  if (options.forward == Forward::kAlwaysForwardOnly) return;
  if (!presented || options.forward == Forward::kSanitize) {
    headers.remove(kName);
    return;
  }
  if (options.forward == Forward::kForwardOnly || element.empty()) return;
  const std::optional<std::string_view> before = headers.joined(http::headerName(kName));
  if (options.forward == Forward::kAppendForward && before && !before->empty()) {
    base::Arena& arena = headers.arena();
    element = arena.join(arena.join(*before, ","), element);
  }
  headers.set(kName, element);
}

}  // namespace weir::proxy
